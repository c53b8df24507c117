"""How times and JSON are stored, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import DateTime, TypeDecorator

Kind = Literal["likert", "pairwise", "both"]
Role = Literal["admin", "lead", "rater", "adjudicator"]
SessionState = Literal["draft", "open", "paused", "closed"]
ItemKind = Literal["plain", "check", "training"]
"""check: one whose right ratings are known, not told apart by raters; training: with feedback."""
AssignmentState = Literal["offered", "started", "submitted", "skipped", "expired", "released"]
Severity = Literal["minor", "major", "critical"]
Outcome = Literal["first", "second", "tie", "both_bad"]
"""Of a pair, in the stored order of its answers, whatever side they stood on."""
Cause = Literal["ambiguous prompt", "guideline gap", "rater slip", "gold wrong", "genuine"]
"""Why raters differed; genuine: both views can be held."""

OPEN_STATES: tuple[AssignmentState, ...] = ("offered", "started")
TAKEN_STATES: tuple[AssignmentState, ...] = ("offered", "started", "submitted")
"""States that count towards an item's number of raters."""
SEVERITIES: tuple[Severity, ...] = ("minor", "major", "critical")
"""From mild to grave."""


class UtcTime(TypeDecorator[datetime]):
    """A point in time, stored and returned in UTC; one without a zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Turn into UTC."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value}: a time without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """SQLite gives times without a zone: they are UTC."""
        del dialect
        if value is None or value.tzinfo is not None:
            return value if value is None else value.astimezone(UTC)
        return value.replace(tzinfo=UTC)
