"""A crawler over all that a rater can receive: nothing in it names a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.annotation.assign import claim, save_draft
from harness.annotation.blinding import open_again, own_ratings, sessions_for
from harness.annotation.entry import person_of, redeem
from harness.annotation.errors import AnnotationError
from harness.annotation.export.rows import export_session
from harness.annotation.export.tables import csv_text, jsonl
from harness.annotation.raters import invite
from harness.annotation.setup import change_state, unblind
from harness.annotation.submit import submit
from harness.annotation.views import Task
from harness.digest import canonical_json
from tests.harness.annotation.conftest import ADAPTER, MODEL, RUN_NAMES, Sitting, answered
from tests.harness.annotation.test_service import known_items

TELLING = (
    *RUN_NAMES, MODEL, "Zephyr", "zephyr", ADAPTER, "adapter", "lora", "f00dcafe", "gold-0",
    "identity", "provenance", "configuration", "completions",
)  # fmt: skip


def seen_by(session: Sitting, handle: str) -> str:
    """Do everything a rater can do; return all that came back, as one text."""
    secret = invite(session.database, session.name, handle, actor="lead")
    entry = redeem(session.database, secret)
    got: list[Any] = [
        asdict(entry.person),
        asdict(person_of(session.database, entry.login)),
        *map(asdict, sessions_for(session.database, handle)),
    ]
    task: Any = claim(session.database, session.name, handle)
    number = 0
    while isinstance(task, Task):
        got.append(asdict(task))
        save_draft(session.database, session.name, handle, task.assignment, {"n": number})
        got.append(asdict(open_again(session.database, session.name, handle, task.assignment)))
        receipt = submit(session.database, session.name, handle, answered(task))
        got.append({**asdict(receipt), "saved_at": ""})
        got.append(asdict(open_again(session.database, session.name, handle, task.assignment)))
        number += 1
        task = receipt.next
    got.append(asdict(task))
    got += [
        {**asdict(one), "saved_at": ""}
        for one in own_ratings(session.database, session.name, handle)
    ]
    for wrong in (lambda: claim(session.database, "no-session", handle),
                  lambda: open_again(session.database, session.name, handle, "0" * 16)):  # fmt: skip
        with pytest.raises(AnnotationError) as refused:
            wrong()
        got.append(str(refused.value))
    return canonical_json(got)


@pytest.mark.parametrize("kind", ["likert", "pairwise", "both"])
def test_nothing_a_rater_receives_names_a_run(
    sitting: Callable[..., Sitting], kind: str, tmp_path: Path
) -> None:
    said = [
        {"gold-000": "I am zephyr-lora-r8, made by acme.", "gold-001": "<|im_start|>Yes"},
        {"gold-000": "As an AI language model trained by OpenAI, I say: yes.", "gold-002": "same"},
        {"gold-002": "same", "gold-003": "From acme/Zephyr-7B: 42"},
    ]
    checks = {"file": known_items(tmp_path)} if kind == "likert" else {}
    session = sitting(
        n=30, n_runs=3, said=said, kind=kind, pairs="all", raters_per_item="all", checks=checks,
        repeats={"share": 0.1, "at_least": 2, "gap": 5}, references="open",
    )  # fmt: skip

    text = seen_by(session, "ann")

    assert "Question 7?" in text
    assert [word for word in TELLING if word in text] == []
    assert "OpenAI" not in text
    assert "<|im_start|>" not in text


def test_an_export_names_runs_only_after_unblinding(sitting: Callable[..., Sitting]) -> None:
    session = sitting(n=6)
    task: Any = claim(session.database, session.name, "ann")
    while isinstance(task, Task):
        task = submit(session.database, session.name, "ann", answered(task)).next
    blind = export_session(session.database, session.name)
    texts = jsonl(blind) + csv_text(blind)
    change_state(session.database, session.name, "closed", actor="lead")
    unblind(session.database, session.name, actor="lead")

    seen = export_session(session.database, session.name)

    assert [run.path.name for run in session.runs if run.path.name in texts] == []
    assert {row.run for row in seen.rows} == {run.path.name for run in session.runs}
    # Every answer has its own stand-in, so that nobody can count wins of one run.
    assert len({row.run for row in blind.rows}) == len(blind.rows)
