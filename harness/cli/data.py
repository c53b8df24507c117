"""`tunemark data`: a group whose verbs are imported when they are called."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import LazyGroup
from harness.errors import InputError

DATA_VERBS: dict[str, tuple[str, str]] = {
    "check": ("harness.cli.data_check:check", "Find what makes training worse or scores wrong."),
    "clean": ("harness.cli.data_clean:clean", "Mend and drop rows by rules; account for each."),
    "convert": (
        "harness.cli.data_convert:convert",
        "Write data in another format, losing nothing.",
    ),
    "build": (
        "harness.cli.data_build:build",
        "Make rows of records, facts and documents, by rules.",
    ),
    "augment": ("harness.cli.data_augment:augment", "Reword, expand or translate with a model."),
    "mix": ("harness.cli.data_mix:mix", "Draw sources in given shares, by a seed."),
}


class DataGroup(LazyGroup):
    """The verbs on training data."""

    verbs = DATA_VERBS


@click.command(cls=DataGroup)
def data() -> None:
    """Check, clean, convert, build, augment and mix training data."""


def refuse_own_input(source: Path, out: Path) -> None:
    """Raise InputError where a command would write over what it reads."""
    if out.exists() and source.exists() and out.samefile(source):
        raise InputError(f"{out}: this is the input itself; write to another file")


def counted(n: int, what: str = "row") -> str:
    """Return a number with its noun."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def beside(out: Path, ending: str) -> Path:
    """Return the file of a report: OUT.dropped.jsonl, OUT.mix.json."""
    return out.with_name(f"{out.name}.{ending}")
