"""Tables of a sweep for the terminal: the choice confirmed, trade-offs, training seeds."""

from __future__ import annotations

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from harness.advice import Confirmation
from harness.compare import Comparison
from harness.result import StudyResult
from reports import numbers
from reports.scatter import change
from reports.tables import chosen_comparison, primary_noise
from reports.words import SYMBOLS

ON_FRONT = "◆"
TRADE_OFF_LEGEND = (
    f"{ON_FRONT} front: nothing else is at least as good in gain and retention and better in one; "
    "with costs:\nin time and memory too. Changes are shares of the metric's range (of the "
    "baseline's value where it\nhas none), above zero better; worst retention is the primary that "
    "lost most."
)
CONFIRMED_LEGEND = (
    "The tables above use all items, those that chose as well: there the chosen one is flattered."
)
NOISE_LEGEND = (
    "What the seed of training alone changes. The intervals above are about the items, for these "
    "seeds."
)


def confirmation_table(confirmation: Confirmation) -> list[RenderableType]:
    """Return what the items that chose and the items kept apart say of the chosen one."""
    if confirmation.chosen is None:
        return []
    table = _table(
        f"{confirmation.chosen}, chosen among {confirmation.n_configurations} and "
        f"{'confirmed' if confirmation.is_confirmed else 'NOT confirmed'}",
        "primary", "n", "where it was chosen [95 %]", "n", "on the items kept apart [95 %]",
        "verdict there",
    )  # fmt: skip
    for c in confirmation.confirmed:
        before = chosen_comparison(confirmation, c)
        table.add_row(
            f"{c.suite} {c.metric}",
            str(before.n),
            _difference(before),
            str(c.n),
            _difference(c),
            f"{SYMBOLS[c.verdict]} {c.verdict}",
        )
    return [table, Text(f"{CONFIRMED_LEGEND}\n", style="dim")]


def trade_off_table(result: StudyResult) -> list[RenderableType]:
    """Return gains against losses and costs, one configuration a row."""
    points = result.trade_offs
    if len(points) < 2:
        return []
    worst = {point.worst for point in points if point.worst}
    table = _table(
        "Trade-offs",
        "configuration", "domain gain [95 %]", "worst retention [95 %]", "time", "memory", "front",
        "with costs", *(["retention"] if len(worst) > 1 else []),
    )  # fmt: skip
    for point in points:
        is_baseline = point.configuration == result.baseline
        table.add_row(
            point.configuration,
            "" if is_baseline else change(point.gain),
            "" if is_baseline else change(point.retention),
            numbers.duration(point.seconds),
            numbers.gibibytes(point.peak_bytes or 0),
            _mark(point.is_on_front),
            _mark(point.is_on_full_front),
            *([point.worst or ""] if len(worst) > 1 else []),
        )
    return [table, Text(f"{TRADE_OFF_LEGEND}\n", style="dim")]


def noise_table(result: StudyResult) -> list[RenderableType]:
    """Return how far training seeds lie apart on the primaries."""
    floors = primary_noise(result)
    if not floors:
        return []
    table = _table(
        "Training seeds", "configuration", "primary", "mean", "deviation", "range", "by seed"
    )
    for floor in floors:
        table.add_row(
            floor.configuration,
            f"{floor.suite} {floor.metric}",
            numbers.value(floor.mean, floor.metric),
            numbers.value(floor.deviation, floor.metric),
            f"{numbers.value(min(floor.values), floor.metric)} – "
            f"{numbers.value(max(floor.values), floor.metric)}",
            ", ".join(
                f"{seed}: {numbers.value(value, floor.metric)}"
                for seed, value in zip(floor.seeds, floor.values, strict=True)
            ),
        )
    return [table, Text(f"{NOISE_LEGEND}\n", style="dim")]


def _difference(c: Comparison) -> str:
    value = numbers.signed(c.difference.value, c.metric)
    return f"{value} {numbers.signed_interval(c.difference, c.metric)}"


def _mark(is_on_front: bool | None) -> str:
    return "–" if is_on_front is None else ON_FRONT if is_on_front else ""


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        is_figure = column == "n" or "[95 %]" in column or column in {"mean", "deviation"}
        table.add_column(
            column, no_wrap=number == 0 or is_figure, justify="right" if is_figure else "left"
        )
    return table
