"""Format numbers for people: equal places in a column, a true minus sign."""

from __future__ import annotations

from collections.abc import Mapping

from harness.compare import Comparison
from harness.stats.bootstrap import Interval

PLACES: Mapping[str, int] = {"bleu": 1, "chrf": 1}
"""Decimals of a metric, where they are not three."""


def value(number: float | None, metric: str) -> str:
    """Format a metric's value; a dash when there is none."""
    if number is None:
        return "–"
    return f"{number:.{_places(metric)}f}".replace("-", "−")


def signed(number: float | None, metric: str) -> str:
    """Format a difference with its sign; one that rounds to zero has none."""
    if number is None:
        return "–"
    text = f"{number:+.{_places(metric)}f}"
    if not text.strip("+-0."):
        return text[1:]
    return text.replace("-", "−")


def interval(estimate: Interval, metric: str) -> str:
    """Format the bounds of a value."""
    return f"[{value(estimate.low, metric)}, {value(estimate.high, metric)}]"


def signed_interval(estimate: Interval, metric: str) -> str:
    """Format the bounds of a difference."""
    return f"[{signed(estimate.low, metric)}, {signed(estimate.high, metric)}]"


def p_value(comparison: Comparison) -> str:
    """Format a comparison's adjusted p-value."""
    p = comparison.p_adjusted
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def percent(share: float | None) -> str:
    """Format a share; 100 % only when nothing is missing."""
    if share is None:
        return "–"
    rounded = round(100 * share)
    if rounded == 100 and share < 1:
        return "> 99 %"
    return f"{rounded} %"


def duration(seconds: float | None) -> str:
    """Format seconds."""
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def gibibytes(n_bytes: int) -> str:
    """Format a memory size."""
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes else "–"


def setting(found: object) -> str:
    """Format a training setting."""
    if found is None:
        return "–"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, float):
        return f"{found:g}"
    if isinstance(found, (list, tuple)):
        return ", ".join(setting(item) for item in found)
    return str(found)


def _places(metric: str) -> int:
    """Return the decimals of a metric, whatever its parameters."""
    return PLACES.get(metric.partition("(")[0], 3)
