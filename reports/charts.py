"""Geometry of the charts; templates/charts.html.jinja draws them.

Positions are percentages of the drawing area, so that a chart fits any width while its text and
strokes keep their size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.compare import Comparison, Verdict
from harness.result import StudyResult
from reports import numbers
from reports.axes import Axis, Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """One configuration's difference with its interval."""

    name: str
    color: int
    at: float
    low: float
    high: float
    text: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """The differences of all configurations on one metric of one suite; right is better."""

    suite: str
    metric: str
    role: str
    n: int
    is_reversed: bool
    """Whether the axis runs backwards, because lower values are better."""
    zero: float
    margin: tuple[float, float] | None
    """Percent from and to; None without a margin."""
    ticks: tuple[Tick, ...]
    rows: tuple[Whisker, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One configuration's two differences, with whiskers."""

    name: str
    color: int
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
class Scatter:
    """Gain on the domain against change elsewhere."""

    x_label: str
    y_label: str
    x_zero: float
    y_zero: float
    margin: tuple[float, float] | None
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One configuration's loss by epoch."""

    name: str
    color: int
    points: tuple[tuple[float, float, str], ...]
    """(x, y, text)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Held-out loss by epoch."""

    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]


def colors(result: StudyResult) -> dict[str, int]:
    """Return a colour number for every configuration; the baseline has none."""
    names = [variant.name for variant in result.variants if variant.name != result.baseline]
    return {name: i % 8 for i, name in enumerate(names)}


def forests(result: StudyResult, *, primary_only: bool = True) -> tuple[Forest, ...]:
    """Return a panel for each metric, in the study's order."""
    chosen = [c for c in result.comparisons if c.is_primary or not primary_only]
    keys = dict.fromkeys((c.suite, c.metric) for c in chosen)
    return tuple(_forest(result, [c for c in chosen if (c.suite, c.metric) == key]) for key in keys)


def tradeoff(result: StudyResult) -> Scatter | None:
    """Return the first domain primary against the first retention primary, if there are both."""
    roles = {suite.name: suite.role for suite in result.suites}
    primaries = [c for c in result.comparisons if c.is_primary]
    domain = next((c for c in primaries if roles[c.suite] == "domain"), None)
    retention = next((c for c in primaries if roles[c.suite] == "retention"), None)
    if domain is None or retention is None:
        return None
    xs = {c.configuration: c for c in primaries if _key(c) == _key(domain)}
    ys = {c.configuration: c for c in primaries if _key(c) == _key(retention)}
    names = [name for name in xs if name in ys]
    x = _axis([xs[name] for name in names], pad=0.12)
    y = _axis([ys[name] for name in names], pad=0.12)
    return Scatter(
        x_label=_label(domain),
        y_label=_label(retention),
        x_zero=x.at(0.0),
        y_zero=100 - y.at(0.0),
        margin=_margin_band(retention, y, is_flipped=True),
        x_ticks=x.ticks(is_signed=True),
        y_ticks=_flipped(y.ticks(is_signed=True)),
        points=_points(result, [(name, xs[name], ys[name]) for name in names], x, y),
    )


def heldout_losses(result: StudyResult) -> Lines | None:
    """Return the loss curves of the trained configurations, or None when there is none."""
    curves = {
        variant.name: sorted((float(epoch), loss) for epoch, loss in variant.heldout_loss.items())
        for variant in result.variants
        if variant.heldout_loss
    }
    values = [pair for curve in curves.values() for pair in curve]
    if not values:
        return None
    x = Axis(low=-0.35, high=max(max(epoch for epoch, _ in values), 1.0) + 0.15)
    low, high = min(loss for _, loss in values), max(loss for _, loss in values)
    pad = 0.1 * (high - low or 1.0)
    y = Axis(low=max(0.0, low - pad), high=high + pad)
    palette = colors(result)
    lines = tuple(
        Line(
            name=name,
            color=palette.get(name, 7),
            points=tuple(
                (x.at(epoch), 100 - y.at(loss), f"{name}: {loss:.3f} ({epoch:g})")
                for epoch, loss in curve
            ),
        )
        for name, curve in curves.items()
    )
    last = int(x.high)
    every = max(1, last // 8)
    epochs = tuple(Tick(at=x.at(i), label=str(i)) for i in range(0, last + 1, every))
    return Lines(x_ticks=epochs, y_ticks=_flipped(y.ticks(4)), lines=lines)


def _forest(result: StudyResult, group: Sequence[Comparison]) -> Forest:
    first = group[0]
    axis = _axis(group, pad=0.06)
    palette = colors(result)
    return Forest(
        suite=first.suite,
        metric=first.metric,
        role=next(suite.role for suite in result.suites if suite.name == first.suite),
        n=first.n,
        is_reversed=axis.is_reversed,
        zero=axis.at(0.0),
        margin=_margin_band(first, axis, is_flipped=False),
        ticks=axis.ticks(is_signed=True),
        rows=tuple(
            Whisker(
                name=c.configuration,
                color=palette[c.configuration],
                at=axis.at(c.difference.value),
                low=axis.at(c.difference.low),
                high=axis.at(c.difference.high),
                text=_described(c),
                verdict=c.verdict,
            )
            for c in group
        ),
    )


def _points(
    result: StudyResult, pairs: Iterable[tuple[str, Comparison, Comparison]], x: Axis, y: Axis
) -> tuple[Point, ...]:
    palette = colors(result)
    placed: list[Point] = []
    for name, over, up in pairs:
        at_x, at_y = x.at(over.difference.value), 100 - y.at(up.difference.value)
        is_crowded = any(
            abs(point.x - at_x) < 30 and abs(point.y - at_y) < 12 and not point.is_label_below
            for point in placed
        )
        placed.append(
            Point(
                name=name,
                color=palette[name],
                x=at_x,
                x_low=x.at(over.difference.low),
                x_high=x.at(over.difference.high),
                y=at_y,
                y_low=100 - y.at(up.difference.low),
                y_high=100 - y.at(up.difference.high),
                text=f"{name}\n{over.suite}: {_described(over)}\n{up.suite}: {_described(up)}",
                is_label_left=at_x > 70,
                is_label_below=is_crowded,
            )
        )
    return tuple(placed)


def _described(c: Comparison) -> str:
    difference = c.difference
    bounds = numbers.signed_interval(difference, c.metric)
    return f"{c.metric} {numbers.signed(difference.value, c.metric)} {bounds}"


def _axis(group: Sequence[Comparison], *, pad: float) -> Axis:
    """Span all intervals, zero and the margins, with the better side at 100 percent."""
    bounds = [0.0]
    for c in group:
        bounds += [c.difference.low, c.difference.high, _worst(c)]
    low, high = min(bounds), max(bounds)
    room = pad * (high - low or 1.0)
    return Axis(low=low - room, high=high + room, is_reversed=group[0].better == "lower")


def _worst(c: Comparison) -> float:
    """Return the difference at which "no worse" ends."""
    return c.margin if c.better == "lower" else -c.margin


def _margin_band(c: Comparison, axis: Axis, *, is_flipped: bool) -> tuple[float, float] | None:
    if c.margin <= 0:
        return None
    low, high = axis.at(_worst(c)), axis.at(0.0)
    return (100 - high, 100 - low) if is_flipped else (low, high)


def _label(c: Comparison) -> str:
    return f"{c.suite} · {c.metric}{' ↓' if c.better == 'lower' else ''}"


def _flipped(ticks: Iterable[Tick]) -> tuple[Tick, ...]:
    """Turn upwards into SVG's downwards."""
    return tuple(Tick(at=100 - tick.at, label=tick.label) for tick in ticks)


def _key(c: Comparison) -> tuple[str, str]:
    return c.suite, c.metric
