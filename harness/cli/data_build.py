"""`tunemark data build`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.data import counted, refuse_own_input
from harness.cli.options import json_option, print_json, say
from harness.registry import load_object


@click.command()
@click.argument("recipe", metavar="RECIPE", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--to", default="messages", show_default=True, help="Format to write.")
@json_option
def build(recipe: Path, out: Path, to: str, as_json: bool) -> None:
    """Make rows as RECIPE (build.yaml) says and write them to OUT.

    Records become instructions by templates, fact triples questions and answers, documents cloze
    questions: by rules alone, no model is asked. Every row says which item it comes from. A recipe
    can also be named as `data:` of a training directly.
    """
    refuse_own_input(recipe, out)
    built = load_object("finetune.data.build:build_recipes")(recipe)
    rows = load_object("finetune.data.build:written_rows")(built, to)
    load_object("finetune.data.files:write_rows")(out, rows)
    distinct = len({tuple(row.messages) for rows in built.values() for row in rows})
    counts = {name: len(found) for name, found in built.items()}
    if as_json:
        print_json(
            {"out": str(out), "n_rows": len(rows), "n_distinct": distinct, "recipes": counts}
        )
        return
    click.echo(f"{recipe} → {out} ({to}): {counted(len(rows))}")
    for name, n in counts.items():
        click.echo(f"    {n:>6}  {name}")
    if distinct < len(rows):
        say(f"{counted(len(rows) - distinct)} repeat another; `tunemark data clean` drops them")
