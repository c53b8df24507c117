"""Measure inside lm-eval what Tunemark would: called by the Python file beside an exported task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.config import read_text
from harness.errors import ConfigError
from harness.metrics.base import Item, MeanMetric, Metric
from harness.metrics.build import Extracting, metric_of
from harness.suite import Suite, SuiteConfig
from harness.types import Completion, GoldRecord

SUITE = "suite.json"
"""The exported suite's configuration, beside its tasks."""


def metric_name(label: str) -> str:
    """Return a metric's name in lm-eval, whose keys are "name,filter"."""
    return label.replace(",", ";")


def is_mean(metric: Metric) -> bool:
    """Whether the metric is the mean of its items' values."""
    inner = metric.inner if isinstance(metric, Extracting) else metric
    return isinstance(inner, MeanMetric)


def measure(
    folder: Path, task: str, document: Mapping[str, Any], results: Sequence[Any]
) -> dict[str, Any]:
    """Return one document's measurements by metric: lm-eval's `process_results`.

    Args:
        folder: Of the exported tasks.
        task: Name in the suite.
        document: A row of the task's JSON Lines file.
        results: A text, or (log-likelihood, is greedy) of each choice.
    """
    gold = GoldRecord.model_validate_json(document["gold"])
    item = Item(gold=gold, completion=_completion(gold, results))
    found: dict[str, Any] = {}
    for label, metric in _metrics(folder, task).items():
        (one,) = metric.measure([item])
        if one is not None:
            is_whole = not is_mean(metric)
            value = float(metric.reduce(np.asarray(one.stats)))
            found[metric_name(label)] = tuple(one.stats) if is_whole else value
    return found


def aggregate(folder: Path, task: str, label: str, items: Sequence[Sequence[float]]) -> float:
    """Return the corpus value of summed statistics: lm-eval's `aggregation`."""
    metric = _metrics(folder, task)[label]
    return float(metric.reduce(np.asarray(items, dtype=np.float64).sum(axis=0)))


def _completion(gold: GoldRecord, results: Sequence[Any]) -> Completion:
    if gold.choices:
        return Completion(
            gold_id=gold.id,
            finish="stop",
            prompt_tokens=0,
            choice_logprobs=tuple(float(logprob) for logprob, _ in results),
        )
    return Completion(gold_id=gold.id, text=str(results[0]), finish="stop", prompt_tokens=0)


@cache
def _metrics(folder: Path, task: str) -> dict[str, Metric]:
    file = folder / SUITE
    config = SuiteConfig.model_validate_json(read_text(file, ConfigError))
    suite = Suite(config=config, file=file, gold=(), gold_digest="")
    return {spec.label: metric_of(suite, spec) for spec in config.tasks[task].metrics}
