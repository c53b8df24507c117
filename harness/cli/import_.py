"""`tunemark import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import (
    FORMATS,
    chosen_suite,
    data_option,
    json_option,
    print_json,
    root_option,
    say,
)
from harness.cli.tables import NO_ANSWER, no_answer, plain_table
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.imports import Joined

SHOWN = 5
"""Ids that a message names; --json has all."""


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--suite", "suite_path", required=True, type=click.Path(path_type=Path),
    help="The suite whose questions were answered.",
)  # fmt: skip
@click.option("--name", required=True, help="Of the configuration, in tables and reports.")
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), default="auto", show_default=True,
    help="Which tool wrote the file.",
)  # fmt: skip
@click.option(
    "--by", type=click.Choice(["auto", "id", "prompt", "order"]), default="auto",
    show_default=True, help="How predictions find their gold items.",
)  # fmt: skip
@data_option
@root_option
@json_option
def import_predictions(
    file: Path,
    suite_path: Path,
    name: str,
    kind: str,
    by: str,
    data: Path | None,
    root: Path,
    as_json: bool,
) -> None:
    """Make a run folder out of predictions made elsewhere, and score it.

    FILE is JSON Lines, JSON or CSV with a column prediction, or what lm-eval, LLaMA-Factory,
    OpenCompass or EvalScope wrote. The run can be compared and reported like any other. How the
    model was prompted is not known, so it is comparable with other imported runs.
    """
    import re

    from harness.estimate import estimate_all
    from harness.importers.read import read_predictions
    from harness.imports import import_run, join
    from harness.scoring import score_run

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise InputError(f"--name {name!r}: use letters, digits, dots, - and _ only")
    suite = chosen_suite(suite_path, data)
    found = read_predictions(file, format=kind)
    joined = join(found, suite, by=by)
    folder = import_run(joined, suite, name, root, file=file, format=found.format)
    rows = [estimate.as_row() for estimate in estimate_all(score_run(folder, suite, name))]
    if as_json:
        print_json({"folder": str(folder.path), "join": _join_row(joined), "scores": rows})
        return
    for line in (*found.notes, *_said(joined, len(suite.gold))):
        say(line)
    columns = ("metric", "value", "low", "high", "n", "coverage", NO_ANSWER, "signature")
    click.echo(plain_table(columns, no_answer(rows)), nl=False)
    say(f"Run: {folder.path}")


def _join_row(joined: Joined) -> dict[str, object]:
    return {
        "by": joined.by,
        "matched": len(joined.pairs),
        "missing": list(joined.missing),
        "unmatched": [row.where for row in joined.unmatched],
        "contradictions": list(joined.contradictions),
        "unanswered": list(joined.empty),
    }


def _said(joined: Joined, n_items: int) -> list[str]:
    lines = [f"joined by {joined.by}: {len(joined.pairs)} of {n_items} gold items have an answer"]
    counted = {
        "gold items have no prediction": joined.missing,
        "predictions belong to no gold item": [row.where for row in joined.unmatched],
        "predictions have another reference than their gold item": joined.contradictions,
        "predictions are null or lack log-likelihoods, and are not scored": joined.empty,
    }
    for what, names in counted.items():
        if names:
            more = ", …" if len(names) > SHOWN else ""
            lines.append(f"{len(names)} {what}: {', '.join(names[:SHOWN])}{more}")
    return lines
