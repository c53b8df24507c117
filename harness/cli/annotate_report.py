"""`tunemark annotate report`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from harness.cli.annotate_options import database_option, opened
from harness.cli.options import json_option, print_json, root_option


@click.command()
@click.argument("name", metavar="SESSION")
@database_option
@root_option
@json_option
def report(name: str, place: str | None, root: Path, as_json: bool) -> None:
    """Show counts and how far raters agree; values by run once the session is unblinded."""
    with opened(place, root) as database:
        from harness.annotation.export.datasheet import datasheet
        from harness.annotation.report import session_report

        if as_json:
            print_json(asdict(session_report(database, name)))
            return
        text, runs = datasheet(database, name), session_report(database, name).runs
    click.echo(text, nl=False)
    if not runs:
        return
    from harness.cli.tables import plain_table

    rows = [
        {
            "run": one.run,
            **one.means,
            "wins": one.wins,
            "ties": one.ties,
            "losses": one.losses,
            "both bad": one.both_bad,
            "critical": one.n_critical,
        }
        for one in runs
    ]
    click.echo("\n## By run (means; intervals: `tunemark compare` with the metric `human`)")
    click.echo(plain_table(list(rows[0]), rows), nl=False)
