"""What a gold set can show: the smallest effect that it would probably find."""

from __future__ import annotations

from scipy import stats


def minimum_detectable_effect(
    standard_error: float, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the true difference that a two-sided test finds with the given probability.

    MDE = (z_{1−α/2} + z_{power}) · SE of the difference (Card et al. 2020; Miller 2024, eq. 9).
    Same unit as the metric.
    """
    return float((stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) * standard_error)
