"""What a comparison says: values, difference, tests, and the verdict in four words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.stats.bootstrap import Interval

Verdict = Literal["improved", "regressed", "no worse", "cannot tell", "changed"]
"""Four words, and "changed" for gauges, which have no better side."""
Correction = Literal["none", "max-T", "Holm", "Benjamini-Hochberg"]
ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How far the value of one configuration moves when nothing but the seed changes."""

    n_repeats: int
    deviation: float
    """Standard deviation of the repeats' values, n − 1 in the denominator."""
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unscored:
    """Planned items that lack a score, and what they could change."""

    n_before: int
    """Of the baseline."""
    n_after: int
    """Of the configuration."""
    worst: float | None = None
    """The difference over all planned items if every unscored one were the worst possible for
    the configuration; None where the metric is not a mean on a bounded scale."""
    best: float | None = None
    """The same if every one were the best possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric: a configuration against the baseline on the items that both have."""

    suite: str
    metric: str
    signature: str
    baseline: str
    configuration: str
    before: Interval
    after: Interval
    difference: Interval
    """after − before, 95 % interval."""
    p_value: float
    p_adjusted: float
    """Adjusted over the family that it belongs to; equals p_value where it stands alone."""
    is_primary: bool
    margin: float
    """How much worse is still "no worse", in the metric's unit."""
    minimum_detectable_effect: float
    """The true difference that this many items would find with 80 % probability."""
    n: int
    n_groups: int
    """Independent units: items, or clusters of items."""
    n_planned: int
    n_gained: int
    """Items with a better score than before."""
    n_lost: int
    method: str
    verdict: Verdict
    better: Literal["higher", "lower", "neither"] = "higher"
    """Which way the metric is better."""
    n_no_answer_before: int = 0
    """Items of the baseline in whose text no answer was found: they count as wrong."""
    n_no_answer_after: int = 0
    """The same of the configuration."""
    lowest: float | None = 0.0
    highest: float | None = 1.0
    """Bounds of the metric's values; None: without a bound."""
    correction: Correction = "none"
    """How p_adjusted was found."""
    n_family: int = 1
    """Comparisons that were corrected together."""
    simultaneous: Interval | None = None
    """The interval that holds together with those of the whole family, where that was asked."""
    p_randomisation: float | None = None
    """Approximate randomisation's p, for what is bootstrapped."""
    p_wilcoxon: float | None = None
    """Wilcoxon's signed-rank test over items (or clusters): sensitivity, it decides nothing."""
    p_sign: float | None = None
    """The sign test, likewise."""
    n_changed: int | None = None
    """Independent units that differ, for what is bootstrapped."""
    unscored: Unscored | None = None
    """None: every planned item has a score on both sides."""
    noise_before: Noise | None = None
    """Between repeats of the baseline."""
    noise_after: Noise | None = None
    """Between repeats of the configuration."""

    @property
    def gain(self) -> float:
        """How much better the configuration is, in the metric's unit; negative when worse."""
        return -self.difference.value if self.better == "lower" else self.difference.value

    @property
    def coverage(self) -> float:
        """Share of the planned items that both runs have."""
        return self.n / self.n_planned

    @property
    def n_tied(self) -> int:
        """Items with the same score as before."""
        return self.n - self.n_gained - self.n_lost

    @property
    def sensitivity(self) -> dict[str, float]:
        """p-values of the other tests by name, those that were made."""
        found = {
            "approximate randomisation": self.p_randomisation,
            "Wilcoxon": self.p_wilcoxon,
            "sign test": self.p_sign,
        }
        return {name: p for name, p in found.items() if p is not None}


def verdict_of(comparison: Comparison) -> Verdict:
    """Return what the interval and the adjusted p-value allow one to say.

    A drop whose interval stays inside the margin is "no worse", even when it is significant.
    """
    difference = comparison.difference
    if comparison.n_groups < 2:  # nothing tells how much one unit varies
        return "cannot tell"
    is_significant = comparison.p_adjusted < ALPHA and difference.excludes_zero
    if comparison.better == "neither":
        return "changed" if is_significant else "cannot tell"
    worst = -difference.high if comparison.better == "lower" else difference.low
    if is_significant and comparison.gain > 0:
        return "improved"
    if worst > -comparison.margin:
        return "no worse"
    if is_significant:
        return "regressed"
    return "cannot tell"
