"""Axes of the charts: from values to percent, and where the ticks lie."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A labelled position on an axis."""

    at: float
    """Percent."""
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A linear scale from values to percent."""

    low: float
    high: float
    is_reversed: bool = False
    """Whether low values lie at 100 percent."""

    def at(self, value: float) -> float:
        """Return the position of a value, clipped to the axis."""
        share = (value - self.low) / (self.high - self.low)
        share = min(1.0, max(0.0, share))
        return round(100 * (1.0 - share if self.is_reversed else share), 2)

    def ticks(self, n: int = 5, *, is_signed: bool = False) -> tuple[Tick, ...]:
        """Return about n round values."""
        step = _round_step((self.high - self.low) / n)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        places = max(0, -math.floor(math.log10(step) + 1e-9))
        found: list[Tick] = []
        for i in range(first, last + 1):
            sign = "+" if is_signed and i > 0 else ""
            label = f"{sign}{i * step:.{places}f}".replace("-", "−") if i else "0"
            found.append(Tick(at=self.at(i * step), label=label))
        return tuple(found)


def _round_step(step: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(k * power for k in (1, 2, 5, 10) if k * power >= step * (1 - 1e-9))
