"""Paired bootstrap over items or clusters, from summed statistics.

The intervals are studentised (bootstrap-t; Efron and Tibshirani 1993, ch. 12), which is what
holds its level on small and skewed sets, with two safeguards found by simulation
(tests/harness/stats/test_coverage.py): where many items have one and the same value (most often
"no change"), the standard error is that of the data with up to two imaginary items added, one
step up and one down, so that it is not zero or nearly so; and no quantile is taken that is
smaller than Student's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.resample import Array, sum_by_group, weights

Reduce = Callable[[Array], Array]

FEW_CHANGES = 10
"""Below this many differing groups an interval rests on little; it is wide, and said so."""


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
    """Two-sided, for "no difference": that of the interval which just touches zero."""
    standard_error: float
    """Of the difference."""
    n_groups: int
    """Independent units that were resampled."""
    n_changed: int
    """Of these, how many differ between the systems."""


def paired_bootstrap(
    first: Array,
    second: Array,
    reduce: Reduce,
    *,
    groups: Sequence[int] | None = None,
    spread: float = 0.0,
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
        spread: Width of the metric's range, if it has one: what a single item could change by.
            Only used where no item changed at all.
        n_draws: Bootstrap samples.
        confidence: Of the intervals.
        seed: Equal seeds draw equal items, so that comparisons share their noise.

    Returns:
        Studentised bootstrap intervals with G − 1 degrees of freedom. p is no less than
        2^(1 − C), C the groups that differ: the smallest exact two-sided p that C differences of
        one sign can have (the sign test; 6 for p < .05).
    """
    assert first.shape == second.shape, f"unpaired statistics: {first.shape} and {second.shape}"
    both = np.concatenate([first, second], axis=1)
    totals = both if groups is None else sum_by_group(both, groups)
    k = first.shape[1]
    pair = Systems(totals[:, :k], totals[:, k:], reduce, spread)
    drawn = np.concatenate([pair.draw(chunk) for chunk in weights(pair.n, n_draws, seed)])
    tail = (1 - confidence) / 2
    intervals = [pair.interval(i, drawn[:, i], tail) for i in range(3)]
    n_changed = int((pair.units[2] != 0).sum())
    return PairedEstimate(
        first=intervals[0],
        second=intervals[1],
        difference=intervals[2],
        p_value=max(pair.p_value(drawn[:, 2]), min(1.0, 2.0 ** (1 - n_changed))),
        standard_error=float(pair.errors[2]),
        n_groups=pair.n,
        n_changed=n_changed,
    )


def influences(totals: Array, reduce: Reduce) -> Array:
    """Return each group's influence on the value, [groups]: (G − 1)·(θ − θ without it).

    The jackknife's pseudo-values, centred (Efron and Tibshirani 1993, ch. 11): their mean square
    over G − 1 is the squared standard error of θ. For a mean they are the deviations from it.
    """
    n = len(totals)
    if n < 2:
        return np.zeros(n)
    whole = totals.sum(axis=0)
    # A group without which there is no value (the last one scored) has no defined influence.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (n - 1) * (reduce(whole) - reduce(whole - totals))
    return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)


class Systems:
    """The two values and their difference, with what each group contributes."""

    def __init__(self, first: Array, second: Array, reduce: Reduce, spread: float) -> None:
        self.n = len(first)
        self._totals = (first, second)
        self._reduce = reduce
        one, two = (float(reduce(part.sum(axis=0))) for part in self._totals)
        self.values = np.asarray([one, two, two - one])
        own = [influences(part, reduce) for part in self._totals]
        own = [unit - unit.mean() for unit in own]
        centred = np.stack([own[0], own[1], own[1] - own[0]])
        is_same = (first == second).all(axis=1)
        # What a group adds to the difference: zero where both systems have the same statistics
        # up to the whole's drift, so that "nothing changed" is exactly zero.
        self.units = np.stack([own[0], own[1], np.where(is_same, 0.0, centred[2] + self.values[2])])
        self._centred = centred
        # Two where all are alike, as Agresti and Min 2005 add to paired proportions; none where
        # all are different.
        self._added = np.asarray(
            [2 * share_alike(unit) * step(unit, spread) ** 2 for unit in self.units]
        )
        self.errors = self._errors((centred**2).sum(axis=1))

    def draw(self, chunk: Array) -> Array:
        """Return t of both values and of the difference on each draw, [draws, 3]."""
        values = [self._reduce(chunk @ part) for part in self._totals]
        drawn = np.stack([values[0], values[1], values[1] - values[0]], axis=1)
        means = chunk @ self._centred.T / self.n
        squares = chunk @ (self._centred**2).T
        errors = self._errors(np.maximum(squares - self.n * means**2, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (drawn - self.values) / errors
        return np.nan_to_num(t, nan=0.0, posinf=0.0, neginf=0.0)

    def interval(self, which: int, t: Array, tail: float) -> Interval:
        """Return the interval of the first value (0), the second (1) or the difference (2)."""
        value, error = float(self.values[which]), float(self.errors[which])
        low, high = np.quantile(t, [tail, 1 - tail])
        least = float(stats.t.ppf(1 - tail, max(self.n - 1, 1)))
        return Interval(
            value=value,
            low=value - max(float(high), least) * error,
            high=value - min(float(low), -least) * error,
        )

    def p_value(self, t: Array) -> float:
        """Return the level at which the interval of the difference would just touch zero."""
        value, error = self.values[2], self.errors[2]
        if error == 0:
            return 1.0
        observed = value / error
        # The lower end uses the upper quantile of t, and the other way round.
        beyond = (t >= observed).sum() if observed > 0 else (t <= observed).sum()
        bootstrap = 2 * (1 + int(beyond)) / (len(t) + 1)
        student = 2 * float(stats.t.sf(abs(observed), max(self.n - 1, 1)))
        return float(min(1.0, max(bootstrap, student)))

    def _errors(self, squares: Array) -> Array:
        """Return standard errors from sums of squares [..., 3], the imaginary groups added."""
        n = max(self.n, 2)
        return np.sqrt((squares + self._added) / (n - 1) / n)


def step(units: Array, spread: float) -> float:
    """Return how much a group moves the value that moves it at all, root mean square."""
    moved = units[units != 0]
    return float(np.sqrt((moved**2).mean())) if len(moved) else spread


def share_alike(units: Array) -> float:
    """Return the share of groups that have the most common value, 0 where all differ."""
    counts = np.unique(units.round(12), return_counts=True)[1]
    return float(counts.max() - (counts.max() == 1)) / len(units)
