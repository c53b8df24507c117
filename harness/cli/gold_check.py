"""`tunemark gold check`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import chosen_suite, data_option, json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.goldset.findings import Finding
    from harness.suite import Suite

MARKS = {"error": "✗ error", "warning": "! warning", "note": "· note"}
SHOWN = 6


@click.command()
@click.argument("suite_path", metavar="SUITE", type=click.Path(path_type=Path))
@click.option(
    "--logs", multiple=True, type=click.Path(path_type=Path),
    help="Usage logs (JSONL, CSV): say what users ask and the gold set does not. May be repeated.",
)  # fmt: skip
@click.option("--input", "input_column", help="Column of --logs that holds what users asked.")
@click.option("--model", help="Count tokens with this model's tokenizer, against its context.")
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.option("--all", "shows_all", is_flag=True, help="List every item, not only the first.")
@data_option
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    suite_path: Path,
    logs: tuple[Path, ...],
    input_column: str | None,
    model: str | None,
    strict: bool,
    shows_all: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Find what makes the scores of a gold set wrong, doubtful or hard to read.

    Errors (exit code 2) make a number wrong; warnings are probably faults; notes are to be known.
    """
    from harness.goldset.check import check_gold
    from harness.goldset.findings import as_json as finding_json
    from harness.goldset.findings import lines_of, sorted_findings

    suite = chosen_suite(suite_path, data)
    count, context = _tokenizer(model) if model else (None, None)
    found = check_gold(suite, count=count, context=context)
    if logs:
        found = sorted_findings([*found, *_against_logs(suite, logs, input_column)])
    lines = lines_of(suite)
    counts = Counter(finding.severity for finding in found)
    if as_json:
        print_json(
            {
                "suite": suite.name,
                "version": suite.config.version,
                "digest": suite.gold_digest,
                "n_items": len(suite.gold),
                "counts": {name: counts[name] for name in ("error", "warning", "note")},
                "findings": [finding_json(finding, lines) for finding in found],
            }
        )
    else:
        click.echo(f"{suite.name} {suite.config.version}: {len(suite.gold)} items in {suite.file}")
        for finding in found:
            _print(finding, lines, most=len(finding.items) if shows_all else SHOWN)
        shown = ", ".join(f"{counts[name]} {name}s" for name in ("error", "warning", "note"))
        click.echo(f"{shown}.")
    if counts["error"] or (strict and counts["warning"]):
        ctx.exit(2)


def _print(finding: Finding, lines: Mapping[str, int], *, most: int) -> None:
    from harness.goldset.findings import spelled

    color = {"error": "red", "warning": "yellow", "note": "cyan"}[finding.severity]
    click.echo(f"{click.style(MARKS[finding.severity], fg=color)}  {finding.kind}: {finding.text}")
    if finding.items:
        click.echo(f"    {spelled(finding, lines, most=most)}")
    click.echo(f"    → {finding.mend}")


def _against_logs(
    suite: Suite, paths: tuple[Path, ...], input_column: str | None
) -> tuple[Finding, ...]:
    from harness.goldset.logs import read_logs
    from harness.goldset.usage import usage_findings

    return usage_findings(suite, read_logs(paths, {"input": input_column}).requests)


def _tokenizer(model: str) -> tuple[Callable[[str], int], int | None]:
    """Return a counter of a model's tokens, and how many it can read."""
    from harness.models import model_config, resolve_model
    from harness.runner import load_tokenizer

    source = resolve_model(model)
    tokenizer = load_tokenizer(source)
    limit = model_config(source.path).get("max_position_embeddings")

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    return count, limit if isinstance(limit, int) else None
