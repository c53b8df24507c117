"""Scores and comparisons from bare numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.compare import Comparison
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.scoring import Scores
from harness.stats.bootstrap import Interval
from harness.types import GoldRecord


def scores(
    values: Sequence[float | None],
    *,
    run: str = "base",
    metric: str = "token_f1",
    clusters: Sequence[str | None] | None = None,
    slices: Sequence[Mapping[str, str]] | None = None,
    suite: str = "toy",
) -> Scores:
    """Return a run's scores, None where an item is not scored."""
    groups = clusters or [None] * len(values)
    planned = tuple(
        GoldRecord(
            id=f"q{i}",
            task="qa",
            input="?",
            references=("x",),
            cluster=group,
            slices=dict(slices[i]) if slices else {},
        )
        for i, group in enumerate(groups)
    )
    return Scores(
        run=run,
        suite=suite,
        metric=build_metric(metric, Setting(language="en")),
        gold_digest="g" * 64,
        template_digest="t" * 64,
        stats={f"q{i}": (x, 1.0) for i, x in enumerate(values) if x is not None},
        planned=planned,
    )


def comparison(low: float, value: float, high: float, **fields: Any) -> Comparison:
    dull = Interval(value=0.5, low=0.4, high=0.6)
    values: dict[str, Any] = {
        "suite": "toy",
        "metric": "token_f1",
        "signature": "s",
        "baseline": "base",
        "configuration": "tuned",
        "before": dull,
        "after": dull,
        "difference": Interval(value=value, low=low, high=high),
        "p_value": 0.01,
        "p_adjusted": 0.01,
        "is_primary": True,
        "margin": 0.0,
        "minimum_detectable_effect": 0.1,
        "n": 100,
        "n_groups": 100,
        "n_planned": 100,
        "n_gained": 0,
        "n_lost": 0,
        "method": "m",
        "verdict": "cannot tell",
    }
    return Comparison(**{**values, **fields})
