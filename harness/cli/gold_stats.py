"""`tunemark gold stats`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import chosen_suite, data_option, json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.goldset.stats import GoldStats, Spread

SHOWN_VALUES = 12
BAR = 24
"""Characters of the longest bar."""


@click.command()
@click.argument("suite_path", metavar="SUITE", type=click.Path(path_type=Path))
@data_option
@json_option
def stats(suite_path: Path, data: Path | None, as_json: bool) -> None:
    """Count what a gold set holds: items, lengths, references, classes, slices, clusters."""
    from harness.goldset.stats import gold_stats

    found = gold_stats(chosen_suite(suite_path, data))
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)


def _print(found: GoldStats) -> None:
    from harness.cli.tables import plain_table

    click.echo(
        f"{click.style(f'{found.suite} {found.version}', bold=True)} · {found.language} · "
        f"{found.n_items} items · gold {found.digest[:12]}\n"
    )
    rows = [
        {
            "task": task.task,
            "kind": task.kind,
            "items": task.n_items,
            "clusters": task.n_clusters,
            "languages": _counts(task.languages),
            "input words": _spread(task.input_words),
            "answer words": _spread(task.answer_words),
            "references": _counts(task.references, "×") or "choices",
        }
        for task in found.tasks
    ]
    click.echo(plain_table(tuple(rows[0]), rows), nl=False)
    click.echo("words: 10 % – median – 90 % (largest); a Chinese character is one\n")
    for task in found.tasks:
        if task.classes:
            _bars(f"{task.task}: right answers", task.classes)
    for name, values in found.slices.items():
        _bars(f"slice {name}", values)
    _bars("source", found.sources)


def _bars(title: str, counts: Mapping[str, int]) -> None:
    click.echo(click.style(title, bold=True))
    width = max(len(name) for name in list(counts)[:SHOWN_VALUES])
    most, total = max(counts.values()), sum(counts.values())
    for name, count in list(counts.items())[:SHOWN_VALUES]:
        bar = "█" * max(round(BAR * count / most), 1 if count else 0)
        click.echo(f"  {_padded(name, min(width, 32))} {count:>5} {count / total:>4.0%} {bar}")
    if len(counts) > SHOWN_VALUES:
        click.echo(f"  … {len(counts) - SHOWN_VALUES} more values")
    click.echo()


def _padded(text: str, width: int) -> str:
    """Fill up with spaces to a width on the terminal, where Chinese characters take two columns."""
    from rich.cells import cell_len, set_cell_size

    return set_cell_size(text, max(width, cell_len(text)) if cell_len(text) <= 32 else 32)


def _counts(
    counts: Mapping[object, int] | Mapping[str, int] | Mapping[int, int], sign: str = " "
) -> str:
    return ", ".join(f"{name}{sign}{count}" for name, count in counts.items())


def _spread(spread: Spread) -> str:
    return f"{spread.low:.0f}–{spread.median:.0f}–{spread.high:.0f} ({spread.largest:.0f})"
