"""What each configuration gains against what it costs, and which are not beaten in everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.compare import Comparison
from harness.stats.bootstrap import Interval
from harness.study_config import Role
from harness.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one training and one evaluation of a configuration took."""

    seconds: float | None
    """None: not known, as for an adapter made elsewhere."""
    peak_bytes: int | None


class TradeOff(Record):
    """One configuration, or the baseline: what it gains, what it loses, what it costs.

    Changes are shares of the metric's range, so that several metrics can be put together and
    −0.05 always is a twentieth of the scale; for a metric without a range (perplexity) they are
    shares of the baseline's value. Above zero is better, also where the metric is lower.
    """

    configuration: str
    gain: Interval | None
    """Mean change on the domain's primaries. Its ends are the means of their intervals' ends: at
    least as wide as the interval of the mean, however they hang together."""
    retention: Interval | None
    """Change on that retention primary which lost most, with its interval."""
    worst: str | None
    """Suite and metric of that primary."""
    seconds: float | None
    """Training and evaluation; of one seed where there are several."""
    peak_bytes: int | None
    """Most memory in training or evaluation."""
    is_on_front: bool | None
    """Whether none is at least as good in gain and retention, and better in one of them; None
    where a primary was not measured."""
    is_on_full_front: bool | None
    """The same with seconds and memory too; None where these are not known."""


def trade_offs(
    comparisons: Sequence[Comparison],
    roles: Mapping[str, Role],
    costs: Mapping[str, Cost],
    *,
    baseline: str,
) -> tuple[TradeOff, ...]:
    """Return a point for the baseline and for every configuration that has a primary.

    Fronts go by the estimates; intervals tell how much chance there is in a place on one.

    Args:
        comparisons: Of the study, all with one baseline.
        roles: By suite.
        costs: By configuration, the baseline included.
        baseline: Its name; it gains and loses nothing.
    """
    primaries = [c for c in comparisons if c.is_primary]
    if not primaries:
        return ()
    keys = {role: _keys(primaries, roles, role) for role in ("domain", "retention")}
    none = Interval(value=0.0, low=0.0, high=0.0)
    points = [
        _Point(
            name=baseline,
            gain=none if keys["domain"] else None,
            retention=none if keys["retention"] else None,
            worst=None,
            cost=costs[baseline],
        )
    ]
    for name in dict.fromkeys(c.configuration for c in primaries):
        changes = {(c.suite, c.metric): relative(c) for c in primaries if c.configuration == name}
        domain = [changes.get(key) for key in keys["domain"]]
        kept = {key: changes.get(key) for key in keys["retention"]}
        worst = min(
            (key for key, change in kept.items() if change),
            key=lambda key: _value(kept[key]),
            default=None,
        )
        points.append(
            _Point(
                name=name,
                gain=_mean(domain),
                retention=kept[worst] if worst and None not in kept.values() else None,
                worst=" ".join(worst) if worst else None,
                cost=costs[name],
            )
        )
    fronts = _fronts(points, keys, with_cost=False)
    full_fronts = _fronts(points, keys, with_cost=True)
    return tuple(
        TradeOff(
            configuration=point.name,
            gain=point.gain,
            retention=point.retention,
            worst=point.worst,
            seconds=point.cost.seconds,
            peak_bytes=point.cost.peak_bytes,
            is_on_front=is_on_front,
            is_on_full_front=is_on_full_front,
        )
        for point, is_on_front, is_on_full_front in zip(points, fronts, full_fronts, strict=True)
    )


def relative(c: Comparison) -> Interval | None:
    """Return a difference as a share of the metric's range, above zero where it is better.

    Of the baseline's value where the metric has no range; None where that is zero.
    """
    width = unit(c)
    if not width:
        return None
    d = c.difference
    if c.better == "lower":
        return Interval(value=-d.value / width, low=-d.high / width, high=-d.low / width)
    return Interval(value=d.value / width, low=d.low / width, high=d.high / width)


def unit(c: Comparison) -> float:
    """Return what a change is divided by: the metric's range, else the baseline's value."""
    low, high = c.lowest, c.highest
    return abs(c.before.value) if low is None or high is None else high - low


def front(points: Sequence[Sequence[float]]) -> list[bool]:
    """Return for each point, higher being better on every axis, whether no other dominates it.

    One dominates another that it equals or exceeds everywhere and exceeds somewhere; so equal
    points are on the front together.
    """
    return [not any(_dominates(other, point) for other in points) for point in points]


Key = tuple[str, str]
"""Suite and metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    name: str
    gain: Interval | None
    retention: Interval | None
    worst: str | None
    cost: Cost

    def axes(self, keys: Mapping[str, Sequence[Key]], *, with_cost: bool) -> list[float] | None:
        """Return the coordinates, higher better; None where one that the others have is missing."""
        found: list[float | None] = []
        if keys["domain"]:
            found.append(self.gain.value if self.gain else None)
        if keys["retention"]:
            found.append(self.retention.value if self.retention else None)
        if with_cost:
            costs = (self.cost.seconds, self.cost.peak_bytes)
            found += [None if cost is None else -float(cost) for cost in costs]
        known = [value for value in found if value is not None]
        return known if len(known) == len(found) else None


def _fronts(
    points: Sequence[_Point], keys: Mapping[str, Sequence[Key]], *, with_cost: bool
) -> list[bool | None]:
    axes = [point.axes(keys, with_cost=with_cost) for point in points]
    found = iter(front([own for own in axes if own is not None]))
    return [None if own is None else next(found) for own in axes]


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def _keys(primaries: Sequence[Comparison], roles: Mapping[str, Role], role: str) -> list[Key]:
    return list(dict.fromkeys((c.suite, c.metric) for c in primaries if roles[c.suite] == role))


def _mean(changes: Sequence[Interval | None]) -> Interval | None:
    known = [change for change in changes if change is not None]
    if not known or len(known) < len(changes):
        return None
    n = len(known)
    return Interval(
        value=sum(change.value for change in known) / n,
        low=sum(change.low for change in known) / n,
        high=sum(change.high for change in known) / n,
    )


def _value(change: Interval | None) -> float:
    return change.value if change else 0.0
