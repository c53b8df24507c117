"""Say what each metric of a suite could show with this many items, and how many it would need."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import UnknownNameError
from harness.metrics.base import Scale
from harness.metrics.build import metric_of
from harness.spec import Spec
from harness.stats.bootstrap import paired_bootstrap
from harness.stats.power import (
    design_effect,
    exact_items_for_mcnemar,
    expected_discordance,
    items_for_mean,
    mcnemar_detectable,
    mcnemar_power,
    minimum_detectable_effect,
    power_of_mean,
)
from harness.stats.resample import group_numbers, sum_by_group
from harness.stats.studentised import influences
from harness.suite import Suite

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is taken to be so where no run tells."""

    correlation: float = 0.5
    """Of the item scores of the two models: they find the same items hard."""
    deviation: float = 0.35
    """Standard deviation of one model's item scores, as a part of the metric's range."""
    share_right: float = 0.5
    """Share of items that a binary metric counts as right; 0.5 is the hardest case."""
    cluster_correlation: float = 0.3
    """Of items of one cluster."""
    discordance: float | None = None
    """Share of items on which the models differ; by default from the two above."""
    alpha: float = 0.05
    power: float = 0.8
    n_comparisons: int = 1
    """Comparisons that are declared to decide: each is tested at alpha / n (Holm's first step)."""

    @property
    def level(self) -> float:
        """Level of a single test."""
        return self.alpha / self.n_comparisons


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one or two runs tell of a metric's spread."""

    deviation: float
    """Of the items' paired differences (two runs) or scores (one run), clusters left aside."""
    design_effect: float
    discordance: float | None
    """Share of items whose binary score differs; None from one run."""
    share_right: float | None
    """Of a binary metric, in the baseline."""
    n_runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPower:
    """What one metric can show."""

    metric: str
    n_items: int
    n_groups: int
    method: str
    basis: str
    """Where the spread comes from: runs, or what was assumed."""
    deviation: float | None
    """Standard deviation of the paired differences."""
    discordance: float | None
    design_effect: float
    minimum_detectable_effect: float | None
    """In the metric's unit; None where nothing tells its spread, or no change could be found."""
    effect: float | None = None
    """The one asked about, in the metric's unit."""
    power_at_effect: float | None = None
    items_needed: int | None = None
    """For `effect`, with clusters of the present sizes."""


def evidence_from(
    first: Array,
    second: Array | None,
    reduce: Callable[[Array], Array],
    *,
    groups: Sequence[int],
    scale: Scale,
) -> Evidence:
    """Measure a metric's spread on stored runs.

    Args:
        first: Statistics of the baseline, [n, k].
        second: Of another run on the same items, or None.
        reduce: The metric's.
        groups: Cluster number of each item.
        scale: The metric's.
    """
    is_pair = second is not None
    width = scale.high - scale.low if math.isfinite(scale.high - scale.low) else 0.0

    def error(clusters: Sequence[int] | None) -> float:
        if second is None:
            return _standard_error(first, reduce, clusters)
        pair = paired_bootstrap(first, second, reduce, groups=clusters, spread=width, n_draws=1)
        return pair.standard_error  # from influences; the draws serve the intervals only

    naive, clustered = error(None), error(groups)
    values, others = reduce(first), reduce(first if second is None else second)
    is_binary = scale.is_binary
    return Evidence(
        deviation=naive * math.sqrt(len(first)),
        design_effect=max((clustered / naive) ** 2, 1.0) if naive > 0 else 1.0,
        discordance=float((values != others).mean()) if is_binary and is_pair else None,
        share_right=float(values.mean()) if is_binary else None,
        n_runs=2 if is_pair else 1,
    )


def _standard_error(
    stats: Array, reduce: Callable[[Array], Array], groups: Sequence[int] | None
) -> float:
    """Return the standard error of one run's value, from each group's influence on it."""
    own = influences(stats if groups is None else sum_by_group(stats, groups), reduce)
    n = len(own)
    return float(np.sqrt(((own - own.mean()) ** 2).sum() / max(n - 1, 1) / n))


def plan_power(
    suite: Suite,
    assumptions: Assumptions,
    *,
    evidence: Mapping[str, Evidence] | None = None,
    effect: float | None = None,
    only: Sequence[str] = (),
    trusts_code: bool = False,
) -> tuple[MetricPower, ...]:
    """Return what each metric of a suite can show.

    Args:
        suite: Its gold set as it is.
        assumptions: Where no evidence is given.
        evidence: By the metric's label.
        effect: Difference that one wants to find, as a part of the metric's range (0.05 is 5
            points of 100); in its own unit where the range has no end.
        only: Labels or names of metrics; all when empty.
        trusts_code: Whether Python files that the suite names may be run.

    Raises:
        UnknownNameError: no such metric in the suite.
    """
    known = suite.metrics()
    for name in only:
        if all(name not in (spec.label, spec.name) for spec in suite.metric_specs()):
            raise UnknownNameError("metric", name, known, where=str(suite.file))
    asked = {record.task for record in suite.gold}
    specs = [
        spec
        for spec in suite.metric_specs()
        if (not only or spec.label in only or spec.name in only)
        and any(spec in suite.config.tasks[task].metrics for task in asked)
    ]
    return tuple(
        _plan_metric(
            suite, spec, assumptions, (evidence or {}).get(spec.label), effect, trusts_code
        )
        for spec in specs
    )


def _plan_metric(
    suite: Suite,
    spec: Spec,
    assumed: Assumptions,
    evidence: Evidence | None,
    effect: float | None,
    trusts_code: bool,
) -> MetricPower:
    scale = metric_of(suite, spec, trusts_code=trusts_code).scale
    width = scale.high - scale.low
    if effect is not None and math.isfinite(width):
        effect *= width
    records = [r for r in suite.gold if spec in suite.config.tasks[r.task].metrics]
    sizes = list(Counter(group_numbers([record.cluster for record in records])).values())
    discordance, text = _discordance(assumed, evidence) if scale.is_binary else (None, "")
    if scale.is_binary and len(sizes) == len(records):
        assert discordance is not None, "a binary metric has a discordance"
        return _plan_mcnemar(spec.label, len(records), discordance, text, assumed, effect)
    if discordance is None:
        deviation, text = _deviation(assumed, evidence, width)
    else:
        deviation = math.sqrt(discordance)
    if evidence is not None:
        deff = evidence.design_effect
        if len(sizes) < len(records):
            text += f", design effect {deff:.2f} (measured)"
    else:
        deff = design_effect(sizes, assumed.cluster_correlation) if sizes else 1.0
        if len(sizes) < len(records):
            text += f", design effect {deff:.2f} (assumed)"
    return _plan_mean(spec.label, sizes, deviation, discordance, deff, text, assumed, effect)


def _plan_mcnemar(
    label: str, n: int, discordance: float, text: str, assumed: Assumptions, effect: float | None
) -> MetricPower:
    level, power = assumed.level, assumed.power
    return MetricPower(
        metric=label,
        n_items=n,
        n_groups=n,
        method="exact McNemar",
        basis=text,
        deviation=None,
        discordance=discordance,
        design_effect=1.0,
        minimum_detectable_effect=mcnemar_detectable(n, discordance, alpha=level, power=power),
        effect=effect,
        power_at_effect=None
        if effect is None
        else mcnemar_power(n, effect, discordance, alpha=level),
        items_needed=None
        if effect is None
        else exact_items_for_mcnemar(effect, discordance, alpha=level, power=power),
    )


def _plan_mean(
    label: str,
    sizes: Sequence[int],
    deviation: float | None,
    discordance: float | None,
    deff: float,
    text: str,
    assumed: Assumptions,
    effect: float | None,
) -> MetricPower:
    n, n_groups = sum(sizes), len(sizes)
    mde = at_effect = needed = None
    if deviation is not None and n_groups > 1:
        error = deviation * math.sqrt(deff / n)
        mde = minimum_detectable_effect(
            error, alpha=assumed.level, power=assumed.power, n_groups=n_groups
        )
        if effect is not None:
            at_effect = power_of_mean(effect, error, alpha=assumed.level, n_groups=n_groups)
            spread = deviation * math.sqrt(deff)
            needed = items_for_mean(effect, spread, alpha=assumed.level, power=assumed.power)
    return MetricPower(
        metric=label,
        n_items=n,
        n_groups=n_groups,
        method="paired bootstrap" + (", clustered" if n_groups < n else ""),
        basis=text,
        deviation=deviation,
        discordance=discordance,
        design_effect=deff,
        minimum_detectable_effect=mde,
        effect=effect,
        power_at_effect=at_effect,
        items_needed=needed,
    )


def _discordance(assumed: Assumptions, evidence: Evidence | None) -> tuple[float, str]:
    if assumed.discordance is not None:
        return assumed.discordance, f"{assumed.discordance:.0%} differ (stated)"
    if evidence is not None and evidence.discordance is not None:
        return evidence.discordance, f"{evidence.discordance:.0%} differ (measured)"
    share, where = assumed.share_right, "assumed"
    if evidence is not None and evidence.share_right is not None:
        share, where = evidence.share_right, f"from {evidence.share_right:.0%} right"
    discordance = expected_discordance(share, assumed.correlation)
    return discordance, f"{discordance:.0%} differ ({where})"


def _deviation(
    assumed: Assumptions, evidence: Evidence | None, width: float
) -> tuple[float | None, str]:
    # Var(a − b) = 2σ²(1 − ρ) for two systems of equal spread.
    paired = math.sqrt(2 * (1 - assumed.correlation))
    if evidence is not None and evidence.n_runs == 2:
        return evidence.deviation, f"SD {evidence.deviation:.3g} (measured)"
    if evidence is not None:
        deviation = evidence.deviation * paired
        return deviation, f"SD {deviation:.3g} (from the baseline)"
    if not math.isfinite(width):
        return None, "unknown: give a run with --baseline"
    deviation = assumed.deviation * width * paired
    return deviation, f"SD {deviation:.3g} (assumed)"
