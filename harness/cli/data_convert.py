"""`tunemark data convert`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.data import counted, refuse_own_input
from harness.cli.options import entry_option, format_option, json_option, print_json, say
from harness.registry import load_object


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--to", required=True, help="Format to write; see docs/data.md.")
@format_option
@entry_option
@json_option
def convert(
    source: Path, out: Path, to: str, format: str | None, name: str | None, as_json: bool
) -> None:
    """Write the rows of IN to OUT in another format; the endings say JSON Lines, CSV, ….

    Fields that the new format does not know stay in the rows, and what it would lose is kept in
    `extra`, so that converting back gives the same rows. A row that it cannot hold is an error.
    """
    refuse_own_input(source, out)
    target = load_object("finetune.data.convert:target_format")(to)
    rows = load_object("finetune.data.source:read_source")(source, format=format, name=name)
    made = load_object("finetune.data.convert:convert_rows")(rows.raw, rows.format, target)
    n_other = load_object("finetune.data.files:write_rows")(out, made)
    n_kept = sum("extra" in row for row in made)
    if as_json:
        print_json(
            {
                "source": str(rows.file),
                "from": rows.format.name,
                "out": str(out),
                "to": target.name,
                "n_rows": len(made),
                "n_with_extra": n_kept,
                "n_read_back_differently": n_other,
            }
        )
        return
    click.echo(f"{rows.file} ({rows.format.name}) → {out} ({target.name}): {counted(len(made))}")
    if n_other:
        say(
            f"{counted(n_other)} read back differently: tables have no absent fields, and CSV "
            "turns numbers and true or false into text; .jsonl keeps them as they are"
        )
