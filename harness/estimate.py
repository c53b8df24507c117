"""A run's value on each metric, with its interval and how it was found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.metrics.base import Scale
from harness.scoring import Scores
from harness.stats.bootstrap import Interval
from harness.stats.caution import cautions, share_cautions
from harness.stats.estimate import Part, bootstrap
from harness.stats.resample import group_numbers
from harness.stats.tests import wilson

WILSON = "Wilson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One metric on one run."""

    scores: Scores
    interval: Interval | None
    """Value with its 95 % interval; None when nothing is scored."""
    method: str
    n_groups: int
    """Independent units: items, or clusters of items."""

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to know before relying on the interval, one sentence each."""
        n = len(self.scores.stats)
        if self.method == WILSON:
            return share_cautions(n_right=round(sum(self.scores.item_scores().values())), n=n)
        if self.n_groups < 2:
            return ()
        is_bounded = self.scores.metric.scale.spread > 0
        return cautions(n_groups=self.n_groups, n_items=n, is_bounded=is_bounded)

    def as_row(self) -> dict[str, object]:
        """Return what a table and --json show."""
        scale = self.scores.metric.scale
        interval = self.interval
        return {
            "metric": self.scores.metric.name,
            "value": interval.value if interval else None,
            "low": _finite(interval.low) if interval else None,
            "high": _finite(interval.high) if interval else None,
            "n": len(self.scores.stats),
            "n_groups": self.n_groups,
            "coverage": self.scores.coverage,
            "not_extracted": len(self.scores.not_extracted),
            "better": scale.better,
            "method": self.method,
            "cautions": list(self.cautions),
            "signature": self.scores.metric.signature,
        }


def estimate_all(found: Sequence[Scores], *, seed: int = 12345) -> list[Estimate]:
    """Return the estimates of several metrics; those on the same items share their draws.

    Wilson's interval for binary metrics on independent items, otherwise the bootstrap, over
    clusters where the gold set declares them.
    """
    result: dict[int, Estimate] = {}
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, scores in enumerate(found):
        groups = _groups(scores)
        n_groups = len(set(groups))
        if not scores.stats:
            result[number] = Estimate(scores=scores, interval=None, method="", n_groups=0)
        elif n_groups < 2 and not scores.metric.scale.is_binary:
            result[number] = _alone(scores)
        elif scores.metric.scale.is_binary and n_groups == len(groups):
            right = round(sum(scores.item_scores().values()))
            interval = wilson(right, len(groups))
            result[number] = Estimate(
                scores=scores, interval=interval, method=WILSON, n_groups=n_groups
            )
        else:
            alike.setdefault(tuple(scores.stats), []).append(number)
    for ids, numbers in alike.items():
        groups = _groups(found[numbers[0]])
        parts = [_part(found[i], ids) for i in numbers]
        n_groups = len(set(groups))
        for i, interval in zip(numbers, bootstrap(parts, groups=groups, seed=seed), strict=True):
            result[i] = Estimate(
                scores=found[i],
                interval=_within(interval, found[i].metric.scale),
                method=_method(n_groups, len(groups)),
                n_groups=n_groups,
            )
    return [result[number] for number in range(len(found))]


def _alone(scores: Scores) -> Estimate:
    """Return the value of one independent unit: nothing tells how much another would differ."""
    value = scores.value()
    assert value is not None, f"{scores.metric.name} has no scored item"
    scale = scores.metric.scale
    interval = Interval(value=value, low=min(scale.low, value), high=max(scale.high, value))
    return Estimate(scores=scores, interval=interval, method="the metric's range", n_groups=1)


def _part(scores: Scores, ids: Sequence[str]) -> Part:
    metric = scores.metric
    return Part(stats=scores.matrix(list(ids)), reduce=metric.reduce, spread=metric.scale.spread)


def _within(interval: Interval, scale: Scale) -> Interval:
    """Cut an interval at the ends of the metric's range, of which the bootstrap knows nothing."""
    return replace(
        interval,
        low=max(interval.low, min(scale.low, interval.value)),
        high=min(interval.high, max(scale.high, interval.value)),
    )


def _groups(scores: Scores) -> list[int]:
    return group_numbers([r.cluster for r in scores.planned if r.id in scores.stats])


def _method(n_groups: int, n: int) -> str:
    return "bootstrap, clustered" if n_groups < n else "bootstrap"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
