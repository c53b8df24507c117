"""Compare two runs on one metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.compare.comparison import Comparison, verdict_of
from harness.compare.unscored import unscored_of
from harness.errors import IncomparableError
from harness.metrics.base import Metric, Scale
from harness.scoring import Scores
from harness.stats.bootstrap import Interval, PairedEstimate, paired_bootstrap
from harness.stats.power import implied_standard_error, minimum_detectable_effect
from harness.stats.randomisation import approximate_randomisation
from harness.stats.resample import Array, group_numbers, sum_by_group
from harness.stats.tests import mcnemar_exact, paired_difference, sign_test, wilcoxon, wilson
from harness.types import GoldRecord

MCNEMAR = "exact McNemar, score interval"
FEW_GROUPS = 30
"""Below so many independent units the detectable effect is counted with Student's quantiles."""
TINY = 1e-12
"""Differences below this are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The items that two runs share, with their statistics."""

    records: tuple[GoldRecord, ...]
    before: Array
    """[n, k]."""
    after: Array
    """[n, k]."""
    groups: Sequence[int]
    """Number of each item's cluster, [n]; an item without one is its own."""

    @property
    def n_groups(self) -> int:
        """Independent units."""
        return len(set(self.groups))

    @property
    def is_clustered(self) -> bool:
        """Whether some items belong together."""
        return self.n_groups < len(self.records)

    def by_group(self) -> tuple[Array, Array]:
        """Return the statistics summed by cluster, [groups, k] each."""
        return sum_by_group(self.before, self.groups), sum_by_group(self.after, self.groups)


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
    paired bootstrap, over clusters where the gold set declares them, with the p of approximate
    randomisation beside it. Wilcoxon and the sign test stand beside both.

    Raises:
        IncomparableError: the runs differ in gold set, metric signature or template, or share
            no scored item.
    """
    refuse_different(before, after)
    shared = shared_items(before, after)
    scale = after.metric.scale
    values_before, values_after = (
        after.metric.reduce(shared.before),
        after.metric.reduce(shared.after),
    )
    sign = -1.0 if scale.better == "lower" else 1.0
    gains = sign * (values_after - values_before)
    is_once = before.n_repeats == after.n_repeats == 1
    if scale.is_binary and is_once and not shared.is_clustered:
        found = _exact(values_before > 0.5, values_after > 0.5)
    else:
        found = _bootstrap(shared, after, n_draws=n_draws, seed=seed)
    estimate = found.estimate
    ids = [record.id for record in shared.records]
    result = Comparison(
        suite=after.suite,
        metric=after.metric.name,
        signature=after.metric.signature,
        baseline=before.run,
        configuration=after.run,
        before=within(estimate.first, scale.low, scale.high),
        after=within(estimate.second, scale.low, scale.high),
        difference=within_difference(estimate.difference, scale),
        p_value=estimate.p_value,
        p_adjusted=estimate.p_value,
        is_primary=is_primary,
        margin=margin,
        minimum_detectable_effect=minimum_detectable_effect(
            estimate.standard_error,
            n_groups=shared.n_groups if shared.n_groups < FEW_GROUPS else None,
        ),
        n=len(ids),
        n_groups=shared.n_groups,
        n_planned=len(after.planned),
        n_gained=int((gains > TINY).sum()),
        n_lost=int((gains < -TINY).sum()),
        method=found.method,
        verdict="cannot tell",
        better=scale.better,
        n_no_answer_before=len(before.not_extracted.intersection(ids)),
        n_no_answer_after=len(after.not_extracted.intersection(ids)),
        lowest=_bound(scale.low),
        highest=_bound(scale.high),
        p_randomisation=found.p_randomisation,
        p_wilcoxon=found.p_wilcoxon,
        p_sign=found.p_sign,
        n_changed=estimate.n_changed if found.p_randomisation is not None else None,
        unscored=unscored_of(before, after),
    )
    return replace(result, verdict=verdict_of(result))


def shared_items(before: Scores, after: Scores) -> Shared:
    """Return the items that both runs have a score of.

    Raises:
        IncomparableError: there are none.
    """
    records = [r for r in after.planned if r.id in before.stats and r.id in after.stats]
    if not records:
        raise IncomparableError(
            f"{after.suite} {after.metric.name}: {before.run!r} and {after.run!r} share no "
            "scored item; run both on the suite first"
        )
    ids = [record.id for record in records]
    return Shared(
        records=tuple(records),
        before=before.matrix(ids),
        after=after.matrix(ids),
        groups=group_numbers([record.cluster for record in records]),
    )


def refuse_different(before: Scores, after: Scores) -> None:
    """Check that two runs answered the same, and are measured alike.

    Raises:
        IncomparableError: naming what differs.
    """
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


def within(interval: Interval, low: float, high: float) -> Interval:
    """Cut an interval at the ends of a range, of which resampling knows nothing."""
    return replace(
        interval,
        low=max(interval.low, min(low, interval.value)),
        high=min(interval.high, max(high, interval.value)),
    )


def within_difference(interval: Interval, scale: Scale) -> Interval:
    """Cut a difference at what two values of a metric can differ by."""
    return within(interval, scale.low - scale.high, scale.high - scale.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the main test says."""

    estimate: PairedEstimate
    method: str
    p_randomisation: float | None = None
    p_wilcoxon: float | None = None
    p_sign: float | None = None


def _bootstrap(shared: Shared, after: Scores, *, n_draws: int, seed: int) -> _Found:
    metric = after.metric
    estimate = paired_bootstrap(
        shared.before,
        shared.after,
        metric.reduce,
        groups=shared.groups,
        spread=metric.scale.spread,
        n_draws=n_draws,
        seed=seed,
    )
    moved = _unit_differences(shared, metric)
    return _Found(
        estimate=estimate,
        method="paired bootstrap, clustered" if shared.is_clustered else "paired bootstrap",
        p_randomisation=approximate_randomisation(
            shared.before,
            shared.after,
            metric.reduce,
            groups=shared.groups,
            n_draws=n_draws,
            seed=seed,
        ),
        p_wilcoxon=wilcoxon(moved.tolist()),
        p_sign=sign_test(int((moved > 0).sum()), int((moved < 0).sum())),
    )


def _exact(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> _Found:
    """McNemar's exact test is the sign test: there is nothing to hold it against."""
    counts = [
        int((before & after).sum()),
        int((~before & after).sum()),
        int((before & ~after).sum()),
        int((~before & ~after).sum()),
    ]
    n = len(before)
    difference = paired_difference(*counts)
    return _Found(
        estimate=PairedEstimate(
            first=wilson(int(before.sum()), n),
            second=wilson(int(after.sum()), n),
            difference=difference,
            p_value=mcnemar_exact(counts[1], counts[2]),
            standard_error=implied_standard_error(difference),
            n_groups=n,
            n_changed=counts[1] + counts[2],
        ),
        method=MCNEMAR,
    )


def _unit_differences(shared: Shared, metric: Metric) -> Array:
    """Return how much each independent unit differs, [groups]; rounding is no difference."""
    before, after = shared.by_group()
    moved = metric.reduce(after) - metric.reduce(before)
    return np.where(np.abs(moved) > TINY, moved, 0.0)


def _bound(value: float) -> float | None:
    return value if math.isfinite(value) else None
