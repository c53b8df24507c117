"""`tunemark score`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import (
    configuration_name,
    data_option,
    json_option,
    predictions_options,
    print_json,
    say,
    trust_option,
)
from harness.cli.tables import NO_ANSWER, confusion_table, no_answer, plain_table
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.estimate import Estimate
    from harness.scoring import Scores
    from harness.store import RunFolder
    from harness.suite import Suite


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--suite",
    "suite_path",
    type=click.Path(path_type=Path),
    help="For a run folder: the suite that the run belongs to.",
)
@data_option
@click.option(
    "--metrics",
    "metric_list",
    help="For a file: names with parameters, such as exact_match,bleu(tokenize=intl); "
    "`rouge` stands for all four.  [default: exact_match,token_f1,bleu,rouge_l,chrf]",
)
@predictions_options
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="For a run folder: the run that metrics such as win_rate compare with.",
)
@trust_option
@click.option("--by", metavar="SLICE", help="Show each subgroup of this slice, such as turn.")
@json_option
def score(
    target: Path,
    suite_path: Path | None,
    data: Path | None,
    metric_list: str | None,
    language: str,
    steps: str | None,
    labels: str | None,
    kind: str,
    baseline: Path | None,
    trusts_code: bool,
    by: str | None,
    as_json: bool,
) -> None:
    """Score stored answers with intervals; load no model.

    TARGET is a run folder (with --suite), or a file of predictions made anywhere: JSON Lines, JSON
    or CSV with the columns prediction and references (id, cluster and slices where there are
    any), or what lm-eval, LLaMA-Factory, OpenCompass or EvalScope wrote. "-" reads from stdin.

    Metrics added to suite.yaml after the run are measured now; what is measured already is read.
    """
    if target.is_dir() or suite_path is not None:
        given = {
            "--metrics": metric_list, "--extract": steps, "--labels": labels,
            "--language": None if language == "auto" else language,
        }  # fmt: skip
        refuse_options("is for a file of predictions; a run has what its suite says", given)
        found = _score_run(target, suite_path, data, baseline, trusts_code=trusts_code)
    else:
        refuse_options("is for a run folder", {"--data": data, "--baseline": baseline})
        found = _score_file(target, metric_list, language, steps, labels, kind)
    if by is None:
        _show(found, as_json=as_json)
    else:
        _show_slices(found, by, as_json=as_json)


def _show(scores: Sequence[Scores], *, as_json: bool) -> None:
    from harness.estimate import estimate_all
    from harness.metrics.classify import confusion

    found = estimate_all(scores)
    matrices = [confusion(one.metric, one.stats.values()) for one in scores]
    if as_json:
        rows = [
            one.as_row() if matrix is None else {**one.as_row(), "confusion": asdict(matrix)}
            for one, matrix in zip(found, matrices, strict=True)
        ]
        print_json(rows)
        return
    _print(found)
    for caution in dict.fromkeys(text for one in found for text in one.cautions):
        names = [one.scores.metric.name for one in found if caution in one.cautions]
        say(f"{', '.join(dict.fromkeys(names))}: {caution}")
    for matrix in dict.fromkeys(matrix for matrix in matrices if matrix is not None):
        click.echo(confusion_table(matrix), nl=False)


def _show_slices(scores: Sequence[Scores], key: str, *, as_json: bool) -> None:
    from harness.slices import score_slices

    found = score_slices(scores, key)
    if as_json:
        print_json([{key: one.slice, **one.estimate.as_row()} for one in found])
        return
    _print([one.estimate for one in found], **{key: [one.slice for one in found]})
    say("Exploratory: with many subgroups some differ by chance alone.")


def _print(found: Sequence[Estimate], **more: Sequence[str]) -> None:
    rows = [
        {**one.as_row(), **{key: values[i] for key, values in more.items()}}
        for i, one in enumerate(found)
    ]
    columns = ("metric", *more, "value", "low", "high", "n", "coverage", NO_ANSWER, "signature")
    click.echo(plain_table(columns, no_answer(rows)), nl=False)
    for method in dict.fromkeys(str(row["method"]) for row in rows if row["method"]):
        names = dict.fromkeys(str(row["metric"]) for row in rows if row["method"] == method)
        say(f"95 % intervals by {method}: {', '.join(names)}")


def _score_run(
    folder_path: Path,
    suite_path: Path | None,
    data: Path | None,
    baseline: Path | None,
    *,
    trusts_code: bool,
) -> list[Scores]:
    from harness.cli.options import suite_of_run
    from harness.metrics.build import suite_metrics
    from harness.scoring import refuse_other_gold, score_run
    from harness.store import RunFolder

    if suite_path is None:
        raise InputError(f"{folder_path}: a run folder is scored with its suite: give --suite")
    folder = RunFolder(path=folder_path)
    suite = suite_of_run(suite_path, folder, data)
    suite_metrics(suite, trusts_code=trusts_code)
    against = RunFolder(path=baseline) if baseline else None
    if against:
        refuse_other_gold(against, suite)
    if suite.config.judges:
        _tell_unjudged(suite, folder, against)
    name = configuration_name(folder)
    return score_run(folder, suite, name, trusts_code=trusts_code, baseline=against)


def _tell_unjudged(suite: Suite, folder: RunFolder, against: RunFolder | None) -> None:
    """Say which command asks the judges what they have not been asked."""
    from harness.judge import n_missing, to_judge

    missing = n_missing(to_judge(suite, [folder], baseline=against))
    compared = f" --baseline {against.path}" if against else ""
    if missing:
        say(
            f"The judges have not answered {missing} questions yet: tunemark judge {folder.path} "
            f"--suite {suite.file.parent}{compared}"
        )


def _score_file(
    path: Path,
    metric_list: str | None,
    language: str,
    steps: str | None,
    labels: str | None,
    kind: str,
) -> list[Scores]:
    from harness.importers.read import STDIN, read_predictions
    from harness.plain import default_metrics, language_of, score_predictions, with_groups
    from harness.spec import parse_specs

    found = read_predictions(STDIN if str(path) == "-" else path, format=kind)
    specs = with_groups(parse_specs(metric_list or default_metrics(found)))
    if not specs:
        raise InputError("--metrics names no metric; see the table in README")
    spoken = language_of(found) if language == "auto" else language
    for note in found.notes:
        say(note)
    if language == "auto":
        say(f"language: {spoken}, by its characters (--language decides)")
    scored = score_predictions(
        found,
        path,
        specs,
        language=spoken,  # pyright: ignore[reportArgumentType] - click checked it
        extract=parse_specs(steps or ""),
        labels=[label.strip() for label in (labels or "").split(",") if label.strip()],
    )
    unanswered = sum(row.text is None for row in found.rows)
    if unanswered:
        say(f"{unanswered} rows have no prediction: they are not scored")
    alone = sum(not (row.references or row.choices) for row in found.rows)
    if alone:
        say(f"{alone} rows have no reference: they are not scored")
    return scored


def refuse_options(why: str, options: Mapping[str, object]) -> None:
    """Check that no option was given that means nothing here.

    Raises:
        InputError: naming the first one.
    """
    for option, value in options.items():
        if value is not None:
            raise InputError(f"{option} {why}")
