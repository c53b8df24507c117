"""The tables: what is rated, by whom, and everything that was ever said, append-only.

session ─┬─ session_run ── candidate_run ─┐      which run said what: never read for raters
         ├─ item ── candidate ────────────┘
         │    └──── gold_answer                  accepted ratings of checks and training
         ├─ member ── rater ── login
         ├─ assignment ── rating ─┬─ rating_value, rating_tag
         │                        └─ preference
         ├─ adjudication
         └─ event                                who did what, when
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from harness.annotation.schema.types import UtcTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {datetime: UtcTime, dict[str, Any]: JSON, list[Any]: JSON}


class RaterRow(Base):
    """A person."""

    __tablename__ = "rater"

    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    locale: Mapped[str] = mapped_column(String(8))
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    """By which a login provider knows the person; lower case."""
    password_hash: Mapped[str | None] = mapped_column(String(200))
    invite_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    invite_until: Mapped[datetime | None]
    is_active: Mapped[bool]
    n_failures: Mapped[int]
    """Wrong passwords in a row."""
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class LoginRow(Base):
    """A browser in which someone is logged in."""

    __tablename__ = "login"

    id: Mapped[int] = mapped_column(primary_key=True)
    rater_id: Mapped[int] = mapped_column(ForeignKey("rater.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    until: Mapped[datetime]
    is_revoked: Mapped[bool]
    created_at: Mapped[datetime]


class SessionRow(Base):
    """A question put to people: which answers, on which scales, by which plan."""

    __tablename__ = "session"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    suite: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(8))
    gold_digest: Mapped[str] = mapped_column(String(64))
    gold_version: Mapped[str] = mapped_column(String(80))
    config: Mapped[dict[str, Any]]
    """The whole SessionConfig."""
    scales: Mapped[dict[str, Any]]
    """The scales as they were shown, with all their words."""
    guideline: Mapped[str] = mapped_column(Text)
    guideline_digest: Mapped[str] = mapped_column(String(64))
    seed: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    unblinded_at: Mapped[datetime | None]


class MemberRow(Base):
    """Who takes part in a session."""

    __tablename__ = "member"
    __table_args__ = (UniqueConstraint("session_id", "rater_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("session.id"))
    rater_id: Mapped[int] = mapped_column(ForeignKey("rater.id"), index=True)
    pseudonym: Mapped[str] = mapped_column(String(24))
    """Under which exports name the person."""
    multiplier: Mapped[int] = mapped_column(BigInteger)
    shift: Mapped[int] = mapped_column(BigInteger)
    """Of this person's own order of the items."""
    is_excluded: Mapped[bool]
    excluded_why: Mapped[str | None] = mapped_column(Text)


class SessionRunRow(Base):
    """A run whose answers are rated. Nothing that a rater receives is read from here."""

    __tablename__ = "session_run"
    __table_args__ = (UniqueConstraint("session_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("session.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(300))
    """Of the run's folder."""
    configuration: Mapped[str] = mapped_column(String(300))
    path: Mapped[str] = mapped_column(Text)
    completions_digest: Mapped[str] = mapped_column(String(64))


class ItemRow(Base):
    """One thing to rate: an answer, or a pair of answers, to one gold item."""

    __tablename__ = "item"
    __table_args__ = (
        UniqueConstraint("session_id", "key"),
        Index("ix_item_open", "session_id", "kind", "is_open"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("session.id"))
    key: Mapped[str] = mapped_column(String(24))
    """Opaque; the same whenever the same session is made again."""
    kind: Mapped[str] = mapped_column(String(16))
    gold_id: Mapped[str] = mapped_column(String(300))
    cluster: Mapped[str | None] = mapped_column(String(300))
    stratum: Mapped[str] = mapped_column(String(300))
    slices: Mapped[dict[str, Any]]
    payload: Mapped[dict[str, Any]]
    """What is shown besides the answers: prompt and references."""
    block: Mapped[int]
    """Blocks come one after the other; each has its share of every stratum."""
    shuffle: Mapped[int] = mapped_column(BigInteger)
    """A random number below ORDER_PRIME; decides every rater's order."""
    priority: Mapped[int]
    target: Mapped[int | None]
    """How many raters; None: all of them."""
    n_taken: Mapped[int]
    """Assignments that count, as a hint for the search; what decides is their number itself."""
    is_open: Mapped[bool]
    """Whether it can be offered at all."""
    source: Mapped[str] = mapped_column(String(16))
    """"raters"; "identical": both answers are the same text, a tie that nobody is shown;
    "excluded": left out because an answer gives its origin away."""


class CandidateRow(Base):
    """One answer of an item."""

    __tablename__ = "candidate"
    __table_args__ = (UniqueConstraint("item_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    position: Mapped[int]
    """0 or 1, in the stored order; what side it stands on is the assignment's."""
    text: Mapped[str] = mapped_column(Text)
    """As the model said it."""
    shown: Mapped[str] = mapped_column(Text)
    """As raters see it."""
    answer_digest: Mapped[str] = mapped_column(String(64))
    """Of `text`."""
    leaks: Mapped[list[Any]]
    """What in the text tells where it is from, and what was done about it."""


class CandidateRunRow(Base):
    """Which runs gave an answer: several where they said the same."""

    __tablename__ = "candidate_run"
    __table_args__ = (UniqueConstraint("candidate_id", "run_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("session_run.id"), index=True)


class GoldAnswerRow(Base):
    """What counts as right for a check or a training item."""

    __tablename__ = "gold_answer"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    position: Mapped[int | None]
    """Of the answer; None: the preference."""
    dimension: Mapped[str] = mapped_column(String(80))
    low: Mapped[int | None]
    high: Mapped[int | None]
    outcomes: Mapped[list[Any]]
    """Accepted preferences."""
    explanation: Mapped[str] = mapped_column(Text)


class AssignmentRow(Base):
    """An item in the hands of a rater."""

    __tablename__ = "assignment"
    __table_args__ = (
        UniqueConstraint("item_id", "rater_id", "occurrence"),
        Index("ix_assignment_rater", "session_id", "rater_id", "state"),
        Index("ix_assignment_lease", "session_id", "state", "lease_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(24), unique=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("session.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    rater_id: Mapped[int] = mapped_column(ForeignKey("rater.id"))
    occurrence: Mapped[int]
    """0; 1 when the same item comes back to see whether the rater says the same again."""
    state: Mapped[str] = mapped_column(String(16))
    position: Mapped[int]
    """The how manieth item of this rater, from 0."""
    is_flipped: Mapped[bool]
    """Whether the stored second answer stands on the left."""
    lease_until: Mapped[datetime]
    attempt: Mapped[int]
    is_surplus: Mapped[bool]
    """Whether it came in when its item had enough; kept, and not counted."""
    skip_reason: Mapped[str | None] = mapped_column(Text)
    draft: Mapped[dict[str, Any] | None]
    draft_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class RatingRow(Base):
    """What a rater said; never changed. The highest revision of an assignment counts."""

    __tablename__ = "rating"
    __table_args__ = (UniqueConstraint("assignment_id", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    revision: Mapped[int]
    token: Mapped[str] = mapped_column(String(80), unique=True)
    """Made by the client; the same message sent twice is stored once."""
    payload_digest: Mapped[str] = mapped_column(String(64))
    comment: Mapped[str] = mapped_column(Text)
    confidence: Mapped[int | None]
    active_ms: Mapped[int | None]
    elapsed_ms: Mapped[int | None]
    locale: Mapped[str] = mapped_column(String(8))
    origin: Mapped[str] = mapped_column(String(200))
    """"page", "form", or the import it came by."""
    created_at: Mapped[datetime]


class RatingValueRow(Base):
    """A point on a scale; no value: "cannot judge"."""

    __tablename__ = "rating_value"
    __table_args__ = (UniqueConstraint("rating_id", "candidate_id", "dimension"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rating_id: Mapped[int] = mapped_column(ForeignKey("rating.id"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"))
    dimension: Mapped[str] = mapped_column(String(80))
    value: Mapped[int | None]


class RatingTagRow(Base):
    """A fault in an answer."""

    __tablename__ = "rating_tag"
    __table_args__ = (UniqueConstraint("rating_id", "candidate_id", "tag"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rating_id: Mapped[int] = mapped_column(ForeignKey("rating.id"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"))
    tag: Mapped[str] = mapped_column(String(80))
    severity: Mapped[str] = mapped_column(String(16))


class PreferenceRow(Base):
    """Which answer of a pair is better."""

    __tablename__ = "preference"

    id: Mapped[int] = mapped_column(primary_key=True)
    rating_id: Mapped[int] = mapped_column(ForeignKey("rating.id"), unique=True)
    outcome: Mapped[str] = mapped_column(String(16))
    strength: Mapped[int]
    """1 slightly, 2 clearly, 3 much; 0 for a tie and for both bad."""


class AdjudicationRow(Base):
    """The last word on an item that raters disagreed on; their ratings stay as they are."""

    __tablename__ = "adjudication"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("session.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    adjudicator_id: Mapped[int] = mapped_column(ForeignKey("rater.id"))
    token: Mapped[str] = mapped_column(String(80), unique=True)
    values: Mapped[list[Any]]
    """[{position, dimension, value}]."""
    outcome: Mapped[str | None] = mapped_column(String(16))
    confidence: Mapped[int | None]
    cause: Mapped[str] = mapped_column(String(24))
    note: Mapped[str] = mapped_column(Text)
    based_on: Mapped[list[Any]]
    """Ids of the ratings that there were."""
    gold_change: Mapped[dict[str, Any] | None]
    """The references that the gold set should have instead."""
    created_at: Mapped[datetime]


class EventRow(Base):
    """Who did what, when; never changed."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int | None] = mapped_column(ForeignKey("session.id"), index=True)
    actor: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(40))
    detail: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
