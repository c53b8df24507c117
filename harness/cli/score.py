"""`tunemark score`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from harness.cli.options import json_option, print_json
from harness.cli.tables import NO_ANSWER, confusion_table, no_answer, plain_table


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.option(
    "--suite",
    "suite_path",
    required=True,
    type=click.Path(path_type=Path),
    help="The suite that the run belongs to.",
)
@json_option
def score(run_folder: Path, suite_path: Path, as_json: bool) -> None:
    """Score a run's stored completions with its suite's metrics; load no model.

    Metrics added to suite.yaml after the run are measured now; what is measured already is read.
    """
    from harness.metrics.build import suite_metrics
    from harness.metrics.classify import confusion
    from harness.scoring import refuse_other_gold, score_run
    from harness.store import RunFolder
    from harness.suite import load_suite

    suite = load_suite(suite_path)
    suite_metrics(suite)
    folder = RunFolder(path=run_folder)
    refuse_other_gold(folder, suite)
    name = str(folder.manifest["provenance"].get("configuration", run_folder.name))
    scores = score_run(folder, suite, name)
    rows = [
        {
            "metric": found.metric.name,
            "value": found.value(),
            "n": len(found.stats),
            "coverage": found.coverage,
            "not_extracted": len(found.not_extracted),
            "signature": found.metric.signature,
        }
        for found in scores
    ]
    matrices = [confusion(found.metric, found.stats.values()) for found in scores]
    if as_json:
        print_json(
            [
                row if matrix is None else {**row, "confusion": asdict(matrix)}
                for row, matrix in zip(rows, matrices, strict=True)
            ]
        )
        return
    columns = ("metric", "value", "n", "coverage", NO_ANSWER, "signature")
    click.echo(plain_table(columns, no_answer(rows)), nl=False)
    for matrix in dict.fromkeys(matrix for matrix in matrices if matrix is not None):
        click.echo(confusion_table(matrix), nl=False)
