"""Studentised intervals: how far a value lies from the truth, in its own standard errors.

A bootstrap-t interval (Efron and Tibshirani 1993, ch. 12) holds its level on small and skewed
sets, with two safeguards found by simulation (docs/statistics.md): where many items have one and
the same value (most often "no change"), the standard error is that of the data with up to two
imaginary items added, one step up and one down, so that it is not zero or nearly so; and no
quantile is taken that is smaller than Student's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.stats.resample import Array

Reduce = Callable[[Array], Array]
"""Turns summed statistics [..., k] into values [...]."""

ROUNDING = 1e-12
"""Values nearer to each other than this are the same."""


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


class Series:
    """A value with what each group adds to it, and so its t on every bootstrap draw."""

    def __init__(self, value: float, centred: Array, *, moved: Array, spread: float) -> None:
        """Take a value and its parts.

        Args:
            value: θ on all groups.
            centred: Influence of each group on θ, with mean zero, [groups].
            moved: What each group adds to θ; zero where it adds nothing, [groups].
            spread: Width of the metric's range, or 0: what a group could add, where none does.
        """
        self.n = len(centred)
        self.value = value
        self.columns = np.column_stack([centred, centred**2])
        """To be summed on each draw, [groups, 2]."""
        # Two where all are alike, as Agresti and Min 2005 add to paired proportions; none where
        # all are different.
        self._added = 2 * share_alike(moved) * step(moved, spread) ** 2
        self.error = float(self._error((centred**2).sum()))
        """Standard error of θ: √((Σ influence² + added) / (G·(G − 1)))."""

    def t_of(self, values: Array, sums: Array) -> Array:
        """Return (θ* − θ) / SE* of each draw, [draws], 0 where neither moves.

        Args:
            values: θ on each draw, [draws].
            sums: Sums of `columns` on each draw, [draws, 2].
        """
        errors = self._error(np.maximum(sums[:, 1] - sums[:, 0] ** 2 / max(self.n, 1), 0.0))
        return t_values(values - self.value, errors, self.error)

    def interval(self, t: Array, confidence: float) -> Interval:
        """Return θ − t(1 − α/2)·SE to θ − t(α/2)·SE, no |t| below Student's with G − 1."""
        df = max(self.n - 1, 1)
        return studentised(self.value, self.error, t, df=df, confidence=confidence)

    def p_value(self, t: Array) -> float:
        """Return the two-sided level at which the interval would just touch zero."""
        if self.error == 0:
            return 1.0
        return studentised_p(self.value / self.error, t, df=max(self.n - 1, 1))

    def _error(self, squares: Array | float) -> Array:
        n = max(self.n, 2)
        return np.sqrt((np.asarray(squares) + self._added) / (n - 1) / n)


def t_values(moved: Array, errors: Array, error: float) -> Array:
    """Return moved / errors, [draws]; 0 where a draw has no error of its own.

    An error of a millionth is what rounding leaves of the square of nothing.

    Args:
        moved: θ* − θ of each draw, [draws].
        errors: SE* of each draw, [draws].
        error: SE on all groups.
    """
    is_known = (errors > 1e-6 * error) & np.isfinite(moved)
    return np.divide(moved, errors, out=np.zeros(len(errors)), where=is_known)


def studentised(
    value: float, error: float, t: Array, *, df: float, confidence: float = 0.95
) -> Interval:
    """Return [θ − max(t*(1 − α/2), t_df)·SE, θ − min(t*(α/2), −t_df)·SE].

    Bootstrap-t (Efron and Tibshirani 1993, section 12.5) with Student's quantile as a floor.

    Args:
        value: θ, in the metric's unit.
        error: Its standard error, same unit.
        t: (θ* − θ) / SE* of the draws, [draws].
        df: Degrees of freedom of Student's quantile.
        confidence: 1 − α.
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(t, [tail, 1 - tail])
    least = float(stats.t.ppf(1 - tail, df))
    return Interval(
        value=value,
        low=value - max(float(high), least) * error,
        high=value - min(float(low), -least) * error,
    )


def studentised_p(observed: float, t: Array, *, df: float) -> float:
    """Return p for "zero": that of the `studentised` interval which just touches it.

    max(2·(1 + #{t* beyond θ/SE}) / (draws + 1), 2·P[T_df > |θ/SE|]), at most 1.

    Args:
        observed: θ/SE.
        t: (θ* − θ) / SE* of the draws, [draws].
        df: Degrees of freedom of Student's law.
    """
    # The lower end uses the upper quantile of t, and the other way round.
    beyond = (t >= observed).sum() if observed > 0 else (t <= observed).sum()
    bootstrap = 2 * (1 + int(beyond)) / (len(t) + 1)
    student = 2 * float(stats.t.sf(abs(observed), df))
    return float(min(1.0, max(bootstrap, student)))


def influences(totals: Array, reduce: Reduce) -> Array:
    """Return each group's influence on the value, [groups]: (G − 1)·(θ − θ without it).

    The jackknife's pseudo-values, centred (Efron and Tibshirani 1993, ch. 11): their mean square
    over G − 1 is the squared standard error of θ. For a mean they are the deviations from it.

    Args:
        totals: Statistics of each group, [groups, k].
        reduce: Turns summed statistics [..., k] into values [...].
    """
    n = len(totals)
    if n < 2:
        return np.zeros(n)
    whole = totals.sum(axis=0)
    # A group without which there is no value (the last one scored) has no defined influence.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (n - 1) * (reduce(whole) - reduce(whole - totals))
    return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)


def step(units: Array, spread: float) -> float:
    """Return how much a group moves the value that moves it at all, root mean square.

    Args:
        units: What each group adds to the value, [groups].
        spread: What to return where none adds anything.
    """
    moved = units[np.abs(units) > ROUNDING]
    return float(np.sqrt((moved**2).mean())) if len(moved) else spread


def share_alike(units: Array) -> float:
    """Return the share of groups that have the most common value, 0 where all differ."""
    counts = np.unique(units.round(12), return_counts=True)[1]
    return float(counts.max() - (counts.max() == 1)) / len(units)
