"""What the items without a score could change: the difference if they were all worst, or best."""

from __future__ import annotations

import math

import numpy as np

from harness.compare.comparison import Unscored
from harness.metrics.base import Array, Metric
from harness.scoring import Scores

PROBE = np.asarray([[0.25, 1.0], [1.0, 4.0], [0.5, 3.0]])
"""Sums of scores and of items, to see whether a metric divides the one by the other."""


def unscored_of(before: Scores, after: Scores) -> Unscored | None:
    """Return how many planned items lack a score, and the bounds of the difference over all.

    Nothing is assumed of why a score is missing: the bounds are those of Manski 1990 (American
    Economic Review 80:319), each item at one end of the scale. They are given where the value is
    a mean of item scores on a bounded scale.
    """
    planned = [record.id for record in after.planned]
    n_before = sum(gold_id not in before.stats for gold_id in planned)
    n_after = sum(gold_id not in after.stats for gold_id in planned)
    if not n_before and not n_after:
        return None
    scale = after.metric.scale
    if not (math.isfinite(scale.low) and math.isfinite(scale.high)):
        return Unscored(n_before=n_before, n_after=n_after)
    sides = [scores.matrix([i for i in planned if i in scores.stats]) for scores in (before, after)]
    if not all(_is_mean(after.metric, stats) for stats in sides):
        return Unscored(n_before=n_before, n_after=n_after)
    good, bad = (scale.low, scale.high) if scale.better == "lower" else (scale.high, scale.low)
    sums = [float(after.metric.reduce(stats).sum()) for stats in sides]
    worst = (sums[1] + n_after * bad) - (sums[0] + n_before * good)
    best = (sums[1] + n_after * good) - (sums[0] + n_before * bad)
    return Unscored(
        n_before=n_before, n_after=n_after, worst=worst / len(planned), best=best / len(planned)
    )


def _is_mean(metric: Metric, stats: Array) -> bool:
    """Tell whether a metric's value on these items is the mean of their scores."""
    if stats.shape[1] != 2 or len(set(stats[:, 1].tolist())) > 1:
        return False
    return bool(np.allclose(metric.reduce(PROBE), PROBE[:, 0] / PROBE[:, 1], atol=1e-12))
