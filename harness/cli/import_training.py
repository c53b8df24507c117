"""`tunemark import-training`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import json_option, print_json
from harness.registry import load_object

IMPORT = "finetune.importers.command:import_command"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "tool", required=True, metavar="llama-factory|axolotl",
              help="The tool whose file it is.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the settings there; by default they are printed.")  # fmt: skip
@json_option
def import_training(file: Path, tool: str, out: Path | None, as_json: bool) -> None:
    """Turn a training file of another tool into `model`, `template` and `train` of a study.

    Tells every key that is ignored or has another effect here, and refuses a file that would
    train something else. The result is also a file for `tunemark plan`.
    """
    found = load_object(IMPORT)(file=file, tool=tool, out=out, as_json=as_json)
    if as_json:
        print_json(found)
    else:
        click.echo(found, nl=False)
