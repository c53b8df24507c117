"""`tunemark metrics`."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import json_option, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.metrics.catalogue import Entry

ARROWS = {"higher": "↑", "lower": "↓", "neither": "·"}


@click.command()
@click.argument("name", required=False)
@click.option("--language", type=click.Choice(["en", "zh"]), help="Signatures of one language.")
@json_option
def metrics(name: str | None, language: str | None, as_json: bool) -> None:
    """Tell what every metric and extraction step is for; with a NAME, its parameters too.

    Ranges and signatures are those of the defaults. ↑ higher is better, ↓ lower is better, · a
    gauge without a better side. In a suite: `metrics: [{numeric_match: {relative: 0.01}}]`.
    """
    from harness.metrics.catalogue import LANGUAGES, catalogue, entries_of

    languages = (language,) if language else LANGUAGES
    entries = entries_of(name, languages) if name else catalogue(languages)
    if as_json:
        rows = [_row(entry) for entry in entries]
        print_json(rows[0] if name and len(rows) == 1 else rows)
    elif name:
        click.echo("\n".join(_printed(_details(entry)) for entry in entries), nl=False)
    else:
        click.echo(_printed(_tables(entries)), nl=False)


def _row(entry: Entry) -> dict[str, Any]:
    row = asdict(entry)
    scale = row.pop("scale")
    if scale is not None:
        # JSON has no infinity: null is "no bound".
        low, high = (end if math.isfinite(end) else None for end in (scale["low"], scale["high"]))
        row |= {"low": low, "high": high, "better": scale["better"]}
    return row


def _tables(entries: tuple[Entry, ...]) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from harness.metrics.catalogue import shown_range

    known, steps = (
        Table("metric", "range", "", "what it tells", box=None),
        Table("step", "what it finds (in a task's `extract:`)", box=None),
    )
    known.columns[-1].overflow = "fold"
    for table in (known, steps):
        table.columns[0].no_wrap = True
    for entry in entries:
        if entry.kind == "step":
            steps.add_row(entry.name, entry.purpose)
            continue
        told = Text(entry.purpose)
        for line in (*_signature_lines(entry), *_needs(entry)):
            told.append(f"\n{line}", style="dim")
        scale = entry.scale
        known.add_row(
            entry.name,
            shown_range(scale) if scale else "",
            ARROWS[scale.better] if scale else "",
            told,
        )
    note = "\n↑ higher is better, ↓ lower is better, · a gauge without a better side"
    return [known, Text(note, style="dim"), Text(), steps]


def _details(entry: Entry) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    from harness.metrics.catalogue import shown_range

    parts: list[RenderableType] = [
        Text.assemble((entry.name, "bold"), f" ({entry.kind})"),
        Text(entry.purpose),
    ]
    if entry.details:
        parts.append(Text(f"\n{entry.details}"))
    if entry.scale is not None:
        better = {"neither": "a gauge without a better side"}.get(
            entry.scale.better, f"{entry.scale.better} is better"
        )
        parts.append(Text(f"\nrange {shown_range(entry.scale)}; {better}"))
    parts += [Text(line, style="dim") for line in (*_signature_lines(entry), *_needs(entry))]
    if entry.parameters:
        table = Table("parameter", "may be", "default", "what it does", box=None)
        for parameter in entry.parameters:
            default = "(required)" if parameter.is_required else _shown(parameter.default)
            table.add_row(parameter.name, parameter.kind, default, parameter.purpose)
        parts += [Text(), table]
    return parts


def _signature_lines(entry: Entry) -> list[str]:
    if len(set(entry.signatures.values())) <= 1:
        return list(entry.signatures.values())[:1]
    return [f"{language}: {signature}" for language, signature in entry.signatures.items()]


def _needs(entry: Entry) -> list[str]:
    if entry.extra:
        return [f"needs: pip install 'tunemark[{entry.extra}]'"]
    return [entry.problem] if entry.problem else []


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default is None else str(default)


def _printed(parts: list[RenderableType]) -> str:
    from rich.console import Console

    console = Console()
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return capture.get()
