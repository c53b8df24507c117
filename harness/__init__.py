"""Evaluate fine-tuned language models with evidence: gold sets, runs, metrics and comparisons."""

__version__ = "0.1.0"
