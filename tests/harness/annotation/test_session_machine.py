"""A session under random use: nothing lost, nothing doubled, no item over-assigned, ever."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.assign import claim, release, save_draft, skip
from harness.annotation.blinding import own_ratings
from harness.annotation.choose import MOST_ONE_SIDED
from harness.annotation.config import SessionConfig
from harness.annotation.database import Database, open_database
from harness.annotation.progress import session_progress
from harness.annotation.raters import invite
from harness.annotation.schema.tables import (
    AssignmentRow,
    ItemRow,
    RaterRow,
    RatingRow,
    SessionRow,
)
from harness.annotation.setup import change_state, create_session
from harness.annotation.submit import submit
from harness.annotation.views import Submission, Task
from harness.store import RunFolder
from harness.suite import Suite
from tests.harness.annotation.conftest import Clock, answered

RATERS = ("ann", "ben", "cai", "dia")
N_ITEMS = 9

_material: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def _made_once(  # pyright: ignore[reportUnusedFunction] - a fixture
    suite_of: Callable[..., Suite], runs_of: Callable[..., list[RunFolder]]
) -> None:
    suite = suite_of(N_ITEMS)
    _material.update(suite=suite, runs=runs_of(suite, 2))


class Sessions(RuleBasedStateMachine):
    """Raters claim, submit, send again, change, skip, give back, go to lunch."""

    @initialize(
        k=st.sampled_from([1, 2, 3, "all"]),
        repeats=st.sampled_from([0.0, 0.5]),
        boost=st.booleans(),
        kind=st.sampled_from(["likert", "pairwise", "both"]),
    )
    def begin(self, k: Any, repeats: float, boost: bool, kind: str) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock()
        self.database: Database = open_database(
            self.folder / "a.db", clock=self.clock, synchronous="NORMAL"
        )
        config = SessionConfig.model_validate(
            {
                "name": "s",
                "kind": kind,
                "raters_per_item": k,
                "overlap": {"share": 0.3 if k != "all" else 0.0, "at_least": 0, "raters": 2},
                "repeats": {"share": repeats, "at_least": 1, "gap": 2},
                "boost": {"raters": 3} if boost else None,
            }
        )
        create_session(
            self.database, config, _material["suite"], _material["runs"],
            folder=self.folder, actor="lead",
        )  # fmt: skip
        for handle in RATERS:
            invite(self.database, "s", handle, actor="lead")
        change_state(self.database, "s", "open", actor="lead")
        self.hands: dict[str, Task] = {}
        self.sent: list[tuple[str, Submission]] = []
        self.acknowledged: set[str] = set()
        self.n_tokens = 0

    @rule(handle=st.sampled_from(RATERS))
    def take(self, handle: str) -> None:
        task = claim(self.database, "s", handle)
        if isinstance(task, Task):
            self.hands[handle] = task

    @rule(
        handle=st.sampled_from(RATERS),
        value=st.integers(3, 5) | st.none(),
        choice=st.sampled_from(["A", "B", "tie", "both_bad"]),
    )
    def rate(self, handle: str, value: int | None, choice: str) -> None:
        if handle not in self.hands:
            return
        self.n_tokens += 1
        token = f"token-{self.n_tokens:06d}"
        said = answered(self.hands.pop(handle), value, token=token, choice=choice)
        receipt = submit(self.database, "s", handle, said)
        self.sent.append((handle, said))
        self.acknowledged.add(token)
        if isinstance(receipt.next, Task):
            self.hands[handle] = receipt.next

    @rule(which=st.integers(0, 10**6))
    def send_again(self, which: int) -> None:
        if self.sent:
            handle, said = self.sent[which % len(self.sent)]
            assert submit(self.database, "s", handle, said).is_repeat_of_message

    @rule(handle=st.sampled_from(RATERS))
    def draft(self, handle: str) -> None:
        if handle in self.hands:
            save_draft(self.database, "s", handle, self.hands[handle].assignment, {"x": 1})

    @rule(handle=st.sampled_from(RATERS))
    def leave_it(self, handle: str) -> None:
        if handle in self.hands:
            skip(self.database, "s", handle, self.hands.pop(handle).assignment, "no idea")

    @rule(handle=st.sampled_from(RATERS))
    def give_back(self, handle: str) -> None:
        if handle in self.hands:
            release(self.database, "s", handle, self.hands.pop(handle).assignment)

    @rule()
    def lunch(self) -> None:
        self.clock.pass_by(minutes=31)

    @invariant()
    def all_is_well(self) -> None:
        if not hasattr(self, "database"):
            return
        assert session_progress(self.database, "s").faults == ()
        self.database.read(self._check)
        for handle in RATERS:
            numbers = [one.number for one in own_ratings(self.database, "s", handle)]
            assert numbers == list(range(1, len(numbers) + 1))

    def _check(self, session: Session) -> None:
        tokens = session.scalars(select(RatingRow.token)).all()
        assert Counter(tokens) == Counter(self.acknowledged)
        held: Counter[int] = Counter()
        leans: Counter[str] = Counter()
        for assignment, item, rater in session.execute(
            select(AssignmentRow, ItemRow, RaterRow)
            .join(ItemRow, ItemRow.id == AssignmentRow.item_id)
            .join(RaterRow, RaterRow.id == AssignmentRow.rater_id)
        ):
            if assignment.occurrence == 0:
                leans[rater.handle] += 1 if assignment.is_flipped else -1
                if assignment.state in {"offered", "started", "submitted"}:
                    held[item.id] += not assignment.is_surplus
        for item in session.scalars(select(ItemRow)):
            assert item.target is None or held[item.id] <= item.target
            assert item.n_taken == held[item.id]
        if session.scalars(select(SessionRow.kind)).one() != "likert":
            assert all(abs(lean) <= MOST_ONE_SIDED for lean in leans.values()), leans

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            shutil.rmtree(self.folder)


def within(*, examples: int, steps: int) -> settings:
    """Return settings; shrinking a failure would write thousands of databases."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
    )


def test_no_use_of_a_session_breaks_its_plan() -> None:
    run_state_machine_as_test(Sessions, settings=within(examples=8, steps=30))


@pytest.mark.slow
def test_no_long_use_of_a_session_breaks_its_plan() -> None:
    run_state_machine_as_test(Sessions, settings=within(examples=50, steps=70))
