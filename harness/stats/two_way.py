"""Intervals of human scores: both the items and the raters are a sample of many.

Items and raters are drawn independently of each other, and a rating counts as often as its item
times its rater was drawn: the pigeonhole bootstrap (Owen 2007, Annals of Applied Statistics 1:386;
Owen and Eckles 2012, ibid. 6:895). Rows taken as independent hold half of what they promise, and
so do items alone (docs/statistics.md): raters have habits that more items do not average out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.stats.resample import CHUNK_CELLS, Array, weights
from harness.stats.studentised import (
    Interval,
    share_alike,
    step,
    studentised,
    studentised_p,
    t_values,
)

FEW_RATERS = 5
"""Below this many raters the interval is wide and speaks of raters like these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWayEstimate:
    """Two systems rated by the same raters on the same items."""

    first: Interval
    second: Interval
    difference: Interval
    """second − first, over the cells in which both are rated."""
    p_value: float
    """Two-sided, for "no difference": that of the interval which just touches zero."""
    standard_error: float
    """Of the difference."""
    n_items: int
    """With a pair of ratings."""
    n_raters: int
    """With a pair of ratings."""
    n_pairs: int
    """Cells in which both systems are rated."""
    n_unpaired: int
    """Cells in which only one is: they say nothing about the difference and are left out of it."""


def two_way_bootstrap(
    ratings: Array,
    *,
    spread: float = 0.0,
    n_draws: int = 10_000,
    confidence: float = 0.95,
    seed: int = 12345,
) -> Interval:
    """Return the mean of all ratings with an interval over items and raters like these.

    θ = Σ r / N over the cells that are rated. With e = r − θ, I items and J raters, its variance is
    V = (I/(I−1)·Σ_items(Σ_raters e)² + J/(J−1)·Σ_raters(Σ_items e)² − both·Σ e²) / N², no less
    than either of the first two (Cameron, Gelbach and Miller 2011: what an item's and a
    rater's own cell share is counted once). Each draw gives t* = (θ* − θ)/√V*; the quantiles of t*
    are not taken smaller than Student's with Satterthwaite's degrees of freedom (1946),
    V² / (V_items²/(I−1) + V_raters²/(J−1)).

    With one rater (or one item) only the other side is drawn, and the interval speaks of that one.

    Args:
        ratings: In any unit, NaN where an item was not rated, [items, raters].
        spread: Width of the scale (4 for 1 to 5): what one item could add where all are rated
            alike; as in `paired_bootstrap`.
        n_draws: Bootstrap samples.
        confidence: Of the interval.
        seed: Of the draws.

    Raises:
        ValueError: not two-dimensional, or fewer than two ratings.
    """
    grid = _Grid(ratings, spread)
    t = grid.t_of_draws(n_draws, seed)
    return studentised(grid.value, grid.error, t, df=grid.df, confidence=confidence)


def two_way_paired(
    first: Array,
    second: Array,
    *,
    spread: float = 0.0,
    n_draws: int = 10_000,
    confidence: float = 0.95,
    seed: int = 12345,
) -> TwoWayEstimate:
    """Compare two systems that the same raters rated on the same items.

    The difference is `two_way_bootstrap` of second − first within each cell, so that an item's
    difficulty and a rater's severity cancel; what is left varies over items and over raters.

    Args:
        first: Ratings of one system, NaN where missing, [items, raters].
        second: Ratings of the other, the same rows and columns.
        spread: Width of the scale.
        n_draws: Bootstrap samples.
        confidence: Of the intervals.
        seed: Of the draws.

    Raises:
        ValueError: other shapes, or fewer than two cells in which both are rated.
    """
    if first.shape != second.shape:
        raise ValueError(
            f"ratings of {first.shape} and {second.shape} are not of the same items and raters"
        )
    moved = second - first
    is_pair = ~np.isnan(moved)
    if is_pair.sum() < 2:
        raise ValueError(
            f"only {is_pair.sum()} times did a rater rate both systems on one item; a paired "
            "difference needs that at least twice"
        )
    grid = _Grid(moved, spread, is_difference=True)
    t = grid.t_of_draws(n_draws, seed)
    alone = [
        two_way_bootstrap(part, spread=spread, n_draws=n_draws, confidence=confidence, seed=seed)
        for part in (first, second)
    ]
    return TwoWayEstimate(
        first=alone[0],
        second=alone[1],
        difference=studentised(grid.value, grid.error, t, df=grid.df, confidence=confidence),
        p_value=studentised_p(grid.value / grid.error, t, df=grid.df) if grid.error else 1.0,
        standard_error=grid.error,
        n_items=grid.n_items,
        n_raters=grid.n_raters,
        n_pairs=int(is_pair.sum()),
        n_unpaired=int((np.isnan(first) != np.isnan(second)).sum()),
    )


class _Grid:
    """The rated cells, their mean, and its standard error."""

    def __init__(self, ratings: Array, spread: float, *, is_difference: bool = False) -> None:
        if ratings.ndim != 2:
            raise ValueError(
                f"ratings are a table of items × raters, not {ratings.ndim}-dimensional"
            )
        is_rated = ~np.isnan(ratings)
        if is_rated.sum() < 2:
            raise ValueError(f"{is_rated.sum()} ratings have no interval; at least two are needed")
        kept = ratings[np.ix_(is_rated.any(axis=1), is_rated.any(axis=0))]
        self._is_rated = (~np.isnan(kept)).astype(np.float64)
        given = np.nan_to_num(kept, nan=0.0)
        self.n_items, self.n_raters = kept.shape
        self._factors = [n / (n - 1) if n > 1 else 0.0 for n in kept.shape]
        n_cells = self._is_rated.sum()
        self.value = float(given.sum() / n_cells)
        centred = (given - self.value) * self._is_rated
        self._centred = centred
        rows, columns = centred.sum(axis=1), centred.sum(axis=0)
        # As in `paired_bootstrap`: two imaginary items where all are rated alike.
        moved = given.sum(axis=1) if is_difference else rows
        largest = spread * self._is_rated.sum(axis=1).mean()
        self._added = 2 * share_alike(moved) * step(moved, largest) ** 2
        items, raters, total = self._variances(
            np.asarray((rows**2).sum()), np.asarray((columns**2).sum()),
            np.asarray((centred**2).sum()), n_cells,
        )  # fmt: skip
        self.error = float(np.sqrt(total))
        parts = [items**2 / max(self.n_items - 1, 1), raters**2 / max(self.n_raters - 1, 1)]
        self.df = max(1.0, float(total**2 / sum(parts))) if total > 0 else 1.0

    def t_of_draws(self, n_draws: int, seed: int) -> Array:
        """Return (θ* − θ) / SE* of each draw, [draws]; a draw without a rating is left out."""
        return np.concatenate(
            [self._t_of(items, raters) for items, raters in self._draws(n_draws, seed)]
        )

    def _draws(self, n_draws: int, seed: int) -> Iterator[tuple[Array, Array]]:
        """Yield how often each item and each rater is drawn, [draws, items], [draws, raters]."""
        rater_seed, item_seed = np.random.SeedSequence(seed).generate_state(2).tolist()
        raters = self._drawn(self.n_raters, n_draws, rater_seed)
        items = self._drawn(self.n_items, n_draws, item_seed)
        size = max(1, CHUNK_CELLS // (self.n_items + self.n_raters))
        for start in range(0, n_draws, size):
            yield items[start : start + size], raters[start : start + size]

    @staticmethod
    def _drawn(n: int, n_draws: int, seed: int) -> Array:
        return np.concatenate(list(weights(n, n_draws, seed)))

    def _t_of(self, items: Array, raters: Array) -> Array:
        by_item, n_by_item = raters @ self._centred.T, raters @ self._is_rated.T
        n_cells = (items * n_by_item).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            shifts = (items * by_item).sum(axis=1) / n_cells
            mean = shifts[:, None]
            rows = by_item - mean * n_by_item
            columns = items @ self._centred - mean * (items @ self._is_rated)
            squares = ((items @ self._centred**2) * raters).sum(axis=1)
            cells = squares - n_cells * shifts**2
            total = self._variances(
                (items * rows**2).sum(axis=1), (raters * columns**2).sum(axis=1), cells, n_cells
            )[2]
        is_drawn = n_cells > 0
        return t_values(shifts[is_drawn], np.sqrt(np.maximum(total[is_drawn], 0)), self.error)

    def _variances(
        self, rows: Array, columns: Array, cells: Array, n_cells: Array
    ) -> tuple[Array, Array, Array]:
        """Return the variances of the mean by items, by raters, and by both."""
        by_item = (self._factors[0] * rows + self._added) / n_cells**2
        by_rater = self._factors[1] * columns / n_cells**2
        shared = self._factors[0] * self._factors[1] * cells / n_cells**2
        either = np.maximum(by_item, by_rater)
        return by_item, by_rater, np.maximum(by_item + by_rater - shared, either)
