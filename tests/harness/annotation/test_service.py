"""Claims and submits: what a rater gets, in what order, and what becomes of what is said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from harness.annotation.adjudicate import decide, disputes
from harness.annotation.assign import claim, release, save_draft, skip
from harness.annotation.audit import events
from harness.annotation.blinding import open_again, own_ratings
from harness.annotation.errors import NotAllowedError, SessionStateError, SubmissionError
from harness.annotation.flags import flags
from harness.annotation.lead_views import Decision
from harness.annotation.progress import session_progress
from harness.annotation.schema.tables import AssignmentRow, ItemRow, RaterRow
from harness.annotation.setup import change_state
from harness.annotation.submit import submit
from harness.annotation.views import AnswerScores, NothingToDo, Receipt, Slot, Submission, Task
from tests.harness.annotation.conftest import Clock, Sitting, answered

Make = Callable[..., Sitting]


def given(sitting: Sitting, handle: str = "ann") -> Task:
    task = claim(sitting.database, sitting.name, handle)
    assert isinstance(task, Task), task
    return task


def said(sitting: Sitting, task: Task, handle: str = "ann", **fields: Any) -> Receipt:
    return submit(sitting.database, sitting.name, handle, answered(task, **fields))


def rate_all(sitting: Sitting, handle: str, most: int = 1000, **fields: Any) -> list[Task]:
    """Rate until nothing comes; return what was shown."""
    shown: list[Task] = []
    task: Any = claim(sitting.database, sitting.name, handle)
    while isinstance(task, Task) and len(shown) < most:
        shown.append(task)
        task = said(sitting, task, handle, **fields).next
    return shown


def test_a_claim_resumes_what_is_open_and_brings_its_draft_back(sitting: Make) -> None:
    session = sitting()
    task = given(session)
    save_draft(session.database, session.name, "ann", task.assignment, {"值": 3})

    again = given(session)

    assert again.assignment == task.assignment
    assert again.draft == {"值": 3}


def test_the_same_message_twice_is_stored_once(sitting: Make) -> None:
    session = sitting()
    task = given(session)

    first, second = said(session, task), said(session, task)

    assert not first.is_repeat_of_message
    assert second.is_repeat_of_message
    assert (first.revision, second.revision) == (1, 1)
    assert session_progress(session.database, session.name).n_ratings == 1


def test_a_token_cannot_carry_two_different_ratings(sitting: Make) -> None:
    session = sitting()
    task = given(session)
    said(session, task, value=4)

    with pytest.raises(SubmissionError, match="another rating"):
        said(session, task, value=5)


def test_a_second_rating_is_a_new_revision_and_the_old_one_stays(sitting: Make) -> None:
    session = sitting()
    task = given(session)
    said(session, task, value=4)

    receipt = said(session, task, value=5, token="another-tab")
    opened = open_again(session.database, session.name, "ann", task.assignment)

    assert receipt.revision == 2
    assert opened.said is not None
    assert opened.said.answers["A"].values["truthfulness"] == 5
    assert session_progress(session.database, session.name).n_ratings == 1


def test_what_was_said_comes_back_on_the_sides_it_was_said_on(sitting: Make) -> None:
    session = sitting(n=8)
    for _ in range(8):
        task = given(session)
        said(session, task, values={"A": 5, "B": 3}, choice="A")
        opened = open_again(session.database, session.name, "ann", task.assignment)
        assert opened.answers == task.answers
        assert opened.said is not None
        assert opened.said.choice == "A"
        points = {
            slot: scores.values["truthfulness"] for slot, scores in opened.said.answers.items()
        }
        assert points == {"A": 5, "B": 3}


def test_an_item_of_another_is_refused(sitting: Make) -> None:
    session = sitting()
    task = given(session, "ann")

    with pytest.raises(NotAllowedError, match="not given to you"):
        said(session, task, "ben")
    with pytest.raises(NotAllowedError, match="not given to you"):
        save_draft(session.database, session.name, "ben", task.assignment, {})
    with pytest.raises(NotAllowedError, match="not invited"):
        claim(session.database, session.name, _stranger(session))


def _stranger(session: Sitting) -> str:
    def add(unit: Any) -> None:
        unit.add(
            RaterRow(
                handle="eve", name="Eve", role="rater", locale="en", is_active=True,
                n_failures=0, created_at=session.database.now(),
            )
        )  # fmt: skip

    session.database.write(add)
    return "eve"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": {}}, "truthfulness has no rating yet"),
        ({"choice": None, "strength": 0}, "say which answer is better"),
        ({"strength": 0}, "strength is 0"),
        ({"choice": "tie", "strength": 2}, "strength is 2"),
        ({"token": "short"}, "token must be"),
        ({"confidence": 2}, "was not asked"),
        ({"comment": "x" * 10_001}, "longer than 10000"),
    ],
)
def test_an_incomplete_rating_is_refused_whole(
    sitting: Make, change: dict[str, Any], message: str
) -> None:
    session = sitting()
    task = given(session)
    whole = answered(task)
    fields = {name: getattr(whole, name) for name in Submission.__dataclass_fields__}

    with pytest.raises(SubmissionError, match=message):
        submit(session.database, session.name, "ann", Submission(**{**fields, **change}))
    assert session_progress(session.database, session.name).n_ratings == 0


@pytest.mark.parametrize("value", [0, 6, 3.0, True, "3"])
def test_what_is_no_point_of_the_scale_is_refused(sitting: Make, value: Any) -> None:
    session = sitting()

    with pytest.raises(SubmissionError, match="it goes from 1 to 5"):
        said(session, given(session), value=value)


def test_a_low_rating_needs_a_reason(sitting: Make) -> None:
    session = sitting()
    task = given(session)

    with pytest.raises(SubmissionError, match="add a tag, or a few words"):
        said(session, task, value=2)

    assert said(session, task, value=2, comment="剂量错了\x00").revision == 1


def test_cannot_judge_is_an_answer_and_no_number(sitting: Make) -> None:
    session = sitting()
    said(session, given(session), value=None)

    assert session_progress(session.database, session.name).raters[0].n_cannot_judge == 1


def test_an_item_comes_back_to_the_pool_when_its_lease_is_over(sitting: Make, clock: Clock) -> None:
    session = sitting(n=1)
    given(session, "ann")
    before = claim(session.database, session.name, "ben")

    clock.pass_by(minutes=31)
    after = claim(session.database, session.name, "ben")

    assert isinstance(before, NothingToDo)
    assert before.reason == "wait"
    assert isinstance(after, Task)


def test_a_rating_after_the_lease_counts_where_there_is_room(sitting: Make, clock: Clock) -> None:
    session = sitting(n=1)
    task = given(session, "ann")
    clock.pass_by(hours=9)

    said(session, task, "ann")

    progress = session_progress(session.database, session.name)
    assert (progress.n_ratings, progress.raters[0].n_surplus) == (1, 0)


def test_a_rating_that_comes_too_late_is_kept_as_surplus(sitting: Make, clock: Clock) -> None:
    session = sitting(n=1)
    late = given(session, "ann")
    clock.pass_by(minutes=31)
    said(session, given(session, "ben"), "ben")

    said(session, late, "ann")

    progress = session_progress(session.database, session.name)
    assert (progress.n_ratings, progress.n_complete) == (1, 1)
    assert progress.raters[0].n_surplus == 1
    assert progress.faults == ()


def test_a_skipped_item_goes_to_others_only(sitting: Make) -> None:
    session = sitting(n=1)
    skip(session.database, session.name, "ann", given(session).assignment, "看不懂")

    nothing = claim(session.database, session.name, "ann")

    assert isinstance(nothing, NothingToDo)
    assert nothing.reason == "all done"
    assert isinstance(claim(session.database, session.name, "ben"), Task)


def test_a_released_item_can_come_back(sitting: Make) -> None:
    session = sitting(n=1)
    task = given(session)
    release(session.database, session.name, "ann", task.assignment)

    assert given(session).assignment == task.assignment


def test_everyone_rates_everything_once_in_an_order_of_their_own(sitting: Make) -> None:
    session = sitting(n=15, raters_per_item="all")

    orders = {handle: [t.prompt for t in rate_all(session, handle)] for handle in session.raters}

    assert all(len(set(order)) == 15 == len(order) for order in orders.values())
    assert orders["ann"] != orders["ben"]


def test_equal_seeds_give_equal_sessions(sitting: Make, tmp_path: Path, clock: Clock) -> None:
    from harness.annotation.database import open_database

    seen: list[list[tuple[str, Any]]] = []
    for number in range(2):
        other = open_database(tmp_path / f"other-{number}.db", clock=clock)
        session = sitting(n=15, at=other)
        seen.append([(task.prompt, task.answers) for task in rate_all(session, "ann")])
        other.close()

    assert seen[0] == seen[1]


def test_sides_are_balanced_within_every_rater_and_item(sitting: Make) -> None:
    session = sitting(n=40, raters=("ann", "ben", "cai", "dia"), raters_per_item="all")
    for handle in session.raters:
        rate_all(session, handle)

    def leans(unit: Any) -> tuple[Counter[int], Counter[int]]:
        by_rater: Counter[int] = Counter()
        by_item: Counter[int] = Counter()
        for one in unit.scalars(select(AssignmentRow)):
            by_rater[one.rater_id] += 1 if one.is_flipped else -1
            by_item[one.item_id] += 1 if one.is_flipped else -1
        return by_rater, by_item

    by_rater, by_item = session.database.read(leans)
    assert all(abs(lean) <= 3 for lean in by_rater.values())
    assert sum(lean == 0 for lean in by_item.values()) >= 36


def test_repeats_come_back_swapped_and_not_soon(sitting: Make) -> None:
    session = sitting(n=40, raters=("ann",), repeats={"share": 0.1, "at_least": 3, "gap": 10})

    shown = rate_all(session, "ann")

    places: dict[str, list[int]] = {}
    for place, task in enumerate(shown):
        places.setdefault(task.prompt, []).append(place)
    twice = [where for where in places.values() if len(where) == 2]
    assert len(twice) == 4
    for first, second in twice:
        assert second - first > 10
        assert shown[first].answers[0].text == shown[second].answers[1].text
    assert session_progress(session.database, session.name).n_ratings == 40


def test_two_raters_who_differ_bring_a_third(sitting: Make) -> None:
    session = sitting(
        n=1, raters=("ann", "ben", "cai"), raters_per_item=2, boost={"raters": 3, "spread": 2}
    )
    said(session, given(session, "ann"), "ann", value=5, choice="tie")
    said(session, given(session, "ben"), "ben", value=3, choice="tie")

    assert isinstance(claim(session.database, session.name, "cai"), Task)


def test_two_raters_who_agree_bring_nobody(sitting: Make) -> None:
    session = sitting(
        n=1, raters=("ann", "ben", "cai"), raters_per_item=2, boost={"raters": 3, "spread": 2}
    )
    said(session, given(session, "ann"), "ann", value=5, choice="tie")
    said(session, given(session, "ben"), "ben", value=4, choice="tie")

    assert isinstance(claim(session.database, session.name, "cai"), NothingToDo)


def known_items(folder: Path, *, kind: str = "likert") -> str:
    rows: list[dict[str, Any]] = [
        {"id": f"c{n}", "prompt": f"Check {n}?", "answers": ["2 + 2 = 5"],
         "accept": [{"truthfulness": [1, 2]}]}
        for n in range(4)
    ]  # fmt: skip
    rows.append(
        {"id": "t0", "kind": "training", "prompt": "Learn?", "answers": ["2 + 2 = 4"],
         "accept": [{"truthfulness": [5, 5]}], "explanation": "It is."}
    )  # fmt: skip
    file = folder / "checks.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file.name


def test_training_comes_first_with_its_answers_and_checks_come_silently(
    sitting: Make, tmp_path: Path
) -> None:
    session = sitting(
        n=20, raters=("ann",), kind="likert",
        checks={"file": known_items(tmp_path), "share": 0.1, "not_before": 3},
    )  # fmt: skip
    first = given(session)
    receipt = said(session, first, value=4)

    rest = rate_all(session, "ann")

    assert first.is_training
    assert [(one.expected, one.is_right) for one in receipt.feedback] == [("5", False)]
    prompts = [task.prompt for task in (first, *rest)]
    places = [n for n, prompt in enumerate(prompts) if prompt.startswith("Check")]
    assert len(places) in {2, 3, 4}
    assert min(places) >= 3
    assert not any(task.is_training for task in rest)


def test_who_fails_checks_is_flagged(sitting: Make, tmp_path: Path) -> None:
    session = sitting(
        n=30, raters=("ann",), kind="likert", checks={"file": known_items(tmp_path), "share": 0.2}
    )
    rate_all(session, "ann", value=5)

    found = {flag.kind: flag for flag in flags(session.database, session.name)}

    assert found["failed checks"].n == found["failed checks"].of >= 3
    assert found["failed checks"].is_serious
    assert found["straight-lining"].is_serious


def test_who_always_takes_the_left_is_flagged_and_who_is_fast_too(sitting: Make) -> None:
    session = sitting(n=30, raters=("ann",))
    rate_all(session, "ann", choice="A", elapsed_ms=100)

    kinds = {flag.kind for flag in flags(session.database, session.name)}

    assert {"one-sided", "too fast", "straight-lining"} <= kinds


def test_a_pause_gives_nothing_out_and_takes_what_is_in_hand(sitting: Make) -> None:
    session = sitting()
    task = given(session)
    change_state(session.database, session.name, "paused", actor="lead")

    receipt = said(session, task)

    assert isinstance(receipt.next, NothingToDo)
    assert receipt.next.reason == "paused"


def test_a_closed_session_takes_nothing_and_keeps_the_draft(sitting: Make) -> None:
    session = sitting()
    task = given(session)
    change_state(session.database, session.name, "closed", actor="lead")
    save_draft(session.database, session.name, "ann", task.assignment, {"x": 1})

    with pytest.raises(SessionStateError, match="no ratings are taken"):
        said(session, task)
    assert open_again(session.database, session.name, "ann", task.assignment).draft == {"x": 1}


def test_disputes_come_worst_first_and_without_names(sitting: Make) -> None:
    session = sitting(n=2, raters_per_item=2)
    for handle, values in (("ann", (5, 4)), ("ben", (1, 4))):
        for _ in range(2):
            task = given(session, handle)
            value = values[0] if task.prompt == "Question 0?" else values[1]
            said(session, task, handle, value=value, choice="tie", comment="because")

    found = disputes(session.database, session.name)

    assert [one.prompt for one in found] == ["Question 0?"]
    assert "1 to 5" in found[0].reasons[0]
    assert {rating.rater for rating in found[0].ratings} == {"rater 1", "rater 2"}


def test_a_last_word_needs_the_role_and_ends_a_dispute(sitting: Make) -> None:
    session = sitting(n=1, raters_per_item=2)
    for handle, value in (("ann", 5), ("ben", 3)):
        said(session, given(session, handle), handle, value=value, choice="tie")
    (dispute,) = disputes(session.database, session.name)
    decision = Decision(
        item=dispute.item, token="decision-1", cause="gold wrong", references=("Right",),
        answers=({"truthfulness": 4},),
    )  # fmt: skip

    with pytest.raises(NotAllowedError, match="only adjudicators and leads"):
        decide(session.database, session.name, "ann", decision)
    from harness.annotation.raters import invite

    invite(session.database, session.name, "judge", actor="lead", role="adjudicator")
    decide(session.database, session.name, "judge", decision)

    (after,) = disputes(session.database, session.name)
    assert after.is_decided


def test_everything_that_is_done_is_in_the_log(sitting: Make) -> None:
    session = sitting()
    said(session, given(session))

    whats = [event.what for event in events(session.database, session.name)]

    assert whats == ["created", "invited", "invited", "open", "submitted"]


def test_own_ratings_are_listed_in_order_and_only_ones_own(sitting: Make) -> None:
    session = sitting(n=6)
    shown = rate_all(session, "ann", most=3)

    listed = own_ratings(session.database, session.name, "ann")

    assert [one.assignment for one in listed[:3]] == [task.assignment for task in shown]
    assert own_ratings(session.database, session.name, "ben") == []


def test_a_wrong_count_of_raters_is_found_and_mended(sitting: Make) -> None:
    session = sitting(n=3, raters=("ann",))

    def damage(unit: Any) -> None:
        for item in unit.scalars(select(ItemRow)):
            item.n_taken = 5

    session.database.write(damage)

    assert len(rate_all(session, "ann")) == 3


def test_tags_are_kept_with_their_gravity(sitting: Make) -> None:
    session = sitting(n=1)
    task = given(session)
    whole = answered(task, 2)
    answers: dict[Slot, AnswerScores] = {
        slot: AnswerScores(values=scores.values, tags={"unsafe": "critical"})
        for slot, scores in whole.answers.items()
    }
    submit(
        session.database, session.name, "ann",
        Submission(
            assignment=task.assignment, token="tagged-01", answers=answers, choice="tie"
        ),
    )  # fmt: skip

    (dispute,) = disputes(session.database, session.name)
    assert "critical fault" in dispute.reasons
