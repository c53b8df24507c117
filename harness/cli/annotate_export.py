"""`tunemark annotate export`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.annotate_options import database_option, opened
from harness.cli.options import root_option, say

if TYPE_CHECKING:
    from harness.annotation.database import Database
    from harness.annotation.export.rows import SessionExport

FORMATS = (
    "jsonl", "csv", "parquet", "dpo", "gold-patch", "label-studio",
    "label-studio-interface", "argilla", "datasheet",
)  # fmt: skip


@click.command()
@click.argument("name", metavar="SESSION")
@click.option("--format", "form", type=click.Choice(FORMATS), default="jsonl", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="File; by default stdout.")
@click.option(
    "--beside-runs",
    is_flag=True,
    help="Write JSON Lines into the run folders, where the metric `human` reads them.",
)
@click.option(
    "--min-raters", type=click.IntRange(min=1), default=1, show_default=True, help="For dpo."
)
@database_option
@root_option
def export(
    name: str,
    form: str,
    out: Path | None,
    beside_runs: bool,
    min_raters: int,
    place: str | None,
    root: Path,
) -> None:
    """Write the ratings of SESSION; runs are named only once it is unblinded."""
    from harness.errors import InputError

    with opened(place, root) as database:
        from harness.annotation.export.rows import export_session

        whole = export_session(database, name)
        if not whole.is_unblinded:
            say(f"{name} is blind: runs are not named; close and unblind it first for that")
        if beside_runs:
            _beside(whole, root)
            return
        if form == "parquet":
            from harness.annotation.export.tables import parquet

            if out is None:
                raise InputError("Parquet needs --out FILE")
            parquet(whole, out)
            say(f"{out}: {len(whole.rows)} rows")
            return
        text = _writers(database, whole, min_raters)[form]()
    if out is None:
        click.echo(text, nl=False)
        return
    from harness.store import write_text

    write_text(out, text)
    say(f"{out}: written")


def _beside(whole: SessionExport, root: Path) -> None:
    from harness.annotation.errors import SessionStateError
    from harness.annotation.export.tables import write_beside_runs

    if not whole.is_unblinded:
        raise SessionStateError("ratings beside a run tell which run it is; unblind first")
    for file in write_beside_runs(whole, root):
        say(f"{file}: written")


def _writers(
    database: Database, whole: SessionExport, min_raters: int
) -> dict[str, Callable[[], str]]:
    from harness.annotation.export import argilla, datasheet, label_studio, tables, training

    return {
        "jsonl": lambda: tables.jsonl(whole),
        "csv": lambda: tables.csv_text(whole),
        "dpo": lambda: _lines(training.preference_pairs(whole, at_least=min_raters)),
        "gold-patch": lambda: _lines(training.gold_patch(database, whole.name)),
        "label-studio": lambda: _whole(label_studio.label_studio(whole)),
        "label-studio-interface": lambda: label_studio.interface(whole),
        "argilla": lambda: _whole(argilla.argilla(whole)),
        "datasheet": lambda: datasheet.datasheet(database, whole.name),
    }


def _lines(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _whole(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
