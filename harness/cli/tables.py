"""Plain tables on stdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table


def plain_table(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as a text table; numbers are right-aligned, values have four digits."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        is_number = bool(rows) and isinstance(rows[0].get(column), int | float)
        table.add_column(column, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(_shown(row.get(column)) for column in columns))
    console = Console()
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
