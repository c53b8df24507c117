"""How many raters an item has: counted from its assignments, never remembered."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from harness.annotation.schema.tables import AssignmentRow, ItemRow
from harness.annotation.schema.types import TAKEN_STATES


def n_taken(session: Session, item_id: int) -> int:
    """Return how many raters an item has: counted, not remembered."""
    query = select(func.count()).select_from(AssignmentRow)
    return session.scalar(query.where(AssignmentRow.item_id == item_id, *counting())) or 0


def has_room(session: Session, item: ItemRow) -> bool:
    """Return whether an item needs another rater; the caller has locked it."""
    return item.target is None or n_taken(session, item.id) < item.target


def counting() -> tuple[ColumnElement[bool], ...]:
    """Return which assignments count."""
    return (
        AssignmentRow.state.in_(TAKEN_STATES),
        AssignmentRow.occurrence == 0,
        AssignmentRow.is_surplus.is_(False),
    )
