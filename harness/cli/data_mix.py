"""`tunemark data mix`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.data import beside, counted, refuse_own_input
from harness.cli.options import json_option, print_json
from harness.registry import load_object


@click.command()
@click.argument("recipe", metavar="RECIPE", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--to", help="Format to write; by default the standard one of what is mixed.")
@json_option
def mix(recipe: Path, out: Path, to: str | None, as_json: bool) -> None:
    """Draw the sources of RECIPE (mix.yaml) in their shares and write them, shuffled, to OUT.

    Shares are of rows, or of tokens with a `tokenizer`. The same recipe and data always give the
    same rows. OUT.mix.json has the shares that came out. A recipe can also be named as `data:` of
    a training directly.
    """
    from harness.cli.tables import plain_table
    from harness.store import write_json

    refuse_own_input(recipe, out)
    mixed: Any = load_object("finetune.data.mix:mix")(recipe, to=to)
    load_object("finetune.data.files:write_rows")(out, [row.fields for row in mixed.rows.raw])
    write_json(beside(out, "mix.json"), mixed.as_json())
    if as_json:
        print_json(mixed.as_json())
        return
    by = mixed.config.by
    click.echo(f"{recipe} → {out}: {counted(len(mixed.rows.raw))}, shares of {by}")
    rows: list[dict[str, object]] = [
        {
            "source": name,
            "rows": one.rows,
            "of": one.available_rows,
            **({} if one.tokens is None else {"tokens": one.tokens}),
            "asked": f"{one.share_asked:.2%}",
            "share": f"{one.share:.2%}",
            "epochs": f"{one.epochs:.3f}",
        }
        for name, one in mixed.realised.items()
    ]
    click.echo(plain_table(tuple(rows[0]), rows), nl=False)
