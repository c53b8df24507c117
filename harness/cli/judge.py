"""`tunemark judge`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import (
    configuration_name,
    data_option,
    json_option,
    print_json,
    say,
    suite_of_run,
)
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.judge import ToJudge
    from harness.metrics.verdicts import HumanRating
    from harness.suite import Suite

COLUMNS: dict[str, dict[str, str]] = {
    "rating": {
        "judge": "judge", "run": "run", "mean rating": "value", "judged": "judged",
        "unclear": "unclear", "length ρ": "length_correlation",
    },
    "pairwise": {
        "judge": "judge", "run": "run", "win rate": "value", "judged": "judged",
        "unclear": "unclear", "wins": "wins", "ties": "ties", "losses": "losses",
        "same text": "same", "flips": "flips", "first wins": "first_wins",
        "length ρ": "length_correlation",
    },
}  # fmt: skip
"""Title → field of Summary."""
AGREEMENT = {
    "equal": "raw", "kappa": "kappa", "quadratic kappa": "quadratic_kappa", "Spearman": "spearman",
}  # fmt: skip


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--suite",
    "suite_path",
    required=True,
    type=click.Path(path_type=Path),
    help="The suite that the runs belong to; it declares the judges.",
)
@click.option("--judge", "names", multiple=True, help="One judge; by default all of the suite.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="The run that pairwise judges compare with.",
)
@click.option(
    "--human",
    type=click.Path(path_type=Path),
    help="People's ratings, to print the judge's agreement with them: JSON Lines {id, rating}.",
)
@click.option(
    "--prompts",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what is still to be asked to this file and ask nothing.",
)
@data_option
@json_option
def judge(
    runs: tuple[Path, ...],
    suite_path: Path,
    names: tuple[str, ...],
    baseline: Path | None,
    human: Path | None,
    prompts: Path | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Have the suite's judges rate or compare the answers of stored RUNS.

    Only what the same judge has not judged before is asked; after an interruption the same
    command goes on. `tunemark score` and `compare` then show the verdicts as metrics.
    """
    from harness.judge import judge_with_bars, to_judge
    from harness.scoring import refuse_other_gold
    from harness.store import RunFolder, write_text

    folders = [RunFolder(path=path) for path in runs]
    suite = suite_of_run(suite_path, folders[0], data)
    if not suite.config.judges:
        raise InputError(f"{suite.file}: no `judges:` in this suite")
    against = RunFolder(path=baseline) if baseline else None
    for folder in [*folders, *([against] if against else [])]:
        refuse_other_gold(folder, suite)

    def find() -> list[ToJudge]:
        return to_judge(suite, folders, baseline=against, names=names)

    work = find()
    if not work:
        raise InputError(
            f"{suite.file}: its judges compare runs: name the one to compare with, --baseline RUN"
        )
    people = _people(human, work, suite)
    if prompts is not None:
        rows = _open_questions(work)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        write_text(prompts, "".join(lines))
        click.echo(f"{prompts}: {len(rows)} questions")
        return
    judge_with_bars(work)
    found = [_result(one, people) for one in find()]
    if as_json:
        print_json(found)
    else:
        _print(found)


def _open_questions(work: list[ToJudge]) -> list[dict[str, object]]:
    """Return what is still to be asked, as a judge elsewhere needs it."""
    wanted = {id_ for one in work for id_ in one.missing()}
    if not wanted:
        raise InputError("nothing is left to ask: every answer has been judged")
    records = {record.id: record for one in work for record in one.asked()}
    return [
        {"id": record.id, "messages": record.model_dump(mode="json")["input"]}
        for record in records.values()
        if record.id in wanted
    ]


def _people(human: Path | None, work: list[ToJudge], suite: Suite) -> list[HumanRating]:
    from harness.metrics.verdicts import read_human

    if human is None:
        return []
    if len({one.judge.rubric.kind for one in work}) > 1:
        raise InputError("--human: people rate for one kind of judge; choose one with --judge")
    return read_human(human, work[0].metric, [record.id for record in suite.gold])


def _result(one: ToJudge, people: list[HumanRating]) -> dict[str, Any]:
    from harness.metrics.verdicts import agreement_with_people, summarise

    name = configuration_name(one.run)
    agreed = agreement_with_people(one.metric, one.items, people, run=name)
    verdicts = [(item.gold.id, one.metric.verdict(item)) for item in one.items]
    return {
        **summarise(one.metric, one.items, run=name).model_dump(),
        "folder": str(one.run.path),
        "signature": one.metric.signature,
        "agreement": asdict(agreed) if agreed else None,
        "verdicts": [
            {"id": gold_id, "state": v.state, "value": v.value, "reasons": list(v.reasons)}
            for gold_id, v in verdicts
        ],
    }


def _print(found: list[dict[str, Any]]) -> None:
    from harness.cli.tables import plain_table

    for kind, columns in COLUMNS.items():
        rows = [row for row in found if row["kind"] == kind]
        if rows:
            shown = [{title: row[key] for title, key in columns.items()} for row in rows]
            click.echo(plain_table(tuple(columns), shown), nl=False)
    for row in found:
        where = f"{row['judge']} on {row['run']}"
        if row["unclear"]:
            say(f"{where}: {row['unclear']} of {row['n']} have no clear verdict and no score")
        if row["flips"]:
            say(f"{where}: {row['flips']} winners changed with the order and count as ties")
        if row["agreement"]:
            told = ", ".join(
                f"{title} {_figure(row['agreement'][key])}" for title, key in AGREEMENT.items()
            )
            click.echo(f"{where} against people: n {row['agreement']['n']}, {told}")


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
