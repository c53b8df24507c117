"""What the metric tests share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.metrics.base import Item, Metric
from harness.types import Completion, GoldRecord, Measurement

Pairs = Sequence[tuple[str, tuple[str, ...]]]
"""(answer, references) of each item."""


def one(metric: Metric, gold: GoldRecord, completion: Completion) -> Measurement | None:
    """Measure a single item."""
    (measurement,) = metric.measure([Item(gold=gold, completion=completion)])
    return measurement


def items(pairs: Pairs) -> list[Item]:
    """Return items g0, g1, … of a generating task."""
    return [
        Item(
            gold=GoldRecord(id=f"g{i}", task="t", input="?", references=references),
            completion=Completion(gold_id=f"g{i}", text=answer, finish="stop", prompt_tokens=1),
        )
        for i, (answer, references) in enumerate(pairs)
    ]


def matrix(metric: Metric, pairs: Pairs) -> np.ndarray:
    """Return the statistics of every pair, [n, k]; each must be scored."""
    rows: list[tuple[float, ...]] = []
    for (answer, _), measurement in zip(pairs, metric.measure(items(pairs)), strict=True):
        assert measurement is not None, f"{metric.name} did not score {answer!r}"
        rows.append(measurement.stats)
    return np.asarray(rows, dtype=np.float64)


def value(metric: Metric, pairs: Pairs) -> float:
    """Measure every pair, sum, reduce: the corpus value."""
    return float(metric.reduce(matrix(metric, pairs).sum(axis=0)))
