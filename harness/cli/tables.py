"""Plain tables on stdout."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from harness.metrics.classify import Confusion
    from harness.stats.bootstrap import Interval

GOLD_BY_PREDICTED = "gold \\ predicted"
"""Head of a confusion matrix's first column."""
NO_ANSWER = "no answer found"
"""Column of the items in whose text the extraction found nothing; only shown where there are."""


def no_answer(rows: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Return rows with that column, such as "12 of 128"; with `not_extracted` 0 it stays empty."""
    return [
        {**row, NO_ANSWER: f"{row['not_extracted']} of {row['n']}"} if row["not_extracted"] else row
        for row in rows
    ]


def plain_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as a text table; numbers are right-aligned, values have four digits."""
    columns = [name for name in columns if name != NO_ANSWER or any(name in row for row in rows)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        is_number = bool(rows) and isinstance(rows[0].get(column), int | float)
        table.add_column(column, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(_shown(row.get(column)) for column in columns))
    # In a file or a pipe nothing is cut to a terminal's width.
    console = Console() if sys.stdout.isatty() else Console(width=240)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def confusion_table(matrix: Confusion) -> str:
    """Return a confusion matrix as a text table: gold classes down, predicted ones across."""
    columns = (GOLD_BY_PREDICTED, *matrix.labels, "(none)")
    rows = [
        dict(zip(columns, (label, *counts), strict=True))
        for label, counts in zip(matrix.labels, matrix.counts, strict=True)
    ]
    return plain_table(columns, rows)


def whiskers(intervals: Sequence[Interval], *, width: int = 24) -> list[str]:
    """Draw intervals on one common scale, such as `├──●──┤`, each `width` characters long."""
    low = min(interval.low for interval in intervals)
    high = max(interval.high for interval in intervals)
    step = (high - low) / (width - 1) or 1.0
    drawn: list[str] = []
    for interval in intervals:
        start, middle, end = (
            round((at - low) / step) for at in (interval.low, interval.value, interval.high)
        )
        cells = [" "] * start + ["─"] * (end - start + 1) + [" "] * (width - end - 1)
        cells[start], cells[end], cells[middle] = "├", "┤", "●"
        drawn.append("".join(cells))
    return drawn


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
