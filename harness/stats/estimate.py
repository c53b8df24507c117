"""The interval of one value: how far it could lie from that of all items like these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.resample import Array, sum_by_group, weights
from harness.stats.studentised import Interval, Reduce, Series, influences

MANY = 10_000
"""From so many independent groups on, 1,000 draws are used: a percentile's own error is then some
3 % of the interval's half, and the time stays in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One metric on the items."""

    stats: Array
    """Statistics, [n, k]."""
    reduce: Reduce
    """Turns summed statistics [..., k] into values [...]."""
    spread: float = 0.0
    """Width of the metric's range, if it has one; only used where all items are alike."""


def draws_for(n_groups: int) -> int:
    """Return how many bootstrap draws a number of independent groups gets: 10,000, or 1,000."""
    return 1_000 if n_groups >= MANY else 10_000


def bootstrap(
    parts: Sequence[Part],
    *,
    groups: Sequence[int] | None = None,
    n_draws: int | None = None,
    confidence: float = 0.95,
    seed: int = 12345,
) -> list[Interval]:
    """Return the intervals of several metrics on the same items, from the same draws.

    They are those that `paired_bootstrap` gives for each side of a comparison: studentised, with
    G − 1 degrees of freedom (Efron and Tibshirani 1993, ch. 12), in each metric's own unit.

    Args:
        parts: The metrics.
        groups: Cluster number of each item; items of one cluster are drawn together.
        n_draws: Bootstrap samples; by default 10,000, and 1,000 for many groups.
        confidence: Of the intervals.
        seed: Of the draws.
    """
    grouped = [p.stats if groups is None else sum_by_group(p.stats, groups) for p in parts]
    n = len(grouped[0])
    series = [_series(totals, part) for totals, part in zip(grouped, parts, strict=True)]
    columns = np.concatenate(
        [
            block
            for totals, one in zip(grouped, series, strict=True)
            for block in (totals, one.columns)
        ],
        axis=1,
    )
    edges = np.cumsum([totals.shape[1] + 2 for totals in grouped])[:-1]
    drawn: list[list[Array]] = [[] for _ in parts]
    for chunk in weights(n, n_draws or draws_for(n), seed):
        # One product for all metrics: reading the weights is what takes the time.
        for i, sums in enumerate(np.split(chunk @ columns, edges, axis=1)):
            values = parts[i].reduce(sums[:, :-2])
            drawn[i].append(series[i].t_of(values, sums[:, -2:]))
    return [
        one.interval(np.concatenate(t), confidence) for one, t in zip(series, drawn, strict=True)
    ]


def _series(totals: Array, part: Part) -> Series:
    own = influences(totals, part.reduce)
    centred = own - own.mean()
    value = float(part.reduce(totals.sum(axis=0)))
    return Series(value, centred, moved=centred, spread=part.spread)
