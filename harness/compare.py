"""Compare runs of one suite, item by item, and say in four words what the numbers allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from harness.errors import IncomparableError
from harness.scoring import Scores
from harness.stats.bootstrap import Interval, paired_bootstrap
from harness.stats.multiple import holm
from harness.stats.power import implied_standard_error, minimum_detectable_effect
from harness.stats.resample import group_numbers
from harness.stats.tests import mcnemar_exact, paired_difference, wilson

Verdict = Literal["improved", "regressed", "no worse", "cannot tell", "changed"]
"""Four words, and "changed" for gauges, which have no better side."""
ALPHA = 0.05


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
    """Holm-adjusted over the study's primary comparisons; equals p_value for the others."""
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

    @property
    def gain(self) -> float:
        """How much better the configuration is, in the metric's unit; negative when worse."""
        return -self.difference.value if self.better == "lower" else self.difference.value

    @property
    def coverage(self) -> float:
        """Share of the planned items that both runs have."""
        return self.n / self.n_planned


def compare(
    before: Scores,
    after: Scores,
    *,
    is_primary: bool = False,
    margin: float = 0.0,
    n_draws: int = 10_000,
    seed: int = 12345,
) -> Comparison:
    """Compare two runs on one metric.

    Exact McNemar with a score interval for binary metrics on independent items; otherwise the
    paired bootstrap, over clusters where the gold set declares them.

    Raises:
        IncomparableError: the runs differ in gold set, metric signature or template, or share
            no scored item.
    """
    _refuse_different(before, after)
    shared = [r for r in after.planned if r.id in before.stats and r.id in after.stats]
    if not shared:
        raise IncomparableError(
            f"{after.suite} {after.metric.name}: {before.run!r} and {after.run!r} share no "
            "scored item; run both on the suite first"
        )
    ids = [record.id for record in shared]
    groups = group_numbers([record.cluster for record in shared])
    stats_before, stats_after = before.matrix(ids), after.matrix(ids)
    estimate = paired_bootstrap(
        stats_before,
        stats_after,
        after.metric.reduce,
        groups=groups,
        spread=after.metric.scale.spread,
        n_draws=n_draws,
        seed=seed,
    )
    items_before = after.metric.reduce(stats_before)
    items_after = after.metric.reduce(stats_after)
    sign = -1.0 if after.metric.scale.better == "lower" else 1.0
    n_gained = int((sign * (items_after - items_before) > 1e-12).sum())
    n_lost = int((sign * (items_after - items_before) < -1e-12).sum())
    result = Comparison(
        suite=after.suite,
        metric=after.metric.name,
        signature=after.metric.signature,
        baseline=before.run,
        configuration=after.run,
        before=estimate.first,
        after=estimate.second,
        difference=estimate.difference,
        p_value=estimate.p_value,
        p_adjusted=estimate.p_value,
        is_primary=is_primary,
        margin=margin,
        minimum_detectable_effect=0.0,
        n=len(shared),
        n_groups=estimate.n_groups,
        n_planned=len(after.planned),
        n_gained=n_gained,
        n_lost=n_lost,
        method="paired bootstrap" + (", clustered" if estimate.n_groups < len(shared) else ""),
        verdict="cannot tell",
        better=after.metric.scale.better,
        n_no_answer_before=len(before.not_extracted.intersection(ids)),
        n_no_answer_after=len(after.not_extracted.intersection(ids)),
        lowest=_bound(after.metric.scale.low),
        highest=_bound(after.metric.scale.high),
    )
    if after.metric.scale.is_binary and estimate.n_groups == len(shared):
        result = _with_exact_test(result, items_before, items_after)
    mde = minimum_detectable_effect(implied_standard_error(result.difference))
    result = replace(result, minimum_detectable_effect=mde)
    return replace(result, verdict=verdict_of(result))


def correct_for_many(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Adjust the primary comparisons for their number (Holm) and renew their verdicts."""
    primaries = [i for i, comparison in enumerate(comparisons) if comparison.is_primary]
    adjusted = holm([comparisons[i].p_value for i in primaries])
    result = list(comparisons)
    for i, p_adjusted in zip(primaries, adjusted, strict=True):
        changed = replace(comparisons[i], p_adjusted=p_adjusted)
        result[i] = replace(changed, verdict=verdict_of(changed))
    return result


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


def _bound(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _with_exact_test(result: Comparison, before: np.ndarray, after: np.ndarray) -> Comparison:
    right_before, right_after = before > 0.5, after > 0.5
    counts = [
        int((right_before & right_after).sum()),
        int((~right_before & right_after).sum()),
        int((right_before & ~right_after).sum()),
        int((~right_before & ~right_after).sum()),
    ]
    p_value = mcnemar_exact(counts[1], counts[2])
    n = len(before)
    return replace(
        result,
        before=wilson(int(right_before.sum()), n),
        after=wilson(int(right_after.sum()), n),
        difference=paired_difference(*counts),
        p_value=p_value,
        p_adjusted=p_value,
        method="exact McNemar, score interval",
    )


def _refuse_different(before: Scores, after: Scores) -> None:
    pairs = {
        "suite": (before.suite, after.suite),
        "gold set": (before.gold_digest[:12], after.gold_digest[:12]),
        "metric signature": (before.metric.signature, after.metric.signature),
        "prompt template": (before.template_digest[:12], after.template_digest[:12]),
    }
    for what, (left, right) in pairs.items():
        if left != right:
            raise IncomparableError(
                f"{before.run!r} and {after.run!r} cannot be compared: their {what} differs "
                f"({left} and {right}); run both on the same one"
            )
