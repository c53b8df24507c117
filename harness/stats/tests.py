"""Tests and intervals for paired binary outcomes, and tests by signs and ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from scipy import stats

from harness.stats.bootstrap import Interval


def mcnemar_exact(n_gained: int, n_lost: int) -> float:
    """Return the exact two-sided p-value of McNemar's test.

    Args:
        n_gained: Items wrong before and right after.
        n_lost: Items right before and wrong after.

    Returns:
        min(1, 2·P[X ≤ min(gained, lost)]) with X ~ Binomial(gained + lost, ½) (McNemar 1947;
        exact form). At least 6 discordant items are needed for p < .05.
    """
    discordant = n_gained + n_lost
    if discordant == 0:
        return 1.0
    return float(stats.binomtest(min(n_gained, n_lost), discordant, 0.5).pvalue)


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return a proportion with Wilson's score interval (Wilson 1927), from 0 to 1.

    (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n), p = successes / n.

    Args:
        successes: Right answers.
        n: Items; at least 1.
        confidence: Of the interval.
    """
    z = float(stats.norm.ppf((1 + confidence) / 2))
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # Rounding must not put the bound on the wrong side of the share itself.
    low, high = min(max(0.0, centre - half), share), max(min(1.0, centre + half), share)
    return Interval(value=share, low=low, high=high)


def paired_difference(
    n_both: int, n_gained: int, n_lost: int, n_neither: int, *, confidence: float = 0.95
) -> Interval:
    """Return the difference of two paired proportions, after − before, with a score interval.

    Newcombe 1998 (Statistics in Medicine 17:2635), method 10: Wilson intervals combined by
    square-and-add with the phi correlation, continuity-corrected.

    Args:
        n_both: Items right before and after.
        n_gained: Items wrong before and right after.
        n_lost: Items right before and wrong after.
        n_neither: Items wrong before and after.
        confidence: Of the interval.
    """
    n = n_both + n_gained + n_lost + n_neither
    after = wilson(n_both + n_gained, n, confidence=confidence)
    before = wilson(n_both + n_lost, n, confidence=confidence)
    phi = _phi(n_both, n_gained, n_lost, n_neither)
    difference = (n_gained - n_lost) / n
    low = _square_and_add(after.value - after.low, before.high - before.value, phi)
    high = _square_and_add(after.high - after.value, before.value - before.low, phi)
    return Interval(value=difference, low=difference - low, high=difference + high)


def sign_test(n_gained: int, n_lost: int) -> float:
    """Return the exact two-sided p-value of the sign test: gains against losses, ties left out.

    2·P[X ≤ min(gained, lost)], X ~ Binomial(gained + lost, ½), at most 1 (Arbuthnot 1710).

    Args:
        n_gained: Units that are better after.
        n_lost: Units that are worse after.
    """
    return mcnemar_exact(n_gained, n_lost)


def wilcoxon(differences: Sequence[float]) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; 1 where nothing differs.

    Zeros are left out; exact without ties up to 50 items, normal otherwise (scipy.stats.wilcoxon).
    A check of the main result: it asks about ranks, not about the mean (Wilcoxon 1945).

    Args:
        differences: after − before of each independent unit, in any unit, [n].
    """
    moved = [value for value in differences if value != 0]
    result: Any = stats.wilcoxon(moved) if moved else None
    return float(result.pvalue) if result is not None else 1.0


def _phi(n_both: int, n_gained: int, n_lost: int, n_neither: int) -> float:
    n = n_both + n_gained + n_lost + n_neither
    margins = (
        (n_both + n_gained) * (n_lost + n_neither) * (n_both + n_lost) * (n_gained + n_neither)
    )
    if margins == 0:
        return 0.0
    product = n_both * n_neither - n_gained * n_lost
    if product > 0:
        product = max(product - n / 2, 0)
    return product / math.sqrt(margins)


def _square_and_add(a: float, b: float, phi: float) -> float:
    return math.sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))
