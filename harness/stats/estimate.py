"""The interval of one value: how far it could lie from that of all items like these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.bootstrap import Interval, Reduce, influences, share_alike, step
from harness.stats.resample import Array, sum_by_group, weights

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
    """Return how many bootstrap draws a number of independent groups gets."""
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
    G − 1 degrees of freedom.

    Args:
        parts: The metrics.
        groups: Cluster number of each item; items of one cluster are drawn together.
        n_draws: Bootstrap samples; by default 10,000, and 1,000 for many groups.
        confidence: Of the intervals.
        seed: Of the draws.
    """
    grouped = [p.stats if groups is None else sum_by_group(p.stats, groups) for p in parts]
    n = len(grouped[0])
    series = [_Series(totals, part) for totals, part in zip(grouped, parts, strict=True)]
    columns = np.concatenate([one.columns for one in series], axis=1)
    ends = np.cumsum([one.columns.shape[1] for one in series])
    drawn: list[list[Array]] = [[] for _ in parts]
    for chunk in weights(n, n_draws or draws_for(n), seed):
        # One product for all metrics: reading the weights is what takes the time.
        sums = np.split(chunk @ columns, ends[:-1], axis=1)
        for i, one in enumerate(series):
            drawn[i].append(one.t_of(sums[i]))
    tail = (1 - confidence) / 2
    return [one.interval(np.concatenate(t), tail) for one, t in zip(series, drawn, strict=True)]


class _Series:
    """A value with what each group contributes to it."""

    def __init__(self, totals: Array, part: Part) -> None:
        self._reduce = part.reduce
        self.n = len(totals)
        self.value = float(part.reduce(totals.sum(axis=0)))
        own = influences(totals, part.reduce)
        units = own - own.mean()
        self.columns = np.column_stack([totals, units, units**2])
        """What is summed on each draw, [groups, k + 2]."""
        self._added = 2 * share_alike(units) * step(units, part.spread) ** 2
        self.error = float(self._error((units**2).sum()))

    def t_of(self, sums: Array) -> Array:
        """Return t on each draw, [draws], from its sums, [draws, k + 2]."""
        values = self._reduce(sums[:, :-2])
        errors = self._error(np.maximum(sums[:, -1] - sums[:, -2] ** 2 / self.n, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (values - self.value) / errors
        return np.nan_to_num(t, nan=0.0, posinf=0.0, neginf=0.0)

    def interval(self, t: Array, tail: float) -> Interval:
        low, high = np.quantile(t, [tail, 1 - tail])
        least = float(stats.t.ppf(1 - tail, max(self.n - 1, 1)))
        return Interval(
            value=self.value,
            low=self.value - max(float(high), least) * self.error,
            high=self.value - min(float(low), -least) * self.error,
        )

    def _error(self, squares: Array | float) -> Array:
        n = max(self.n, 2)
        return np.sqrt((np.asarray(squares) + self._added) / (n - 1) / n)
