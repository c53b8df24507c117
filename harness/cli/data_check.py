"""`tunemark data check`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.data import counted
from harness.cli.options import (
    chosen_suite,
    data_option,
    entry_option,
    format_option,
    gold_option,
    json_option,
    print_json,
)
from harness.errors import InputError
from harness.registry import load_object

if TYPE_CHECKING:
    from harness.goldset.findings import Finding

MARKS = {"error": "✗ error", "warning": "! warning", "note": "· note"}
SHOWN = 4


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--tokenizer", metavar="MODEL", help="Count with this model's tokenizer.")
@click.option(
    "--template", help="Prompt layout; by default the model's own where it has one, else chatml."
)
@click.option(
    "--max-tokens", type=click.IntRange(min=1), help="Tokens that training reads of a row."
)
@gold_option
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--all", "shows_all", is_flag=True, help="List every row, not only the first.")
@format_option
@entry_option
@data_option
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[Path, ...],
    tokenizer: str | None,
    template: str | None,
    max_tokens: int | None,
    gold: tuple[Path, ...],
    strict: bool,
    shows_all: bool,
    format: str | None,
    name: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Find what makes training on FILES worse, or the scores after it wrong.

    Errors (exit code 2) make training fail or teach nothing, or leak gold items; warnings are
    probably faults; notes are to be known.
    """
    from harness.goldset.findings import SEVERITIES

    read = load_object("finetune.data.source:read_source")
    sources = [read(file, format=format, name=name) for file in files]
    measuring = _measuring(tokenizer, template, max_tokens)
    suites = [chosen_suite(path, data) for path in gold]
    found: Any = load_object("finetune.data.check:check_data")(sources, measuring, suites=suites)
    counts = Counter(finding.severity for finding in found.findings)
    if as_json:
        print_json(_as_json(found, counts))
    else:
        _print(found, max_tokens, shows_all=shows_all)
        click.echo(", ".join(f"{counts[name]} {name}s" for name in SEVERITIES) + ".")
    if counts["error"] or (strict and counts["warning"]):
        ctx.exit(2)


def _measuring(tokenizer: str | None, template: str | None, limit: int | None) -> Any:
    """Return how lengths are counted."""
    measuring = load_object("finetune.data.check:Measuring")
    if tokenizer is None:
        if template is not None:
            raise InputError("--template lays rows out for a model: give --tokenizer MODEL too")
        estimate = load_object("finetune.data.lengths:estimate")
        return measuring(measure=estimate, unit="tokens (estimated by characters)", limit=limit)
    from harness.errors import ModelError
    from harness.models import resolve_model
    from harness.runner import load_tokenizer
    from harness.templates import OWN, load_template

    model = resolve_model(tokenizer)
    try:
        layout = load_template(template or OWN, model.path)
    except ModelError:
        if template is not None:
            raise
        layout = load_template("chatml", model.path)
    by_template = load_object("finetune.data.lengths:by_template")
    unit = f"tokens of {model.name} with template {layout.name}"
    return measuring(measure=by_template(load_tokenizer(model), layout), unit=unit, limit=limit)


def _print(found: Any, limit: int | None, *, shows_all: bool) -> None:
    for file, form in found.formats.items():
        click.echo(f"{file}: {form}")
    click.echo(f"{counted(found.n_rows)}; {_shares(found.languages)}")
    for field, values in found.tasks.items():
        click.echo(f"{field}: {_shares(values)}")
    figures = ", ".join(f"{name} {n}" for name, n in found.lengths.items())
    click.echo(f"{found.unit}: {figures}")
    for line in load_object("finetune.data.lengths:bars")(found.bins):
        click.echo(f"    {line}")
    if limit is not None and not found.cut.rows:
        click.echo(f"No row is longer than {limit} tokens.")
    for finding in found.findings:
        _print_finding(finding, most=len(finding.items) if shows_all else SHOWN)


def _print_finding(finding: Finding, *, most: int) -> None:
    from harness.goldset.findings import spelled

    color = {"error": "red", "warning": "yellow", "note": "cyan"}[finding.severity]
    click.echo(f"{click.style(MARKS[finding.severity], fg=color)}  {finding.kind}: {finding.text}")
    if finding.items:
        click.echo(f"    {spelled(finding, {}, most=most)}")
    click.echo(f"    → {finding.mend}")


def _shares(counts: Mapping[str, int], most: int = 12) -> str:
    total = sum(counts.values())
    listed = list(counts.items())
    told = ", ".join(f"{name} {n} ({n / total:.0%})" for name, n in listed[:most])
    return told + (f", … {len(listed) - most} more" if len(listed) > most else "")


def _as_json(found: Any, counts: Mapping[str, int]) -> dict[str, object]:
    cut = found.cut
    return {
        "n_rows": found.n_rows,
        "formats": found.formats,
        "languages": found.languages,
        "tasks": found.tasks,
        "lengths": {"unit": found.unit, **found.lengths},
        "histogram": [{"from": low, "below": high, "n": n} for low, high, n in found.bins],
        "truncation": None
        if cut is None
        else {
            "rows": len(cut.rows),
            "tokens": cut.tokens,
            "answers_lost": len(cut.lost),
            "answers_torn": len(cut.torn),
        },
        "counts": {name: counts[name] for name in MARKS},
        "findings": [
            {
                "severity": finding.severity,
                "kind": finding.kind,
                "text": finding.text,
                "mend": finding.mend,
                "rows": [list(group) for group in finding.items],
            }
            for finding in found.findings
        ],
    }
