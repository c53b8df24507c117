"""`tunemark gold new`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from harness.suite import Language


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--language", type=click.Choice(("en", "zh")), default="en", show_default=True,
    help="Of the examples and the metrics.",
)  # fmt: skip
@click.option(
    "--task", "tasks", multiple=True,
    help="qa, reasoning, summary, retrieval (the default four), classification or dialogue; "
    "may be repeated.",
)  # fmt: skip
def new(folder: Path, language: str, tasks: tuple[str, ...]) -> None:
    """Write a suite to FOLDER: suite.yaml, gold.jsonl with three examples a task, README.md."""
    from harness.goldset.scaffold import DEFAULT_TASKS, new_suite

    chosen = tasks or DEFAULT_TASKS
    new_suite(folder, language=cast("Language", language), tasks=chosen)
    click.echo(
        f"{folder}: suite.yaml, gold.jsonl (3 examples each of {', '.join(chosen)}), README.md\n"
        f"Next: replace the examples, fill in README.md, then `tunemark gold check {folder}`."
    )
