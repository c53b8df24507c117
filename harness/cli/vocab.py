"""`tunemark vocab audit|add`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import json_option, print_json
from harness.registry import load_object

AUDIT = "finetune.vocab:audit_command"
ADD = "finetune.vocab:add_command"


@click.group()
def vocab() -> None:
    """Look at a tokenizer on your texts; add tokens to a model."""


@vocab.command("audit")
@click.argument("model")
@click.option("--texts", "texts", multiple=True, required=True, type=click.Path(path_type=Path),
              help="Text (lines) or .jsonl (all that its rows say); may be repeated.")  # fmt: skip
@click.argument("more", nargs=-1, type=click.Path(path_type=Path))
@click.option("--worst", default=20, show_default=True, type=click.IntRange(min=1),
              help="How many of the worst split words to show.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the best candidates there, one a line, for `vocab add`.")  # fmt: skip
@click.option("--candidates", "n", default=500, show_default=True, type=click.IntRange(min=1),
              help="How many to write.")  # fmt: skip
@json_option
def audit_command(
    model: str,
    texts: tuple[Path, ...],
    more: tuple[Path, ...],
    worst: int,
    out: Path | None,
    n: int,
    as_json: bool,
) -> None:
    """Tell how MODEL's tokenizer cuts texts, and what added tokens would save; load no weights.

    Tokens per character and word by language, characters that are unknown or spelt in bytes, the
    words that are split worst, and the saving of the best candidates, measured.
    """
    found = load_object(AUDIT)(
        model=model, texts=(*texts, *more), worst=worst, out=out, n=n, as_json=as_json
    )
    _show(found, as_json)


@vocab.command("add")
@click.argument("model")
@click.option("--tokens", required=True, type=click.Path(path_type=Path),
              help="File with one token a line; a space at the start belongs to it.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="Folder of the new model.")  # fmt: skip
@click.option("--multiple", default=64, show_default=True, type=click.IntRange(min=1),
              help="Pad the embedding's rows to a multiple of this.")  # fmt: skip
@json_option
def add_command(model: str, tokens: Path, out: Path, multiple: int, as_json: bool) -> None:
    """Write MODEL with more tokens: new rows are the mean of their pieces, old ones unchanged.

    Ends with the rows that a training should train, and with the proof that no old token's logit
    changed.
    """
    found = load_object(ADD)(
        model=model, tokens=tokens, out=out, multiple=multiple, as_json=as_json
    )
    _show(found, as_json)


def _show(found: object, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(found, nl=False)
