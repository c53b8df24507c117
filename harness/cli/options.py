"""Options that several verbs share."""

from __future__ import annotations

import json
from pathlib import Path

import click

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    envvar="TUNEMARK_RUNS",
    show_default=True,
    help="Folder of all runs.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


def say(line: str) -> None:
    """Tell the person at the terminal what is going on."""
    click.echo(line, err=True)


def print_json(value: object) -> None:
    """Print a value as JSON on stdout."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str))
