"""Suites made in a few words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.goldset.check import check_gold
from harness.goldset.findings import Finding
from harness.suite import Suite, load_suite

Rows = Sequence[Mapping[str, Any]]


def suite_of(
    folder: Path, tasks: str, rows: Rows, *, language: str = "en", version: str = "1.0.0"
) -> Suite:
    """Write a suite (tasks as the YAML below `tasks:`) and load it."""
    folder.mkdir(parents=True, exist_ok=True)
    head = f"name: toy\nversion: {version}\nlanguage: {language}\ndescription: Toy.\ntasks:\n"
    (folder / "suite.yaml").write_text(head + tasks, encoding="utf-8")
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "gold.jsonl").write_text(text, encoding="utf-8")
    return load_suite(folder)


def qa(number: int, question: str, *answers: str, **more: Any) -> dict[str, Any]:
    """Return a row of task qa."""
    return {"id": f"q{number}", "task": "qa", "input": question, "references": answers, **more}


def found(suite: Suite, kind: str) -> Finding | None:
    """Return the finding of a kind, or None; there must not be two."""
    hits = [finding for finding in check_gold(suite) if finding.kind == kind]
    assert len(hits) < 2, hits
    return hits[0] if hits else None
