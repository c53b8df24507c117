"""`tunemark demo`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import json_option, root_option, say

STUDIES = {"en": "demo.yaml", "zh": "demo-zh.yaml"}


@click.command()
@click.option(
    "--language",
    type=click.Choice(list(STUDIES)),
    default="en",
    show_default=True,
    help="en: a chat model in English; zh: a base model in Chinese.",
)
@root_option
@json_option
@click.pass_context
def demo(ctx: click.Context, language: str, root: Path, as_json: bool) -> None:
    """Fine-tune a small real model in three ways and judge each: what got better, what worse.

    Takes about ten minutes on two CPU cores the first time, seconds afterwards.
    """
    from harness.cli.study import run_command

    file = shipped_studies() / STUDIES[language]
    say(f"This is: tunemark study run {_shown(file)}")
    ctx.invoke(run_command, file=file, root=root, as_json=as_json)


def shipped_studies() -> Path:
    """Return the folder of the studies that Tunemark brings along."""
    from harness.shipped import shipped_folder

    return shipped_folder() / "studies"


def _shown(file: Path) -> Path:
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file
