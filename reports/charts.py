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
    return {name: i % 8 for i, name in enumerate(result.configurations)}


def forests(result: StudyResult, *, primary_only: bool = True) -> tuple[Forest, ...]:
    """Return a panel for each metric, in the study's order."""
    chosen = [c for c in result.comparisons if c.is_primary or not primary_only]
    keys = dict.fromkeys((c.suite, c.metric) for c in chosen)
    return tuple(_forest(result, [c for c in chosen if (c.suite, c.metric) == key]) for key in keys)


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
    owners = {variant.name: variant.configuration for variant in result.variants}
    lines = tuple(
        Line(
            name=name,
            color=palette.get(owners[name], 7),
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
    return Lines(x_ticks=epochs, y_ticks=flipped(y.ticks(4)), lines=lines)


def flipped(ticks: Iterable[Tick]) -> tuple[Tick, ...]:
    """Turn upwards into SVG's downwards."""
    return tuple(Tick(at=100 - tick.at, label=tick.label) for tick in ticks)


def _forest(result: StudyResult, group: Sequence[Comparison]) -> Forest:
    first = group[0]
    axis = _axis(group)
    palette = colors(result)
    return Forest(
        suite=first.suite,
        metric=first.metric,
        role=next(suite.role for suite in result.suites if suite.name == first.suite),
        n=first.n,
        is_reversed=axis.is_reversed,
        zero=axis.at(0.0),
        margin=_margin_band(first, axis),
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


def _described(c: Comparison) -> str:
    difference = c.difference
    bounds = numbers.signed_interval(difference, c.metric)
    return f"{c.metric} {numbers.signed(difference.value, c.metric)} {bounds}"


def _axis(group: Sequence[Comparison]) -> Axis:
    """Span all intervals, zero and the margins, with the better side at 100 percent."""
    bounds = [0.0]
    for c in group:
        bounds += [c.difference.low, c.difference.high, _worst(c)]
    low, high = min(bounds), max(bounds)
    room = 0.06 * (high - low or 1.0)
    return Axis(low=low - room, high=high + room, is_reversed=group[0].better == "lower")


def _worst(c: Comparison) -> float:
    """Return the difference at which "no worse" ends."""
    return c.margin if c.better == "lower" else -c.margin


def _margin_band(c: Comparison, axis: Axis) -> tuple[float, float] | None:
    return (axis.at(_worst(c)), axis.at(0.0)) if c.margin > 0 else None
