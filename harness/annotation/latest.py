"""Ratings as they stand: of every assignment the highest revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.schema.tables import (
    CandidateRow,
    PreferenceRow,
    RatingRow,
    RatingTagRow,
    RatingValueRow,
)
from harness.annotation.schema.types import Severity

CHUNK = 500
"""Numbers in one IN (…): well below what databases allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRating:
    """What a rater said, by the stored order of the answers."""

    id: int
    assignment_id: int
    revision: int
    is_current: bool
    token: str
    values: Mapping[int, Mapping[str, int | None]]
    """Points by position of the answer and scale; None: cannot judge."""
    tags: Mapping[int, Mapping[str, Severity]]
    outcome: str | None
    strength: int
    comment: str
    confidence: int | None
    active_ms: int | None
    elapsed_ms: int | None
    locale: str
    origin: str
    saved_at: datetime


def latest_ratings(session: Session, assignments: Sequence[int]) -> dict[int, StoredRating]:
    """Return what counts, by the assignment's id."""
    return {one.assignment_id: one for one in ratings_of(session, assignments) if one.is_current}


def ratings_of(session: Session, assignments: Sequence[int]) -> list[StoredRating]:
    """Return every revision of the given assignments, oldest first."""
    rows: list[RatingRow] = []
    for chunk in _chunks(assignments):
        rows += session.scalars(select(RatingRow).where(RatingRow.assignment_id.in_(chunk)))
    rows.sort(key=lambda row: row.id)
    current = {row.assignment_id: row.revision for row in sorted(rows, key=lambda r: r.revision)}
    ids = [row.id for row in rows]
    values, tags, preferences = _values(session, ids), _tags(session, ids), _told(session, ids)
    return [
        StoredRating(
            id=row.id,
            assignment_id=row.assignment_id,
            revision=row.revision,
            is_current=row.revision == current[row.assignment_id],
            token=row.token,
            values=values.get(row.id, {}),
            tags=tags.get(row.id, {}),
            outcome=preferences[row.id].outcome if row.id in preferences else None,
            strength=preferences[row.id].strength if row.id in preferences else 0,
            comment=row.comment,
            confidence=row.confidence,
            active_ms=row.active_ms,
            elapsed_ms=row.elapsed_ms,
            locale=row.locale,
            origin=row.origin,
            saved_at=row.created_at,
        )
        for row in rows
    ]


def _values(
    session: Session, ratings: Sequence[int]
) -> dict[int, dict[int, dict[str, int | None]]]:
    found: dict[int, dict[int, dict[str, int | None]]] = {}
    for chunk in _chunks(ratings):
        rows = session.execute(
            select(RatingValueRow, CandidateRow.position)
            .join(CandidateRow, CandidateRow.id == RatingValueRow.candidate_id)
            .where(RatingValueRow.rating_id.in_(chunk))
            .order_by(RatingValueRow.id)
        )
        for row, position in rows:
            found.setdefault(row.rating_id, {}).setdefault(position, {})[row.dimension] = row.value
    return found


def _tags(session: Session, ratings: Sequence[int]) -> dict[int, dict[int, dict[str, Severity]]]:
    found: dict[int, dict[int, dict[str, Severity]]] = {}
    for chunk in _chunks(ratings):
        rows = session.execute(
            select(RatingTagRow, CandidateRow.position)
            .join(CandidateRow, CandidateRow.id == RatingTagRow.candidate_id)
            .where(RatingTagRow.rating_id.in_(chunk))
            .order_by(RatingTagRow.id)
        )
        for row, position in rows:
            own = found.setdefault(row.rating_id, {}).setdefault(position, {})
            own[row.tag] = row.severity  # pyright: ignore[reportArgumentType] - stored from a Severity
    return found


def _told(session: Session, ratings: Sequence[int]) -> dict[int, PreferenceRow]:
    found: dict[int, PreferenceRow] = {}
    for chunk in _chunks(ratings):
        rows = session.scalars(select(PreferenceRow).where(PreferenceRow.rating_id.in_(chunk)))
        found.update({row.rating_id: row for row in rows})
    return found


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
