"""How far a session is, by rater and item and never by run; and whether what is stored is whole."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from harness.annotation.database import Database
from harness.annotation.latest import StoredRating, latest_ratings
from harness.annotation.lead_views import RaterProgress, SessionProgress
from harness.annotation.lookup import session_named
from harness.annotation.schema.tables import (
    AssignmentRow,
    ItemRow,
    MemberRow,
    RaterRow,
    RatingRow,
    SessionRow,
)
from harness.annotation.schema.types import OPEN_STATES, TAKEN_STATES
from harness.annotation.setup import summary_of


def session_progress(database: Database, name: str) -> SessionProgress:
    """Return how far a session is.

    Raises:
        AnnotationError: there is none of that name.
    """

    def work(session: Session) -> SessionProgress:
        row = session_named(session, name)
        members = _members(session, row)
        counts = _ratings_by_item(session, row)
        items = session.scalars(
            select(ItemRow).where(
                ItemRow.session_id == row.id, ItemRow.kind == "plain", ItemRow.is_open
            )
        ).all()
        wanted = {item.id: item.target or len(members) for item in items}
        return SessionProgress(
            summary=summary_of(session, row),
            n_wanted=sum(wanted.values()),
            n_ratings=sum(min(counts.get(item, 0), n) for item, n in wanted.items()),
            n_complete=sum(counts.get(item, 0) >= n > 0 for item, n in wanted.items()),
            raters=tuple(_progress_of(session, row, member, rater) for member, rater in members),
            faults=tuple(_faults(session, row)),
        )

    return database.read(work)


def _members(session: Session, row: SessionRow) -> list[tuple[MemberRow, RaterRow]]:
    found = session.execute(
        select(MemberRow, RaterRow)
        .join(RaterRow, RaterRow.id == MemberRow.rater_id)
        .where(MemberRow.session_id == row.id)
        .order_by(MemberRow.id)
    )
    return [(member, rater) for member, rater in found]


def _ratings_by_item(session: Session, row: SessionRow) -> dict[int, int]:
    """Return how many ratings count for each item."""
    counted = session.execute(
        select(AssignmentRow.item_id, func.count())
        .where(
            AssignmentRow.session_id == row.id,
            AssignmentRow.state == "submitted",
            AssignmentRow.occurrence == 0,
            AssignmentRow.is_surplus.is_(False),
        )
        .group_by(AssignmentRow.item_id)
    )
    return dict(counted.all())


def _progress_of(
    session: Session, row: SessionRow, member: MemberRow, rater: RaterRow
) -> RaterProgress:
    own = session.scalars(
        select(AssignmentRow).where(
            AssignmentRow.session_id == row.id, AssignmentRow.rater_id == rater.id
        )
    ).all()
    submitted = [one for one in own if one.state == "submitted"]
    said = list(latest_ratings(session, [one.id for one in submitted]).values())
    times = [one.elapsed_ms / 1000 for one in said if one.elapsed_ms is not None]
    return RaterProgress(
        handle=rater.handle,
        pseudonym=member.pseudonym,
        n_submitted=len(submitted),
        n_open=sum(one.state in OPEN_STATES for one in own),
        n_skipped=sum(one.state == "skipped" for one in own),
        n_surplus=sum(one.is_surplus for one in own),
        n_cannot_judge=sum(map(_is_unsure, said)),
        median_seconds=median(times) if times else None,
        last_at=max((one.saved_at for one in said), default=None),
        is_excluded=member.is_excluded,
    )


def _is_unsure(said: StoredRating) -> bool:
    return any(value is None for values in said.values.values() for value in values.values())


def _faults(session: Session, row: SessionRow) -> Sequence[str]:
    """Return what must never be: lost, doubled or surplus ratings that are not marked as such."""
    taken = (
        select(AssignmentRow.item_id, func.count().label("n"))
        .where(
            AssignmentRow.session_id == row.id,
            AssignmentRow.state.in_(TAKEN_STATES),
            AssignmentRow.occurrence == 0,
            AssignmentRow.is_surplus.is_(False),
        )
        .group_by(AssignmentRow.item_id)
        .subquery()
    )
    over = session.scalars(
        select(ItemRow.key)
        .join(taken, taken.c.item_id == ItemRow.id)
        .where(ItemRow.target.is_not(None), taken.c.n > ItemRow.target)
    ).all()
    faults = [f"item {key} has more raters than planned" for key in over]
    without = session.scalars(
        select(AssignmentRow.key)
        .outerjoin(RatingRow, RatingRow.assignment_id == AssignmentRow.id)
        .where(
            AssignmentRow.session_id == row.id,
            AssignmentRow.state == "submitted",
            RatingRow.id.is_(None),
        )
    ).all()
    faults += [f"assignment {key} is submitted, and there is no rating" for key in without]
    unmarked = session.scalars(
        select(AssignmentRow.key)
        .join(RatingRow, RatingRow.assignment_id == AssignmentRow.id)
        .where(AssignmentRow.session_id == row.id, AssignmentRow.state != "submitted")
        .distinct()
    ).all()
    return faults + [f"assignment {key} has a rating, and is not submitted" for key in unmarked]
