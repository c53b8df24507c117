"""Give a rater the next item, keep drafts, take items back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from harness.annotation.audit import record
from harness.annotation.blinding import progress_of, task_of
from harness.annotation.choose import Chooser
from harness.annotation.counts import n_taken
from harness.annotation.database import Database
from harness.annotation.errors import SubmissionError
from harness.annotation.lookup import (
    config_of,
    membership,
    own_assignment,
    rater_named,
    session_named,
)
from harness.annotation.schema.tables import AssignmentRow, ItemRow, RaterRow, SessionRow
from harness.annotation.schema.types import OPEN_STATES, AssignmentState
from harness.annotation.views import NothingToDo, Task
from harness.digest import canonical_json

LONGEST_DRAFT = 100_000
"""Characters of a draft as JSON."""


def claim(database: Database, name: str, handle: str) -> Task | NothingToDo:
    """Give a rater the next item; the one that is open already, where there is one.

    Args:
        database: Where.
        name: The session.
        handle: Of the rater, who is logged in.

    Raises:
        AnnotationError: no such session or person, or not invited.
    """

    def work(session: Session) -> Task | NothingToDo:
        row, rater = session_named(session, name), rater_named(session, handle)
        return next_task(database, session, row, rater)

    return database.write(work)


def next_task(
    database: Database, session: Session, row: SessionRow, rater: RaterRow
) -> Task | NothingToDo:
    """Do the same inside of a unit of work."""
    # Two windows of one rater wait for each other here.
    member = membership(session, row, rater, lock=True)
    if row.state != "open":
        reasons = {"draft": "not open yet", "paused": "paused", "closed": "closed"}
        return NothingToDo(
            reason=reasons[row.state],  # pyright: ignore[reportArgumentType] - one of three
            progress=progress_of(session, row, rater),
        )
    chooser = Chooser(
        database=database,
        session=session,
        row=row,
        config=config_of(row),
        rater=rater,
        member=member,
    )
    assignment = chooser.next()
    session.flush()
    if assignment is None:
        is_more = _may_come_back(session, row, rater)
        progress = progress_of(session, row, rater)
        return NothingToDo(reason="wait" if is_more else "all done", progress=progress)
    return task_of(database, session, row, rater, assignment)


def save_draft(
    database: Database, name: str, handle: str, assignment: str, draft: Mapping[str, Any]
) -> bool:
    """Keep what a rater has entered so far, and the item for another lease.

    Args:
        database: Where.
        name: The session.
        handle: Of the rater.
        assignment: The item in hand.
        draft: Whatever the page needs to go on; it is only ever given back.

    Returns:
        Whether it was kept: False when the rating was submitted in the meantime.

    Raises:
        NotAllowedError: it is another's item.
        SubmissionError: the draft is far too long.
    """
    text = canonical_json(dict(draft))
    if len(text) > LONGEST_DRAFT:
        raise SubmissionError(f"the draft has {len(text)} characters; {LONGEST_DRAFT} are allowed")

    def work(session: Session) -> bool:
        row, rater = session_named(session, name), rater_named(session, handle)
        membership(session, row, rater, lock=True)
        found = own_assignment(session, row, rater, assignment, lock=True)
        if found.state == "submitted":
            return False
        found.draft = dict(draft)
        found.draft_at = database.now()
        if found.state in OPEN_STATES:
            found.state = "started"
            found.lease_until = database.now() + _lease(row)
        return True

    return database.write(work)


def skip(database: Database, name: str, handle: str, assignment: str, reason: str) -> None:
    """Leave an item to others, and say why; the rater does not get it again.

    Raises:
        NotAllowedError: it is another's item.
        SubmissionError: no reason, or it was submitted already.
    """
    if not reason.strip():
        raise SubmissionError("say in a few words why you skip this item")
    _hand_back(database, name, handle, assignment, "skipped", reason.strip())


def release(database: Database, name: str, handle: str, assignment: str) -> None:
    """Give an item back; the rater may get it again.

    Raises:
        NotAllowedError: it is another's item.
        SubmissionError: it was submitted already.
    """
    _hand_back(database, name, handle, assignment, "released", None)


def _hand_back(
    database: Database,
    name: str,
    handle: str,
    assignment: str,
    state: AssignmentState,
    reason: str | None,
) -> None:
    def work(session: Session) -> None:
        row, rater = session_named(session, name), rater_named(session, handle)
        membership(session, row, rater, lock=True)
        found = own_assignment(session, row, rater, assignment, lock=True)
        if found.state == "submitted":
            raise SubmissionError("this rating is stored already; open it again to change it")
        if found.state == state:
            return
        found.state = state
        found.skip_reason = reason
        session.flush()
        item = session.execute(
            select(ItemRow).where(ItemRow.id == found.item_id).with_for_update()
        ).scalar_one()
        item.n_taken = n_taken(session, item.id)
        record(database, session, row.id, handle, state, assignment=assignment, reason=reason)

    database.write(work)


def _lease(row: SessionRow) -> timedelta:
    return timedelta(minutes=config_of(row).lease_minutes)


def _may_come_back(session: Session, row: SessionRow, rater: RaterRow) -> bool:
    """Return whether others hold items that this rater could still get."""
    had = select(AssignmentRow.item_id).where(
        AssignmentRow.session_id == row.id,
        AssignmentRow.rater_id == rater.id,
        AssignmentRow.state.not_in(("expired", "released")),
    )
    held = (
        select(func.count())
        .select_from(AssignmentRow)
        .join(ItemRow, ItemRow.id == AssignmentRow.item_id)
        .where(
            ItemRow.session_id == row.id,
            ItemRow.is_open,
            or_(ItemRow.target.is_(None), ItemRow.n_taken >= ItemRow.target),
            AssignmentRow.state.in_(OPEN_STATES),
            ItemRow.id.not_in(had),
        )
    )
    return bool(session.scalar(held))
