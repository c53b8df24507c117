"""How well two raters agree on the same items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Coefficients of two raters; None where they are not defined."""

    n: int
    raw: float
    """Share of items with equal ratings."""
    kappa: float | None
    """Cohen's kappa: agreement beyond chance, categories without order (Cohen 1960)."""
    quadratic_kappa: float | None
    """The same with squared distances, for ordered ratings (Cohen 1968)."""
    spearman: float | None
    """Rank correlation."""


def agreement(first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Return how well two raters agree.

    κ = (observed − chance) / (1 − chance), chance Σ p_a(v)·p_b(v) (Cohen 1960); with squared
    distances 1 − E(a_i − b_i)² / E(a_i − b_j)² (Cohen 1968).

    Args:
        first: Ratings of one rater, [n].
        second: Ratings of the other on the same items, [n]; n ≥ 1.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    n = len(a)
    raw = float((a == b).mean())
    counts_a, counts_b = Counter(a.tolist()), Counter(b.tolist())
    chance = sum(counts_a[value] * counts_b[value] for value in counts_a) / n**2
    # All pairs (i, j): E(a_i − b_j)² = E a² − 2 E a · E b + E b².
    expected = float((a**2).mean() - 2 * a.mean() * b.mean() + (b**2).mean())
    observed = float(((a - b) ** 2).mean())
    return Agreement(
        n=n,
        raw=raw,
        kappa=None if chance >= 1 else (raw - chance) / (1 - chance),
        quadratic_kappa=None if expected <= 0 else 1 - observed / expected,
        spearman=rank_correlation(first, second),
    )


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's rho, −1 to 1, or None where one side does not vary or n < 3.

    The correlation of ranks, ties sharing theirs (Spearman 1904; scipy.stats.spearmanr).

    Args:
        first: Ratings or scores, in any unit, [n].
        second: Others of the same items, [n].
    """
    if len(first) < 3 or len(set(first)) < 2 or len(set(second)) < 2:
        return None
    result: Any = stats.spearmanr(first, second)
    return float(result.statistic)
