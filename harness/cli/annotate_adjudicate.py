"""`tunemark annotate adjudicate`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from harness.cli.annotate_options import database_option, opened
from harness.cli.options import json_option, print_json, root_option


@click.command()
@click.argument("name", metavar="SESSION")
@click.option("--all", "shows_all", is_flag=True, help="Those that are decided, too.")
@database_option
@root_option
@json_option
def adjudicate(name: str, shows_all: bool, place: str | None, root: Path, as_json: bool) -> None:
    """List the items that raters disagree on, the worst first, without who said what."""
    with opened(place, root) as database:
        from harness.annotation.adjudicate import disputes

        found = [one for one in disputes(database, name) if shows_all or not one.is_decided]
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        state = " (decided)" if one.is_decided else ""
        click.echo(f"{one.item}{state}: {'; '.join(one.reasons) or 'ratings are hidden'}")
        click.echo(f"  {one.prompt.strip().splitlines()[0][:100] if one.prompt.strip() else ''}")
    click.echo(f"{len(found)} items to decide" if found else "Nothing to decide.")
