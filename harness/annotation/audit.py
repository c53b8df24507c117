"""The audit log: who did what, when. It is only ever added to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.database import Database
from harness.annotation.lead_views import Event
from harness.annotation.lookup import session_named
from harness.annotation.schema.tables import EventRow


def record(
    database: Database,
    session: Session,
    session_id: int | None,
    actor: str,
    what: str,
    **detail: object,
) -> None:
    """Add an event to a unit of work, so that it is stored if and only if the deed is."""
    session.add(
        EventRow(
            session_id=session_id,
            actor=actor,
            what=what,
            detail=dict(detail),
            created_at=database.now(),
        )
    )


def events(database: Database, name: str | None = None) -> list[Event]:
    """Return the events of a session, or all, oldest first.

    Raises:
        AnnotationError: there is no session of that name.
    """

    def work(session: Session) -> list[Event]:
        query = select(EventRow).order_by(EventRow.id)
        if name is not None:
            query = query.where(EventRow.session_id == session_named(session, name).id)
        return [
            Event(at=row.created_at, actor=row.actor, what=row.what, detail=row.detail)
            for row in session.scalars(query)
        ]

    return database.read(work)
