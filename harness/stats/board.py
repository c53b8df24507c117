"""Rank many systems on shared items: one joint bootstrap, and every pair tested in it.

A board may have several panels (suites), each with its own items: a system's value is then the
sum of its scaled values on all of them, and the panels are drawn independently. Within a panel
all systems see the same draws, so that a pair's difference keeps what both have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.stats.bootstrap import Interval, Reduce, influences, share_alike, step
from harness.stats.multiple import max_t, max_t_quantile
from harness.stats.ranking import Rank, rank_intervals
from harness.stats.resample import Array, sum_by_group, weights

LEVEL = 0.05
"""Chance that any pair of a column is called different wrongly, all pairs together."""
CELLS = 5_000_000
"""Draws × pairs that are kept, 40 MB: with very many systems there are fewer draws."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """All systems on one suite."""

    stats: Array
    """Statistics, [systems, n, k]."""
    reduce: Reduce
    """Turns summed statistics [..., k] into values [...]."""
    groups: Sequence[int] | None = None
    """Cluster number of each item; items of one cluster are drawn together."""
    spread: float = 0.0
    """Width of the metric's range, if it has one; only used where no item differs."""
    scale: float = 1.0
    """What one unit of the metric counts; negative where lower is better."""
    offset: float = 0.0
    """Added to the scaled value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Systems in order, with what is known of the order; higher values are better."""

    intervals: list[Interval]
    """Of each system's value; without an end where one independent unit is all there is."""
    p_values: Array
    """Of "no difference", adjusted over all pairs (max-T, step-down), [m, m]."""
    is_better: NDArray[np.bool_]
    """Whether system i is better than system j at the family-wise level, [m, m]."""
    ranks: list[Rank]
    """All of them hold together with 95 %."""
    resolution: float
    """The difference that the median pair needs to be told apart; infinite where nothing can."""
    n_groups: int
    """Independent units of the smallest panel."""
    n_draws: int


def rank_jointly(
    panels: Sequence[Panel], *, n_draws: int = 10_000, confidence: float = 0.95, seed: int = 12345
) -> Ranking:
    """Return the ranks that a joint bootstrap of all systems leaves open.

    Studentised differences of all pairs on the same draws; adjusted p-values from the largest |t|
    of what is left at each step (Westfall and Young 1993); ranks from significant pairs (Mohamad
    et al. 2019). As in `paired_bootstrap`, the standard error has up to two imaginary items, and
    p is no less than Student's and than the sign test's 2^(1 − C), C the groups that differ.

    Args:
        panels: At least one, with the same systems in the same order.
        n_draws: Bootstrap samples; fewer where there are very many pairs.
        confidence: Of the intervals, and of all ranks together.
        seed: Of the draws.
    """
    m = len(panels[0].stats)
    pairs = np.triu_indices(m, k=1)
    n_pairs = len(pairs[0])
    n_draws = int(min(n_draws, max(1000, CELLS // max(1, n_pairs))))
    series = [_Series(panel, pairs, seed + i, n_draws) for i, panel in enumerate(panels)]
    values = np.sum([one.values for one in series], axis=0)
    n_groups = min(one.n for one in series)
    drawn = np.sum([one.drawn for one in series], axis=0)
    own = _t(values, drawn, [(one.own_errors, one.own_drawn) for one in series])
    freedom = _freedom([one.own_errors for one in series], [one.n for one in series])
    intervals = [
        _interval(values[i], own.error[i], own.drawn[:, i], freedom[i], confidence)
        if n_groups > 1
        else Interval(value=float(values[i]), low=-np.inf, high=np.inf)
        for i in range(m)
    ]
    p_values = np.ones((m, m))
    resolution = np.inf
    if n_pairs and n_groups > 1:
        left, right = pairs
        gaps = values[left] - values[right]
        between = _t(
            gaps,
            drawn[:, left] - drawn[:, right],
            [(one.pair_errors, one.pair_drawn) for one in series],
        )
        adjusted = np.asarray(max_t(between.observed.tolist(), between.drawn))
        freedom = _freedom([one.pair_errors for one in series], [one.n for one in series])
        n_changed = np.sum([one.n_changed for one in series], axis=0)
        floor = np.maximum(
            2 * stats.t.sf(np.abs(between.observed), freedom),
            np.minimum(1.0, 2.0 ** (1 - n_changed)),
        )
        p_values[left, right] = p_values[right, left] = np.minimum(1.0, np.maximum(adjusted, floor))
        factor = max_t_quantile(between.drawn, confidence=confidence)
        resolution = factor * float(np.median(between.error))
    is_better = (values[:, None] > values[None, :]) & (p_values < 1 - confidence)
    return Ranking(
        intervals=intervals,
        p_values=p_values,
        is_better=is_better,
        ranks=rank_intervals(is_better),
        resolution=resolution,
        n_groups=n_groups,
        n_draws=n_draws,
    )


def tie_groups(ranks: Sequence[Rank]) -> list[int]:
    """Number the systems with equal rank intervals, from the best, [m]."""
    known = sorted({(rank.best, rank.worst) for rank in ranks})
    return [1 + known.index((rank.best, rank.worst)) for rank in ranks]


def openness(ranks: Sequence[Rank]) -> float:
    """Return how much of the order is open: 0, every rank is known; 1, none is.

    The mean width of the rank intervals over the widest they could be, m − 1.
    """
    m = len(ranks)
    if m < 2:
        return 1.0
    return sum(rank.worst - rank.best for rank in ranks) / (m * (m - 1))


class _Series:
    """One panel: values, standard errors and joint draws of systems and pairs."""

    def __init__(
        self,
        panel: Panel,
        pairs: tuple[NDArray[np.intp], NDArray[np.intp]],
        seed: int,
        n_draws: int,
    ) -> None:
        rows = [
            own if panel.groups is None else sum_by_group(own, panel.groups) for own in panel.stats
        ]
        totals = np.stack(rows)  # [m, groups, k]
        m, n, _ = totals.shape
        self.n = n
        self.values = panel.scale * panel.reduce(totals.sum(axis=1)) + panel.offset
        units = panel.scale * np.stack([influences(own, panel.reduce) for own in totals])
        units -= units.mean(axis=1, keepdims=True)
        left, right = pairs
        spread = abs(panel.scale) * panel.spread
        gaps = units[left] - units[right]  # [pairs, groups]
        is_same = (totals[left] == totals[right]).all(axis=2)
        moved = np.where(is_same, 0.0, gaps + (self.values[left] - self.values[right])[:, None])
        self.n_changed = (moved != 0).sum(axis=1)
        own_added = _imaginary(units, spread)
        pair_added = _imaginary(moved, spread)
        self.own_errors = _errors((units**2).sum(axis=1), own_added, n)
        self.pair_errors = _errors((gaps**2).sum(axis=1), pair_added, n)
        columns = np.concatenate([units, units**2, gaps**2]).T  # [groups, 2m + pairs]
        self.drawn = np.empty((n_draws, m))
        self.own_drawn = np.empty((n_draws, m))
        self.pair_drawn = np.empty((n_draws, len(left)))
        start = 0
        for chunk in weights(n, n_draws, seed):
            rows_ = slice(start, start + len(chunk))
            start += len(chunk)
            sums = np.stack([chunk @ own for own in totals], axis=1)  # [draws, m, k]
            self.drawn[rows_] = panel.scale * panel.reduce(sums) + panel.offset
            found = chunk @ columns
            mean = found[:, :m] / n
            self.own_drawn[rows_] = _errors(found[:, m : 2 * m] - n * mean**2, own_added, n)
            apart = mean[:, left] - mean[:, right]
            self.pair_drawn[rows_] = _errors(found[:, 2 * m :] - n * apart**2, pair_added, n)


@dataclass(frozen=True, slots=True)
class _Studentised:
    observed: Array
    error: Array
    drawn: Array


def _t(values: Array, drawn: Array, errors: Sequence[tuple[Array, Array]]) -> _Studentised:
    """Return t of the data and of each draw; the panels' squared errors add up."""
    error = np.sqrt(np.sum([own**2 for own, _ in errors], axis=0))
    each = np.sqrt(np.sum([own**2 for _, own in errors], axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        observed, t = values / error, (drawn - values) / each
    return _Studentised(
        np.nan_to_num(observed, nan=0.0, posinf=0.0, neginf=0.0),
        error,
        np.nan_to_num(t, nan=0.0, posinf=0.0, neginf=0.0),
    )


def _interval(value: float, error: float, t: Array, freedom: float, confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(t, [tail, 1 - tail])
    least = float(stats.t.ppf(1 - tail, freedom))
    return Interval(
        value=float(value),
        low=float(value - max(high, least) * error),
        high=float(value - min(low, -least) * error),
    )


def _freedom(errors: Sequence[Array], sizes: Sequence[int]) -> Array:
    """Return degrees of freedom of sums of independent panels (Satterthwaite 1946)."""
    squares = np.stack(errors) ** 2
    below = (squares**2 / (np.maximum(np.asarray(sizes) - 1, 1))[:, None]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = squares.sum(axis=0) ** 2 / below
    return np.where(np.isfinite(found), found, max(min(sizes) - 1, 1))


def _imaginary(units: Array, spread: float) -> Array:
    """Return the squares of the imaginary items that each row [rows, groups] gets."""
    return np.asarray([2 * share_alike(unit) * step(unit, spread) ** 2 for unit in units])


def _errors(squares: Array, added: Array, n: int) -> Array:
    n = max(n, 2)
    return np.sqrt((np.maximum(squares, 0.0) + added) / (n - 1) / n)
