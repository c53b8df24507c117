"""Find rows by the names that people use."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.config import SessionConfig
from harness.annotation.dimensions import DimensionSet
from harness.annotation.errors import AnnotationError, NotAllowedError
from harness.annotation.schema.tables import AssignmentRow, MemberRow, RaterRow, SessionRow
from harness.errors import suggestion


def session_named(session: Session, name: str, *, lock: bool = False) -> SessionRow:
    """Return a session.

    Args:
        session: The unit of work.
        name: Its name.
        lock: Whether nobody else may change it until the unit ends.

    Raises:
        AnnotationError: there is none; the nearest name is offered.
    """
    query = select(SessionRow).where(SessionRow.name == name)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        names = list(session.scalars(select(SessionRow.name)))
        known = f"; there are: {', '.join(names)}" if names else "; there are none yet"
        raise AnnotationError(f"no session {name!r}{suggestion(name, names)}{known}")
    return row


def rater_named(session: Session, handle: str) -> RaterRow:
    """Return a person.

    Raises:
        AnnotationError: there is none, or not any longer.
    """
    row = session.scalar(select(RaterRow).where(RaterRow.handle == handle))
    if row is None:
        handles = list(session.scalars(select(RaterRow.handle)))
        raise AnnotationError(f"no person {handle!r}{suggestion(handle, handles)}")
    if not row.is_active:
        raise NotAllowedError(f"{handle!r} has been deactivated")
    return row


def membership(
    session: Session, row: SessionRow, rater: RaterRow, *, lock: bool = False
) -> MemberRow:
    """Return a person's part in a session.

    Args:
        session: The unit of work.
        row: The session.
        rater: The person.
        lock: Whether two units of the same person wait for each other.

    Raises:
        NotAllowedError: the person was not invited.
    """
    query = select(MemberRow).where(MemberRow.session_id == row.id, MemberRow.rater_id == rater.id)
    member = session.scalar(query.with_for_update() if lock else query)
    if member is None:
        raise NotAllowedError("you are not invited to this session; ask its lead for a link")
    return member


def own_assignment(
    session: Session, row: SessionRow, rater: RaterRow, key: str, *, lock: bool = False
) -> AssignmentRow:
    """Return an item in the hands of a rater.

    Args:
        session: The unit of work.
        row: The session.
        rater: The person.
        key: Opaque name of the assignment.
        lock: Whether nobody else may change it until the unit ends.

    Raises:
        NotAllowedError: it is not this rater's, or there is none.
    """
    query = select(AssignmentRow).where(
        AssignmentRow.key == key,
        AssignmentRow.session_id == row.id,
        AssignmentRow.rater_id == rater.id,
    )
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotAllowedError("this item was not given to you")
    return found


def config_of(row: SessionRow) -> SessionConfig:
    """Return what a session is to be, as it was written down."""
    return SessionConfig.model_validate(row.config)


def scales_of(row: SessionRow) -> DimensionSet:
    """Return the scales as they were when the session was made."""
    return DimensionSet.model_validate(row.scales)
