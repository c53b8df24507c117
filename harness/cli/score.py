"""`tunemark score`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import json_option, print_json
from harness.cli.tables import plain_table


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
    from harness.scoring import refuse_other_gold, score_run
    from harness.store import RunFolder
    from harness.suite import load_suite

    suite = load_suite(suite_path)
    folder = RunFolder(path=run_folder)
    refuse_other_gold(folder, suite)
    name = str(folder.manifest["provenance"].get("configuration", run_folder.name))
    rows = [
        {
            "metric": found.metric.name,
            "value": found.value(),
            "n": len(found.stats),
            "coverage": found.coverage,
            "signature": found.metric.signature,
        }
        for found in score_run(folder, suite, name)
    ]
    if as_json:
        print_json(rows)
    else:
        click.echo(plain_table(("metric", "value", "n", "coverage", "signature"), rows), nl=False)
