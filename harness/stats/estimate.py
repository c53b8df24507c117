"""The interval of one value: how far it could lie from that of all items like these."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.stats.bootstrap import Interval, interval_of, sum_by_group

Array = NDArray[np.float64]
MANY = 10_000
"""From so many independent groups on, 1,000 draws are used: a percentile's own error is then some
3 % of the interval's half, and the time stays in seconds."""
CHUNK_BYTES = 2**26
"""Memory of the weights that are held at once."""


def draws_for(n_groups: int) -> int:
    """Return how many bootstrap draws a number of independent groups gets."""
    return 1_000 if n_groups >= MANY else 10_000


def bootstrap(
    parts: Sequence[tuple[Array, Callable[[Array], Array]]],
    *,
    groups: Sequence[int] | None = None,
    n_draws: int | None = None,
    confidence: float = 0.95,
    seed: int = 12345,
) -> list[Interval]:
    """Return the intervals of several metrics on the same items, from the same draws.

    Args:
        parts: Statistics [n, k] and the formula that turns sums [..., k] into values, by metric.
        groups: Cluster number of each item; items of one cluster are drawn together.
        n_draws: Bootstrap samples; by default 10,000, and 1,000 for many groups.
        confidence: Of the intervals.
        seed: Of the draws.

    Returns:
        Percentile intervals (Efron 1979), or Student-t intervals around the bootstrap's standard
        error below 30 groups, as in `paired_bootstrap`.
    """
    both = np.concatenate([stats for stats, _ in parts], axis=1)
    totals = both if groups is None else sum_by_group(both, np.asarray(groups))
    n_groups = totals.shape[0]
    sums = _resampled(totals, n_draws or draws_for(n_groups), seed)
    interval = interval_of(n_groups, confidence)
    found: list[Interval] = []
    start = 0
    for stats, reduce in parts:
        end = start + stats.shape[1]
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = reduce(sums[:, start:end])
            value = float(reduce(stats.sum(axis=0)))
        found.append(interval(value, drawn[np.isfinite(drawn)]))
        start = end
    return found


def _resampled(totals: Array, n_draws: int, seed: int) -> Array:
    """Return the sums of resamples of rows, [draws, k]."""
    n = totals.shape[0]
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK_BYTES // (8 * n))
    parts: list[Array] = []
    for start in range(0, n_draws, step):
        size = min(step, n_draws - start)
        drawn = rng.integers(0, n, size=(size, n), dtype=np.int32)
        drawn += np.arange(size, dtype=np.int32)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        parts.append(counts.astype(np.float64) @ totals)
    return np.concatenate(parts)
