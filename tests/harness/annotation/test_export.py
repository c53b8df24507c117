"""Ratings in the forms of others and back again, and what each of them must not do."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.annotation.adjudicate import decide
from harness.annotation.assign import claim
from harness.annotation.database import open_database
from harness.annotation.elsewhere import read_elsewhere
from harness.annotation.errors import AnnotationError, SessionStateError
from harness.annotation.export.argilla import argilla
from harness.annotation.export.datasheet import datasheet
from harness.annotation.export.label_studio import interface, label_studio
from harness.annotation.export.rows import export_session
from harness.annotation.export.tables import csv_text, jsonl, neutral, parquet, write_beside_runs
from harness.annotation.export.training import gold_patch, preference_pairs
from harness.annotation.lead_views import Decision
from harness.annotation.raters import exclude, invite
from harness.annotation.report import session_report
from harness.annotation.setup import change_state, unblind
from harness.annotation.submit import submit
from harness.annotation.take_in import take_in
from harness.annotation.views import AnswerScores, Slot, Submission, Task
from harness.gate.ratings import read_ratings
from tests.harness.annotation.conftest import Sitting, answered

Make = Callable[..., Sitting]
TEXT = "=HYPERLINK(1) 真实"


def rated(session: Sitting, *, prefers: str = "Answer 1", better: int = 5) -> Sitting:
    """Rate everything: answers that begin with `prefers` are better, and win."""
    for handle in session.raters:
        task: Any = claim(session.database, session.name, handle)
        while isinstance(task, Task):
            best = [one.slot for one in task.answers if one.text.startswith(prefers)]
            values: dict[Any, int | None] = {
                one.slot: better if one.slot in best else 3 for one in task.answers
            }
            choice = best[0] if len(best) == 1 else "tie"
            said = answered(task, values=values, choice=choice, comment=TEXT)
            task = submit(session.database, session.name, handle, said).next
    return session


def opened(session: Sitting) -> Sitting:
    change_state(session.database, session.name, "closed", actor="lead")
    unblind(session.database, session.name, actor="lead")
    return session


def test_json_lines_are_what_the_gate_reads(sitting: Make, tmp_path: Path) -> None:
    session = sitting(n=3)
    task = claim(session.database, session.name, "ann")
    assert isinstance(task, Task)
    answers: dict[Slot, AnswerScores] = {
        one.slot: AnswerScores(
            values={scale.name: 2 for scale in task.asked.scales},
            tags={"unsafe": "critical", "outdated": "minor"} if one.slot == "A" else {},
        )
        for one in task.answers
    }
    said = Submission(assignment=task.assignment, token="tagged-01", answers=answers,
                      choice="both_bad", comment="no")  # fmt: skip
    submit(session.database, session.name, "ann", said)
    opened(session)
    file = tmp_path / "out.jsonl"
    file.write_text(jsonl(export_session(session.database, session.name)), encoding="utf-8")

    ratings = read_ratings([file])

    assert sorted(str(one.severity) for one in ratings) == ["None", "critical"]
    assert {one.rater for one in ratings} == {"r01"}
    assert {one.run for one in ratings} == {run.path.name for run in session.runs}
    assert all(one.item.startswith("gold-") for one in ratings)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_of_the_csv_is_a_formula(cell: str) -> None:
    assert neutral(cell) == "'" + cell
    assert neutral("plain = fine") == "plain = fine"
    assert neutral(-1) == -1


def test_the_csv_opens_in_a_spreadsheet_and_keeps_its_words(sitting: Make) -> None:
    session = rated(sitting(n=2))

    text = csv_text(export_session(session.database, session.name))

    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert {row["comment"] for row in rows} == {"'" + TEXT}
    assert {row["value.truthfulness"] for row in rows} == {"3", "5"}


def carried(session: Sitting, form: Any, folder: Path) -> Path:
    """Write a session in a format."""
    whole = export_session(session.database, session.name)
    file = folder / f"carried.{form}"
    if form == "parquet":
        pytest.importorskip("pyarrow")
        parquet(whole, file)
        return file
    text = {
        "jsonl": lambda: jsonl(whole),
        "csv": lambda: csv_text(whole),
        "label-studio": lambda: json.dumps(label_studio(whole)),
        "argilla": lambda: json.dumps(argilla(whole)),
    }[form]()
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "label-studio", "argilla"])
@pytest.mark.parametrize("kind", ["likert", "pairwise", "both"])
def test_a_session_carried_elsewhere_and_back_says_the_same(
    sitting: Make, tmp_path: Path, form: Any, kind: str
) -> None:
    session = rated(sitting(n=5, kind=kind, raters_per_item="all"))
    ratings = read_elsewhere(carried(session, form, tmp_path), form)
    other = open_database(tmp_path / "other.db")
    twin = sitting(n=5, kind=kind, raters=(), raters_per_item="all", at=other)

    first = take_in(other, twin.name, ratings, form=form, actor="lead")
    again = take_in(other, twin.name, ratings, form=form, actor="lead")

    told = [
        sorted(
            (row.item_key, row.answer, tuple(sorted(row.values.items())),
             row.preference.outcome if row.preference else "")
            for row in export_session(at, name).rows
        )
        for at, name in ((session.database, session.name), (other, twin.name))
    ]  # fmt: skip
    other.close()
    assert told[0] == told[1]
    assert (first.n_new, again.n_new, again.n_known) == (len(ratings), 0, len(ratings))
    assert len(first.raters) == 2


def test_an_own_export_taken_in_again_changes_nothing(sitting: Make, tmp_path: Path) -> None:
    session = rated(sitting(n=3))
    ratings = read_elsewhere(carried(session, "jsonl", tmp_path), "jsonl")

    done = take_in(session.database, session.name, ratings, form="jsonl", actor="lead")

    assert done.n_new == 0


def test_ratings_of_other_items_are_refused_whole(sitting: Make, tmp_path: Path) -> None:
    session = rated(sitting(n=3))
    ratings = read_elsewhere(carried(session, "jsonl", tmp_path), "jsonl")
    other = open_database(tmp_path / "other.db")
    sitting(n=3, raters=(), at=other, seed=99)

    with pytest.raises(AnnotationError, match=r"carried\.jsonl: rating .* has no item"):
        take_in(other, "spring", ratings, form="jsonl", actor="lead")
    other.close()


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        ("jsonl", '{"run": "a"}\n', "carried.jsonl:1"),
        ("csv", "item,rater\nx,y\n", "carried.csv:2"),
        ("label-studio", '[{"data": {}, "annotations": [{}]}]', "not what label-studio exports"),
        ("label-studio", "{", "not valid JSON"),
        ("argilla", '{"a": 1}', "expected a list"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, form: Any, text: str, message: str) -> None:
    file = tmp_path / f"carried.{form}"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(Exception, match=message) as told:
        read_elsewhere(file, form)
    assert getattr(told.value, "exit_code", None) == 2


def test_preference_pairs_are_those_that_everybody_agrees_on(sitting: Make) -> None:
    session = rated(sitting(n=4, raters_per_item="all"))
    with pytest.raises(SessionStateError, match="unblind"):
        preference_pairs(export_session(session.database, session.name))
    whole = export_session(opened(session).database, session.name)

    pairs = preference_pairs(whole)

    assert len(pairs) == 4
    assert all(str(pair["chosen"]).startswith("Answer 1") for pair in pairs)
    assert {pair["chosen_run"] for pair in pairs} == {session.runs[1].path.name}
    assert preference_pairs(whole, at_least=3) == []


def test_a_disputed_winner_is_no_preference_pair(sitting: Make) -> None:
    session = sitting(n=1, raters_per_item="all")
    for handle, wanted in (("ann", "Answer 0"), ("ben", "Answer 1")):
        task = claim(session.database, session.name, handle)
        assert isinstance(task, Task)
        slot = next(one.slot for one in task.answers if one.text.startswith(wanted))
        submit(session.database, session.name, handle, answered(task, choice=slot))

    assert preference_pairs(export_session(opened(session).database, session.name)) == []


def test_a_wrong_gold_item_becomes_a_patch(sitting: Make) -> None:
    session = rated(sitting(n=2))
    invite(session.database, session.name, "judge", actor="lead", role="adjudicator")
    item = export_session(session.database, session.name).items[0]
    decision = Decision(item=item.key, token="decision-1", cause="gold wrong", note="旧标准",
                        references=("新答案",))  # fmt: skip
    decide(session.database, session.name, "judge", decision)

    (patch,) = gold_patch(session.database, session.name)

    assert (patch["id"], patch["references"], patch["was"]) == (
        item.gold_id,
        ["新答案"],
        list(item.references),
    )


def test_label_studios_interface_is_xml_with_every_scale(sitting: Make) -> None:
    session = sitting(n=2)

    root = ET.fromstring(interface(export_session(session.database, session.name)))

    names = {one.get("name") for one in root.iter()}
    assert {"truthfulness_a", "truthfulness_b", "preference", "answer_a"} <= names


def test_an_identical_pair_is_exported_as_a_tie_without_a_rater(sitting: Make) -> None:
    said = [{"gold-000": "same"}, {"gold-000": "same"}]
    session = opened(sitting(n=2, said=said, kind="pairwise"))

    rows = export_session(session.database, session.name).rows

    assert [(row.source, row.rater, row.item) for row in rows] == [
        ("identical", "", "gold-000")
    ] * 2
    assert {row.run for row in rows} == {run.path.name for run in session.runs}


def test_the_report_finds_the_agreement_the_winner_and_who_is_left_out(sitting: Make) -> None:
    session = opened(rated(sitting(n=6, raters_per_item="all")))
    exclude(session.database, session.name, "ben", why="did not read", actor="lead", undo=False)

    report = session_report(session.database, session.name)

    by_run = {one.run: one for one in report.runs}
    winner, loser = (by_run[session.runs[n].path.name] for n in (1, 0))
    assert (winner.wins, winner.losses, loser.losses) == (6, 0, 6)
    assert winner.means["truthfulness"] == 5
    assert report.agreement[0].coefficients[0].undefined == "there is one rater"


def test_the_report_of_a_blind_session_says_nothing_by_run(sitting: Make) -> None:
    session = rated(sitting(n=6, raters_per_item="all"))

    report = session_report(session.database, session.name)
    text = datasheet(session.database, session.name)

    assert report.runs == ()
    assert report.agreement[0].coefficients[0].value == pytest.approx(1)
    assert "真实性" in text
    assert "12 of 12 planned ratings" in text
    assert [run.path.name for run in session.runs if run.path.name in text] == []


def test_ratings_are_written_beside_the_runs_that_they_are_about(sitting: Make) -> None:
    session = opened(rated(sitting(n=3)))
    root = session.runs[0].path.parent.parent

    files = write_beside_runs(export_session(session.database, session.name), root)

    assert sorted(files) == sorted(run.path / "ratings" / "spring.jsonl" for run in session.runs)
