"""`tunemark annotate status`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from harness.cli.annotate_new import summary_lines
from harness.cli.annotate_options import database_option, opened
from harness.cli.options import json_option, print_json, root_option


@click.command()
@click.argument("name", metavar="[SESSION]", required=False)
@database_option
@root_option
@json_option
def status(name: str | None, place: str | None, root: Path, as_json: bool) -> None:
    """Show how far a session is, by rater, and what is odd; without SESSION list all."""
    with opened(place, root) as database:
        from harness.annotation.flags import flags
        from harness.annotation.progress import session_progress
        from harness.annotation.setup import session_names

        names = [name] if name else session_names(database)
        found = [(session_progress(database, one), flags(database, one)) for one in names]
    if as_json:
        print_json(
            [{**asdict(progress), "flags": list(map(asdict, odd))} for progress, odd in found]
        )
        return
    from harness.cli.tables import plain_table

    for progress, odd in found:
        click.echo("\n".join(summary_lines(progress.summary)))
        click.echo(
            f"  {progress.n_ratings} of {progress.n_wanted} ratings, "
            f"{progress.n_complete} items complete"
        )
        rows = [
            {
                "rater": one.handle,
                "rated": one.n_submitted,
                "open": one.n_open,
                "skipped": one.n_skipped,
                "surplus": one.n_surplus,
                "seconds": one.median_seconds,
                "last": f"{one.last_at:%Y-%m-%d %H:%M} UTC" if one.last_at else "",
            }
            for one in progress.raters
        ]
        if rows:
            click.echo(plain_table(list(rows[0]), rows), nl=False)
        for flag in odd:
            click.echo(f"  {'!' if flag.is_serious else '·'} {flag.handle}: {flag.text}")
        for fault in progress.faults:
            click.echo(f"  DAMAGED: {fault}")
