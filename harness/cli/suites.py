"""`tunemark suites`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.options import json_option, print_json


@click.command()
@json_option
def suites(as_json: bool) -> None:
    """List the suites and recipes that are shipped; each can be named instead of a folder.

    A recipe takes its items from public data: name the folder with --data, or leave it out to
    have the data from the hub where the list says so.
    """
    from harness.shipped import shipped_suites

    rows = [_row(name, file) for name, file in shipped_suites().items()]
    if as_json:
        print_json(rows)
        return
    from harness.cli.tables import plain_table

    shown = [
        {**row, "tasks": ", ".join(row["types"]), "data": row["data"] or f"{row['items']} items"}
        for row in rows
    ]
    columns = ("name", "language", "tasks", "data", "license")
    click.echo(plain_table(columns, shown), nl=False)


def _row(name: str, file: Path) -> dict[str, Any]:
    """Return what is said of a suite; its items are counted where they are shipped."""
    from harness.config import load_yaml, read_jsonl
    from harness.errors import GoldError
    from harness.suite import SuiteConfig

    config = load_yaml(file, SuiteConfig)
    source = config.source
    on_hub = source is not None and any(part.hub for part in source.parts)
    gold = file.parent / config.gold
    return {
        "name": name,
        "version": config.version,
        "language": config.language,
        "types": list(dict.fromkeys(task.type for task in config.tasks.values())),
        "items": sum(1 for _ in read_jsonl(gold, GoldError)) if source is None else None,
        "data": "" if source is None else f"{'hub, or ' if on_hub else ''}{source.obtain}",
        "license": config.license,
        "description": config.description,
        "file": str(file),
    }
