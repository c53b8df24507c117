"""`tunemark score`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import json_option, print_json, say
from harness.cli.tables import NO_ANSWER, no_answer, plain_table

if TYPE_CHECKING:
    from harness.scoring import Scores


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.option(
    "--suite",
    "suite_path",
    required=True,
    type=click.Path(path_type=Path),
    help="The suite that the run belongs to.",
)
@click.option(
    "--by",
    metavar="SLICE",
    help="Show every subgroup of a slice by itself, such as `turn` of a dialogue; exploratory.",
)
@json_option
def score(run_folder: Path, suite_path: Path, by: str | None, as_json: bool) -> None:
    """Score a run's stored completions with its suite's metrics; load no model.

    Metrics added to suite.yaml after the run are measured now; what is measured already is read.
    """
    from harness.metrics.build import suite_metrics
    from harness.scoring import refuse_other_gold, score_run
    from harness.store import RunFolder
    from harness.suite import load_suite

    suite = load_suite(suite_path)
    suite_metrics(suite)
    folder = RunFolder(path=run_folder)
    refuse_other_gold(folder, suite)
    name = str(folder.manifest["provenance"].get("configuration", run_folder.name))
    found = score_run(folder, suite, name)
    if by is not None:
        _print_slices(found, by, as_json=as_json)
        return
    rows = [
        {
            "metric": scores.metric.name,
            "value": scores.value(),
            "n": len(scores.stats),
            "coverage": scores.coverage,
            "not_extracted": len(scores.not_extracted),
            "signature": scores.metric.signature,
        }
        for scores in found
    ]
    if as_json:
        print_json(rows)
    else:
        columns = ("metric", "value", "n", "coverage", NO_ANSWER, "signature")
        click.echo(plain_table(columns, no_answer(rows)), nl=False)


def _print_slices(found: list[Scores], key: str, *, as_json: bool) -> None:
    from harness.slices import score_slices

    rows = [
        {
            "metric": one.metric,
            key: one.slice,
            "value": one.interval.value if one.interval else None,
            "low": _bound(one.interval.low) if one.interval else None,
            "high": _bound(one.interval.high) if one.interval else None,
            "n": one.n,
            "coverage": one.n / one.n_planned,
        }
        for one in score_slices(found, key)
    ]
    if as_json:
        print_json(rows)
        return
    click.echo(plain_table(tuple(rows[0]), rows), nl=False)
    say("95 % intervals. Exploratory: with many subgroups some differ by chance alone.")


def _bound(value: float) -> float | None:
    """Return an interval's end, or None where too few items give none."""
    return value if math.isfinite(value) else None
