"""Multiple choice by log-likelihood, corrected for the length of the choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.metrics.base import BINARY, Array, Item, Metric, Scale, Setting
from harness.metrics.classify import choice_accuracy
from harness.types import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthCorrected:
    """Whether the right choice has the highest log-likelihood per unit of length."""

    signature: str
    per: Literal["bytes", "characters"]
    name: str = "acc_norm"
    scale: Scale = BINARY
    pure: bool = True
    """As in `MeanMetric`."""

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return (right, 1) of each item."""
        return [choice_accuracy(item, self._lengths(item.gold.choices)) for item in items]

    def reduce(self, totals: Array) -> Array:
        """Return the share of right answers."""
        return totals[..., 0] / totals[..., 1]

    def _lengths(self, choices: Sequence[str]) -> list[int]:
        return [len(text.encode() if self.per == "bytes" else text) for text in choices]


def acc_norm(setting: Setting, *, per: Literal["bytes", "characters"] = "bytes") -> Metric:
    """Return the share of items whose right choice is likeliest for its length (lm-eval).

    Args:
        setting: Not used.
        per: UTF-8 bytes put Chinese and English choices on one scale (lm-eval's `acc_bytes`);
            lm-eval's `acc_norm` divides by characters, which is the same for ASCII.
    """
    del setting
    return LengthCorrected(signature=f"acc_norm@1|by:loglikelihood|norm:{per}", per=per)
