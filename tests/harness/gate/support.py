"""What the gate's tests share."""

from __future__ import annotations

N = 60
YAML = 'name: toy\nversion: "1"\nlanguage: en\ndescription: d\ntasks: {qa: {metrics: [exact_match, token_f1]}}\n'
POLICY = """\
name: release
suites: [suite]
baseline: {toy: runs/toy/base}
primary:
- {suite: toy, metric: exact_match, require: no worse, margin: 0.05}
"""
