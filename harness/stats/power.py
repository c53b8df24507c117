"""What a gold set can show: the smallest effect that it would probably find."""

from __future__ import annotations

from scipy import stats

from harness.stats.bootstrap import Interval


def minimum_detectable_effect(
    standard_error: float, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the true difference that a two-sided test finds with the given probability.

    MDE = (z_{1−α/2} + z_{power}) · SE of the difference (Card et al. 2020; Miller 2024, eq. 9).
    Same unit as the metric.
    """
    return float((stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) * standard_error)


def implied_standard_error(interval: Interval, *, confidence: float = 0.95) -> float:
    """Return the standard error of a normal interval of this width.

    Unlike the sample's own standard error it is not zero where no item happened to change, since
    score intervals keep a width there.
    """
    z = float(stats.norm.ppf((1 + confidence) / 2))
    return (interval.high - interval.low) / (2 * z)
