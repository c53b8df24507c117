"""What a gold set can show: the smallest effect that it would probably find, and items needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from harness.stats.bootstrap import Interval

MOST_ITEMS = 10_000_000
"""More items than this are not worth a number."""


def minimum_detectable_effect(
    standard_error: float, *, alpha: float = 0.05, power: float = 0.8, n_groups: int | None = None
) -> float:
    """Return the true difference that a two-sided test finds with the given probability.

    MDE = (z_{1−α/2} + z_{power}) · SE of the difference (Card et al. 2020; Miller 2024, eq. 9).
    Same unit as the metric.

    Args:
        standard_error: Of the difference.
        alpha: Level of the test.
        power: Probability of finding it.
        n_groups: Independent groups: the quantiles are Student's, as the intervals are at least.
            None: the normal distribution's.
    """
    return _quantiles(alpha, power, n_groups) * standard_error


def implied_standard_error(interval: Interval, *, confidence: float = 0.95) -> float:
    """Return the standard error of a normal interval of this width.

    Unlike the sample's own standard error it is not zero where no item happened to change, since
    score intervals keep a width there. SE = (high − low) / (2·z_{(1+confidence)/2}), in the
    interval's own unit.

    Args:
        interval: Of a value or a difference.
        confidence: Of the interval.
    """
    z = float(stats.norm.ppf((1 + confidence) / 2))
    return (interval.high - interval.low) / (2 * z)


def power_of_mean(
    effect: float, standard_error: float, *, alpha: float = 0.05, n_groups: int | None = None
) -> float:
    """Return the probability that a two-sided test finds a true difference of `effect`.

    In the direction of the effect: 1 − T(t_{1−α/2} − |effect| / SE), T the normal or Student's
    (Card et al. 2020).

    Args:
        effect: True difference, in the metric's unit; its sign does not matter.
        standard_error: Of the difference, same unit.
        alpha: Level of the test.
        n_groups: Independent groups, for Student's law; None: the normal one.
    """
    if standard_error == 0:
        return float(effect != 0)
    law = _law(n_groups)
    return float(law.sf(law.ppf(1 - alpha / 2) - abs(effect) / standard_error))


def items_for_mean(
    effect: float, deviation: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Return how many independent items find a mean difference of `effect`.

    n = ((z_{1−α/2} + z_{power}) · σ / effect)² with σ the standard deviation of the items' paired
    differences (Miller 2024, eq. 9 solved for n). Multiply by the design effect for clusters.

    Args:
        effect: True difference, in the metric's unit; not 0.
        deviation: σ, same unit.
        alpha: Level of the two-sided test.
        power: Probability of finding it.
    """
    assert effect != 0, "no number of items finds an effect of nothing"
    return math.ceil((_quantiles(alpha, power, None) * deviation / effect) ** 2)


def design_effect(cluster_sizes: Sequence[int], correlation: float) -> float:
    """Return how many times the variance of a mean grows since items come in clusters.

    1 + (Σm² / Σm − 1) · ρ, with m the sizes and ρ the correlation within a cluster (Kish 1965;
    for unequal sizes Kish 1987).

    Args:
        cluster_sizes: Items of each cluster.
        correlation: ρ, between two items of one cluster.
    """
    sizes = np.asarray(cluster_sizes, dtype=np.float64)
    return float(1 + ((sizes**2).sum() / sizes.sum() - 1) * correlation)


def expected_discordance(share_right: float, correlation: float) -> float:
    """Return the share of items on which two equally good systems differ.

    2 · p(1 − p) · (1 − ρ), with ρ the correlation of their item scores (from the variance of a
    difference, Miller 2024, section 4.2).

    Args:
        share_right: p, of each system.
        correlation: ρ.
    """
    return 2 * share_right * (1 - share_right) * (1 - correlation)


def items_for_mcnemar(
    effect: float, discordance: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Return how many independent items find a difference of two paired proportions.

    n = (z_{1−α/2}·√ψ + z_{power}·√(ψ − δ²))² / δ² (Connor 1987, Biometrics 43:207), with ψ the
    discordance and δ the effect: for McNemar's test without correction. The exact test needs a few
    more; `exact_items_for_mcnemar` gives its number.

    Args:
        effect: δ; not 0.
        discordance: ψ, the share of items on which the systems differ.
        alpha: Level of the two-sided test.
        power: Probability of finding it.
    """
    psi = max(discordance, abs(effect))
    z_alpha, z_power = stats.norm.ppf(1 - alpha / 2), stats.norm.ppf(power)
    root = z_alpha * math.sqrt(psi) + z_power * math.sqrt(psi - effect**2)
    return math.ceil((root / effect) ** 2)


def mcnemar_power(n: int, effect: float, discordance: float, *, alpha: float = 0.05) -> float:
    """Return the probability that the exact McNemar test finds a difference of `effect`.

    Unconditional and exact: summed over the number of discordant items, Binomial(n, ψ), and over
    those gained, Binomial(d, (ψ + |δ|) / 2ψ).

    Args:
        n: Independent items.
        effect: True difference of the two proportions; its sign does not matter.
        discordance: Share of items on which the systems differ; raised to |effect| where less.
        alpha: Level of the two-sided test.
    """
    psi = min(max(discordance, abs(effect)), 1.0)
    if psi == 0:
        return 0.0
    half = 8 * math.sqrt(n * psi * (1 - psi)) + 8  # the rest has a probability below 1e-14
    low, high = max(0, math.floor(n * psi - half)), min(n, math.ceil(n * psi + half))
    discordant = np.arange(low, high + 1)
    weight = stats.binom.pmf(discordant, n, psi)
    fewest = least_significant(discordant, alpha)
    share_gained = min((psi + abs(effect)) / (2 * psi), 1.0)
    found = stats.binom.sf(fewest - 1, discordant, share_gained)
    return float((weight * found).sum())


def mcnemar_detectable(
    n: int, discordance: float, *, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """Return the smallest difference that the exact McNemar test finds with this probability.

    The δ at which `mcnemar_power` reaches it, by bisection; None where not even a change of every
    item would do.

    Args:
        n: Independent items.
        discordance: Share of items on which the systems differ.
        alpha: Level of the two-sided test.
        power: Probability of finding it.
    """
    if mcnemar_power(n, 1.0, discordance, alpha=alpha) < power:
        return None
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if mcnemar_power(n, middle, discordance, alpha=alpha) >= power:
            high = middle
        else:
            low = middle
    return high


def exact_items_for_mcnemar(
    effect: float, discordance: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Return how many independent items the exact McNemar test needs for an effect.

    The smallest n for which `mcnemar_power` reaches the power, searched from Connor's number.

    Args:
        effect: True difference of the two proportions; not 0.
        discordance: Share of items on which the systems differ.
        alpha: Level of the two-sided test.
        power: Probability of finding it.
    """

    def finds(n: int) -> bool:
        return mcnemar_power(n, effect, discordance, alpha=alpha) >= power

    return _fewest(finds, items_for_mcnemar(effect, discordance, alpha=alpha, power=power))


def least_significant(discordant: np.ndarray, alpha: float) -> np.ndarray:
    """Return how many of d discordant items must be gained for an exact p < alpha; d + 1 if none."""
    # P[X ≥ g] < α/2 with X ~ Binomial(d, ½): the smallest such g.
    gained = discordant - stats.binom.ppf(alpha / 2, discordant, 0.5) + 2
    for _ in range(4):
        is_less = stats.binom.sf(gained - 2, discordant, 0.5) < alpha / 2
        gained = np.where(is_less & (gained > 0), gained - 1, gained)
    return np.where(discordant == 0, 1, gained)


def _fewest(finds: Callable[[int], bool], start: int) -> int:
    """Return the smallest number for which `finds` holds, looking around `start`."""
    high = max(start, 1)
    while not finds(high):
        if high > MOST_ITEMS:
            return high
        high = math.ceil(high * 1.3) + 1
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if finds(middle) else (middle, high)
    return high


def _law(n_groups: int | None) -> Any:
    return stats.norm if n_groups is None else stats.t(max(n_groups - 1, 1))


def _quantiles(alpha: float, power: float, n_groups: int | None) -> float:
    law = _law(n_groups)
    return float(law.ppf(1 - alpha / 2) + law.ppf(power))
