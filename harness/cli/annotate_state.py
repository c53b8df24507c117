"""`tunemark annotate open`, `pause`, `close` and `unblind`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from harness.cli.annotate_options import actor, database_option, opened
from harness.cli.options import root_option

SAID = {
    "open": "is open: invite raters with `tunemark annotate invite {name} HANDLE`",
    "paused": "is paused: no items are given out; what raters have in hand is still taken",
    "closed": "is closed: no more ratings are taken; `tunemark annotate unblind {name}` names runs",
}


@click.command(name="open")
@click.argument("name", metavar="SESSION")
@database_option
@root_option
def open_session(name: str, place: str | None, root: Path) -> None:
    """Let raters begin, or go on after a pause."""
    _change(name, "open", place, root)


@click.command()
@click.argument("name", metavar="SESSION")
@database_option
@root_option
def pause(name: str, place: str | None, root: Path) -> None:
    """Give out no items for a while; what raters have in hand is still taken."""
    _change(name, "paused", place, root)


@click.command()
@click.argument("name", metavar="SESSION")
@database_option
@root_option
def close(name: str, place: str | None, root: Path) -> None:
    """Take no more ratings; a session that is not unblinded can be opened again."""
    _change(name, "closed", place, root)


@click.command()
@click.argument("name", metavar="SESSION")
@database_option
@root_option
def unblind(name: str, place: str | None, root: Path) -> None:
    """Name the runs in reports and exports: only of a closed session, for good, and logged."""
    with opened(place, root) as database:
        from harness.annotation.setup import unblind as let_see

        let_see(database, name, actor=actor())
    click.echo(f"{name}: unblinded; reports and exports name the runs")


def _change(
    name: str, state: Literal["open", "paused", "closed"], place: str | None, root: Path
) -> None:
    with opened(place, root) as database:
        from harness.annotation.setup import change_state

        change_state(database, name, state, actor=actor())
    click.echo(f"{name} {SAID[state].format(name=name)}")
