"""Geometry of gain against forgetting, with the front of what is not beaten in both."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.compare import Comparison
from harness.pareto import TradeOff, unit
from harness.result import StudyResult
from harness.stats.bootstrap import Interval
from reports import numbers
from reports.axes import Axis, Tick
from reports.charts import colors, flipped
from reports.words import Lang, word

BASELINE_COLOR = 7
Shape = Literal["front", "beaten", "baseline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One configuration's gain and retention, with whiskers."""

    name: str
    color: int
    shape: Shape
    is_on_front: bool
    x: float
    x_low: float
    x_high: float
    y: float
    y_low: float
    y_high: float
    text: str
    is_label_left: bool
    is_label_below: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A straight piece of the line along the front."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Gain on the domain against change elsewhere."""

    x_label: str
    y_label: str
    x_zero: float
    y_zero: float
    margin: tuple[float, float] | None
    """Percent from and to; None without one margin for all retention primaries."""
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[Point, ...]
    front: tuple[Segment, ...]
    """From the point that gains most to the one that keeps most: right angles between them."""


def trade_off_chart(result: StudyResult, lang: Lang) -> Scatter | None:
    """Return gain against retention, or None when the study has not got both."""
    placed = [
        (point, point.gain, point.retention)
        for point in result.trade_offs
        if point.gain is not None and point.retention is not None
    ]
    if len(placed) < 2 or not all(_primaries(result, role) for role in ("domain", "retention")):
        return None
    margin = _margin(result)
    x = _axis([gain for _, gain, _ in placed])
    y = _axis([kept for _, _, kept in placed], margin)
    return Scatter(
        x_label=_label(result, "domain", lang),
        y_label=_label(result, "retention", lang),
        x_zero=x.at(0.0),
        y_zero=100 - y.at(0.0),
        margin=(100 - y.at(0.0), 100 - y.at(-margin)) if margin else None,
        x_ticks=x.ticks(is_signed=True),
        y_ticks=flipped(y.ticks(is_signed=True)),
        points=_points(result, placed, x, y, lang),
        front=_front([(x.at(a.value), 100 - y.at(b.value)) for p, a, b in placed if p.is_on_front]),
    )


def _points(
    result: StudyResult,
    placed: Iterable[tuple[TradeOff, Interval, Interval]],
    x: Axis,
    y: Axis,
    lang: Lang,
) -> tuple[Point, ...]:
    palette = colors(result)
    points: list[Point] = []
    for trade_off, gain, kept in placed:
        at_x, at_y = x.at(gain.value), 100 - y.at(kept.value)
        is_crowded = any(
            abs(point.x - at_x) < 30 and abs(point.y - at_y) < 12 and not point.is_label_below
            for point in points
        )
        is_on_front = bool(trade_off.is_on_front)
        is_baseline = trade_off.configuration == result.baseline
        points.append(
            Point(
                name=trade_off.configuration,
                color=palette.get(trade_off.configuration, BASELINE_COLOR),
                shape="baseline" if is_baseline else "front" if is_on_front else "beaten",
                is_on_front=is_on_front,
                x=at_x,
                x_low=x.at(gain.low),
                x_high=x.at(gain.high),
                y=at_y,
                y_low=100 - y.at(kept.low),
                y_high=100 - y.at(kept.high),
                text=_described(trade_off, gain, kept, lang),
                is_label_left=at_x > 70,
                is_label_below=is_crowded,
            )
        )
    return tuple(points)


def _described(point: TradeOff, gain: Interval, kept: Interval, lang: Lang) -> str:
    lines = [
        point.configuration,
        f"{word(lang, 'domain_gain')} {change(gain)}",
        f"{word(lang, 'worst_retention')} {change(kept)}" + f" ({point.worst})" * bool(point.worst),
        f"{numbers.duration(point.seconds)}, {numbers.gibibytes(point.peak_bytes or 0)}",
        word(lang, "on_front" if point.is_on_front else "beaten"),
    ]
    return "\n".join(lines)


def change(found: Interval | None) -> str:
    """Format a change as a share of the metric's range."""
    if found is None:
        return "–"
    return f"{numbers.signed(found.value, '')} {numbers.signed_interval(found, '')}"


def _front(points: Sequence[tuple[float, float]]) -> tuple[Segment, ...]:
    """Join points of the front by steps: what lies left of and below them is beaten."""
    ordered = sorted(points)
    segments: list[Segment] = []
    for (x1, y1), (x2, y2) in itertools.pairwise(ordered):
        segments += [Segment(x1=x1, y1=y1, x2=x1, y2=y2), Segment(x1=x1, y1=y2, x2=x2, y2=y2)]
    return tuple(segments)


def _axis(changes: Sequence[Interval], margin: float = 0.0) -> Axis:
    """Span all intervals, zero and the margin."""
    bounds = [0.0, -margin]
    for found in changes:
        bounds += [found.low, found.high]
    low, high = min(bounds), max(bounds)
    room = 0.12 * (high - low or 1.0)
    return Axis(low=low - room, high=high + room)


def _primaries(result: StudyResult, role: str) -> list[Comparison]:
    """Return one comparison for each primary of a role."""
    roles = {suite.name: suite.role for suite in result.suites}
    found = [c for c in result.comparisons if c.is_primary and roles[c.suite] == role]
    return list({(c.suite, c.metric): c for c in found}.values())


def _margin(result: StudyResult) -> float:
    """Return the margin of the retention primaries as a share of the range; 0 if they differ."""
    margins = {
        round(c.margin / width, 9) if width else 0.0
        for c in _primaries(result, "retention")
        for width in [unit(c)]
    }
    return margins.pop() if len(margins) == 1 else 0.0


def _label(result: StudyResult, role: str, lang: Lang) -> str:
    primaries = _primaries(result, role)
    if len(primaries) > 1:
        return word(lang, f"{role}_axis", n=len(primaries))
    (c,) = primaries
    return f"{c.suite} · {c.metric}{' ↓' if c.better == 'lower' else ''}"
