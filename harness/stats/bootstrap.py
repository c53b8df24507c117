"""Paired bootstrap over items or clusters, from summed statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

FEW_CLUSTERS = 30
"""Below this many independent groups a percentile interval is too narrow: use Student's t."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value with its confidence interval, in the metric's own unit."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedEstimate:
    """Two systems on the same items."""

    first: Interval
    second: Interval
    difference: Interval
    """second − first."""
    p_value: float
    """Two-sided, for "no difference", by the bootstrap shifted to the null."""
    standard_error: float
    """Of the difference."""
    n_groups: int
    """Independent units that were resampled."""


def paired_bootstrap(
    first: Array,
    second: Array,
    reduce: Callable[[Array], Array],
    *,
    groups: Sequence[int] | None = None,
    n_draws: int = 10_000,
    confidence: float = 0.95,
    seed: int = 12345,
) -> PairedEstimate:
    """Resample items (or whole clusters of items) and compare two systems on each draw.

    Args:
        first: Statistics of the baseline, [n, k].
        second: Statistics of the other system on the same items, [n, k].
        reduce: Turns summed statistics [..., k] into values [...].
        groups: Cluster number of each item; items of one cluster are drawn together
            (Miller 2024, arXiv 2411.00640). None: every item by itself.
        n_draws: Bootstrap samples.
        confidence: Of the intervals.
        seed: Equal seeds draw equal items, so that comparisons share their noise.

    Returns:
        Percentile intervals (Efron 1979; Koehn 2004 for corpus metrics), or Student-t intervals
        with G − 1 degrees of freedom around the bootstrap's standard error below 30 groups.
        p = (1 + #{|d* − d| ≥ |d|}) / (draws + 1), but no less than 2^(1 − G): the smallest exact
        two-sided p that G independent differences can have (as in McNemar's test, 6 for p < .05).
    """
    assert first.shape == second.shape, f"unpaired statistics: {first.shape} and {second.shape}"
    both = np.concatenate([first, second], axis=1)
    totals = both if groups is None else _sum_by_group(both, np.asarray(groups))
    n_groups, k = totals.shape[0], first.shape[1]
    sums = _draw_weights(n_groups, n_draws, seed) @ totals
    drawn = np.stack([reduce(sums[:, :k]), reduce(sums[:, k:])])
    observed = [float(reduce(part.sum(axis=0))) for part in (first, second)]
    differences = drawn[1] - drawn[0]
    difference = observed[1] - observed[0]
    extreme = np.abs(differences - difference) >= abs(difference) - 1e-12
    interval = _interval_of(n_groups, confidence)
    return PairedEstimate(
        first=interval(observed[0], drawn[0]),
        second=interval(observed[1], drawn[1]),
        difference=interval(difference, differences),
        p_value=max(float((1 + extreme.sum()) / (n_draws + 1)), 2.0 ** (1 - n_groups)),
        standard_error=float(differences.std(ddof=1)) if n_draws > 1 else 0.0,
        n_groups=n_groups,
    )


def group_numbers(clusters: Sequence[str | None]) -> list[int]:
    """Number the clusters of items; an item without a cluster is one of its own."""
    known: dict[str, int] = {}
    numbers: list[int] = []
    next_number = 0
    for cluster in clusters:
        if cluster is not None and cluster in known:
            numbers.append(known[cluster])
            continue
        if cluster is not None:
            known[cluster] = next_number
        numbers.append(next_number)
        next_number += 1
    return numbers


def _interval_of(n_groups: int, confidence: float) -> Callable[[float, Array], Interval]:
    tail = (1 - confidence) / 2

    def percentile(value: float, draws: Array) -> Interval:
        low, high = np.quantile(draws, [tail, 1 - tail])
        return Interval(value=value, low=float(low), high=float(high))

    def student(value: float, draws: Array) -> Interval:
        # The bootstrap's variance is too small by (G − 1)/G.
        spread = draws.std(ddof=1) * np.sqrt(n_groups / max(n_groups - 1, 1))
        half = float(stats.t.ppf(1 - tail, max(n_groups - 1, 1)) * spread)
        return Interval(value=value, low=value - half, high=value + half)

    return student if n_groups < FEW_CLUSTERS else percentile


def _sum_by_group(values: Array, groups: NDArray[np.int64]) -> Array:
    sums = np.zeros((int(groups.max()) + 1, values.shape[1]))
    np.add.at(sums, groups, values)
    return sums


def _draw_weights(n_groups: int, n_draws: int, seed: int) -> Array:
    """Return how often each group is drawn, [draws, groups]; rows sum to `n_groups`."""
    rng = np.random.default_rng(seed)
    shares = np.full(n_groups, 1 / n_groups)
    return rng.multinomial(n_groups, shares, size=n_draws).astype(np.float64)
