"""`tunemark contamination`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import chosen_suite, data_option, json_option, print_json

if TYPE_CHECKING:
    from harness.contamination.find import Leak, TrainingText
    from harness.suite import Suite


@click.command()
@click.argument("suite_path", metavar="SUITE", type=click.Path(path_type=Path))
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="TRAINING_FILE…"
)
@click.option("--strict", is_flag=True, help="Exit 1 when an item is leaked.")
@data_option
@json_option
@click.pass_context
def contamination(
    ctx: click.Context,
    suite_path: Path,
    files: tuple[Path, ...],
    strict: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Find the gold items of SUITE that stand in training data, each with a verdict.

    Training files are JSON Lines with `messages`, `prompt` and `completion`, or `instruction`,
    `input` and `output`, read as a stream, whatever their size; or a recipe (YAML), or any other
    file that `tunemark data` reads.
    Leaked: the item, or at least half of it, is there. Suspect: a long run of it is.
    """
    from harness.contamination.find import find_leaks

    suite = chosen_suite(suite_path, data)
    leaks = find_leaks(suite, _texts(files))
    if as_json:
        print_json([asdict(leak) for leak in leaks])
    else:
        _print(suite, leaks)
    if strict and any(leak.verdict == "leaked" for leak in leaks):
        ctx.exit(1)


def _texts(paths: Sequence[Path]) -> Iterator[TrainingText]:
    from harness.contamination.read import read_training_texts

    for path in paths:
        if path.suffix in {".jsonl", ".ndjson"}:
            yield from read_training_texts(path)
        else:
            from harness.registry import load_object

            yield from load_object("finetune.data.source:training_texts")(path)


def _print(suite: Suite, leaks: Sequence[Leak]) -> None:
    from harness.cli.tables import plain_table

    rows: list[dict[str, object]] = [
        {
            "item": leak.gold_id,
            "verdict": leak.verdict,
            "how": f"{leak.kind}{', answer' if leak.is_answer else ''}",
            "share": f"{leak.share:.0%}",
            "training row": leak.origin,
            "shared": leak.shared if len(leak.shared) <= 60 else f"{leak.shared[:60]}…",
        }
        for leak in leaks
    ]
    if rows:
        columns = ("item", "verdict", "how", "share", "training row", "shared")
        click.echo(plain_table(columns, rows), nl=False)
    n_leaked = sum(leak.verdict == "leaked" for leak in leaks)
    click.echo(
        f"{suite.name}: {len(suite.gold)} items, {n_leaked} leaked, "
        f"{len(leaks) - n_leaked} suspect, {len(suite.gold) - len(leaks)} clean"
    )
