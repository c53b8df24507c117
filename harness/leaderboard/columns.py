"""Rank the models of a board suite by suite, and lay the suites together for the composite."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from harness.errors import ConfigError
from harness.leaderboard.board import Column, status_of
from harness.leaderboard.eligibility import most_common
from harness.leaderboard.measure import Measurements
from harness.metrics.base import Scale
from harness.stats.board import Panel, Ranking, openness, rank_jointly
from harness.stats.resample import group_numbers


def rank_suites(found: Measurements, seed: int) -> dict[str, Ranking | None]:
    """Return the ranking of the ranked models on each suite; None where there is none."""
    return {
        suite: rank_jointly([_panel(found, suite, scale=_sign(found, suite))], seed=seed)
        if found.shared(suite)
        else None
        for suite in found.suites
    }


def columns_of(found: Measurements, rankings: Mapping[str, Ranking | None]) -> tuple[Column, ...]:
    """Return what there is to say of each suite."""
    total = sum(metric.weight or 0.0 for metric in found.metrics.values())
    return tuple(_column(found, suite, rankings[suite], total) for suite in found.suites)


def composite_panels(found: Measurements) -> list[Panel] | None:
    """Return the suites, scaled so that their sum is the composite; None without weights.

    Raises:
        ConfigError: a metric without bounds has a weight.
    """
    metrics = found.metrics
    declared = [one.weight for one in metrics.values() if one.weight is not None]
    if len(declared) < len(metrics):
        return None
    panels: list[Panel] = []
    for suite, weight in zip(found.suites, declared, strict=True):
        metric = found.scores(suite)[0].metric
        low, high = metric.scale.low, metric.scale.high
        if not math.isfinite(high - low):
            raise ConfigError(
                f"{suite}: {metric.name} has no bounds, so it has no part in a composite; leave "
                "the weights out, or choose another metric"
            )
        if not found.shared(suite):
            return None
        slope = _sign(found, suite) * weight / sum(declared) / (high - low)
        worst = high if slope < 0 else low
        panels.append(_panel(found, suite, scale=slope, offset=-slope * worst))
    return panels


def scaled(value: float, scale: Scale) -> float | None:
    """Return a value from 0, the metric's worst, to 1, its best; None without bounds."""
    width = scale.high - scale.low
    if not math.isfinite(width) or width == 0:
        return None
    share = (value - scale.low) / width
    return 1 - share if scale.better == "lower" else share


def bound(value: float) -> float | None:
    """Return a finite value, or None."""
    return value if math.isfinite(value) else None


def _column(found: Measurements, suite: str, ranking: Ranking | None, total: float) -> Column:
    scores = found.scores(suite)
    metric, config = scores[0].metric, found.suites[suite].config
    weight = found.metrics[suite].weight
    open_share = openness(ranking.ranks) if ranking else 1.0
    n_groups = ranking.n_groups if ranking else 0
    return Column(
        suite=suite,
        version=config.version,
        language=config.language,
        metric=metric.name,
        signature=most_common(one.metric.signature for one in scores) or metric.signature,
        gold_digest=found.suites[suite].gold_digest,
        template_digest=found.templates[suite],
        n_items=len(scores[0].planned),
        n_groups=n_groups,
        better="lower" if metric.scale.better == "lower" else "higher",
        low=bound(metric.scale.low),
        high=bound(metric.scale.high),
        is_binary=metric.scale.is_binary,
        weight=weight / total if weight is not None else None,
        status=status_of(n_groups, open_share),
        openness=open_share,
        resolution=bound(ranking.resolution) if ranking else None,
    )


def _panel(found: Measurements, suite: str, *, scale: float, offset: float = 0.0) -> Panel:
    ids = found.shared(suite)
    scores = found.scores(suite, found.ranked)
    clusters = {record.id: record.cluster for record in scores[0].planned}
    return Panel(
        stats=np.stack([one.matrix(ids) for one in scores]),
        reduce=scores[0].metric.reduce,
        groups=group_numbers([clusters[gold_id] for gold_id in ids]),
        spread=scores[0].metric.scale.spread,
        scale=scale,
        offset=offset,
    )


def _sign(found: Measurements, suite: str) -> float:
    return -1.0 if found.scores(suite)[0].metric.scale.better == "lower" else 1.0
