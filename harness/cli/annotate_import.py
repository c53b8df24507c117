"""`tunemark annotate import`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.annotate_options import actor, database_option, opened
from harness.cli.options import root_option

FORMATS = ("jsonl", "csv", "parquet", "label-studio", "argilla")


@click.command(name="import")
@click.argument("name", metavar="SESSION")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="By default by the file's ending."
)
@database_option
@root_option
def import_ratings(name: str, file: Path, form: Any, place: str | None, root: Path) -> None:
    """Take in ratings of SESSION's items that were made elsewhere; twice changes nothing."""
    from harness.errors import InputError

    endings = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}
    chosen: Any = form or endings.get(file.suffix)
    if chosen is None:
        raise InputError(f"{file}: say which --format this is: {', '.join(FORMATS)}")
    with opened(place, root) as database:
        from harness.annotation.elsewhere import read_elsewhere
        from harness.annotation.take_in import take_in

        ratings = read_elsewhere(file, chosen)
        done = take_in(database, name, ratings, form=chosen, actor=actor())
    click.echo(
        f"{name}: {done.n_new} ratings taken in from {len(done.raters)} raters; "
        f"{done.n_known} were there already"
    )
