"""Strengths from pairwise votes, with what items and raters leave open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.bootstrap import Interval
from harness.stats.multiple import max_t, max_t_quantile
from harness.stats.ranking import Rank, bradley_terry, rank_intervals
from harness.stats.resample import Array

Indices = NDArray[np.intp]
BATCH_CELLS = 2_000_000
"""Cells of the win matrices that are fitted together, 16 MB."""
MAX_STEPS = 200
LONGEST_STEP = 2.0
"""In log-strength: a longer Newton step is shortened, so that none overshoots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """Who was preferred, a row per vote; everything by number from 0."""

    item: Indices
    rater: Indices
    first: Indices
    second: Indices
    score: Array
    """1 where the first won, 0 where the second did, ½ for a tie."""
    n_systems: int

    def wins(self, weight: Array | None = None) -> Array:
        """Return how often i beat j, [m, m]; a tie counts half for both."""
        weight = np.ones(len(self.item)) if weight is None else weight
        found = np.zeros((self.n_systems, self.n_systems))
        np.add.at(found, (self.first, self.second), weight * self.score)
        np.add.at(found, (self.second, self.first), weight * (1 - self.score))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Strengths:
    """Log-strengths with mean zero, and the ranks that hold together."""

    intervals: list[Interval]
    p_values: Array
    """Of "equally strong", adjusted over all pairs (max-T, step-down), [m, m]."""
    ranks: list[Rank]
    resolution: float
    """The difference in log-strength that the median pair needs to be told apart."""
    n_draws: int


def strengths(
    votes: Votes,
    *,
    ridge: float = 1e-3,
    n_draws: int = 2000,
    confidence: float = 0.95,
    seed: int = 12345,
) -> Strengths:
    """Fit Bradley–Terry and resample items and raters together.

    Each draw gives every item and every rater a multinomial weight, and a vote the product of the
    two (the two-way or pigeonhole bootstrap; Owen 2007): it is right where items and raters both
    vary, and somewhat wide where one of them does not. Intervals stand around the estimate from
    all votes, ± the quantile of |draw − estimate|.

    Args:
        votes: Linked: see `met_groups`.
        ridge: Precision of the normal prior on each log-strength.
        n_draws: Of the bootstrap.
        confidence: Of the intervals, and of all ranks together.
        seed: Of the draws.

    Raises:
        ValueError: the systems fall into groups that never met.
    """
    m = votes.n_systems
    found = bradley_terry(votes.wins(), ridge=ridge)
    drawn = _drawn_strengths(votes, found, ridge=ridge, n_draws=n_draws, seed=seed)
    off = drawn - found
    half = np.quantile(np.abs(off), confidence, axis=0)
    left, right = np.triu_indices(m, k=1)
    gaps, gaps_off = found[left] - found[right], off[:, left] - off[:, right]
    error = gaps_off.std(axis=0, ddof=1)
    p_values = np.ones((m, m))
    resolution = np.inf
    if len(left) and (error > 0).all():
        # Six items of one mind are the least that can show anything (the sign test's 2^(1 − n)).
        least = 2.0 ** (1 - len(np.unique(votes.item)))
        adjusted = np.maximum(max_t((gaps / error).tolist(), gaps_off / error), min(1.0, least))
        p_values[left, right] = p_values[right, left] = adjusted
        factor = max_t_quantile(gaps_off / error, confidence=confidence)
        resolution = factor * float(np.median(error))
    is_better = (found[:, None] > found[None, :]) & (p_values < 1 - confidence)
    return Strengths(
        intervals=[
            Interval(value=float(b), low=float(b - h), high=float(b + h))
            for b, h in zip(found, half, strict=True)
        ],
        p_values=p_values,
        ranks=rank_intervals(is_better),
        resolution=resolution,
        n_draws=n_draws,
    )


def fit_all(wins: Array, *, start: Array, ridge: float = 1e-3) -> Array:
    """Fit Bradley–Terry to many win matrices at once, by Newton's method.

    Args:
        wins: How often i beat j, [draws, m, m].
        start: Log-strengths to begin from, [m].
        ridge: As in `bradley_terry`, whose results these are.

    Returns:
        Log-strengths with mean zero, [draws, m].
    """
    games = wins + wins.transpose(0, 2, 1)
    won = wins.sum(axis=2)
    b = np.broadcast_to(start, won.shape).copy()
    eye = ridge * np.eye(won.shape[1])
    for _ in range(MAX_STEPS):
        share = 1.0 / (1.0 + np.exp(b[:, None, :] - b[:, :, None]))
        slope = (games * share).sum(axis=2) - won + ridge * b
        if float(np.abs(slope).max(initial=0.0)) < 1e-8:
            break
        curve = games * share * (1 - share)
        hessian = eye - curve
        diagonal = np.arange(won.shape[1])
        hessian[:, diagonal, diagonal] += curve.sum(axis=2)
        move = np.linalg.solve(hessian, slope[..., None])[..., 0]
        longest = np.abs(move).max(axis=1, keepdims=True)
        b -= move * np.minimum(1.0, LONGEST_STEP / np.maximum(longest, 1e-12))
    return b - b.mean(axis=1, keepdims=True)


def _drawn_strengths(votes: Votes, start: Array, *, ridge: float, n_draws: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    n_items, n_raters = int(votes.item.max()) + 1, int(votes.rater.max()) + 1
    size = max(1, BATCH_CELLS // votes.n_systems**2)
    parts: list[Array] = []
    for begin in range(0, n_draws, size):
        rows = min(size, n_draws - begin)
        items = rng.multinomial(n_items, np.full(n_items, 1 / n_items), size=rows)
        raters = rng.multinomial(n_raters, np.full(n_raters, 1 / n_raters), size=rows)
        wins = np.stack(
            [
                votes.wins(item[votes.item] * rater[votes.rater].astype(np.float64))
                for item, rater in zip(items, raters, strict=True)
            ]
        )
        parts.append(fit_all(wins, start=start, ridge=ridge))
    return np.concatenate(parts)
