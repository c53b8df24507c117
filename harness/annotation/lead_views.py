"""What leads and adjudicators receive and send: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from harness.annotation.schema.types import Cause, Kind, Outcome, SessionState
from harness.annotation.views import AnswerScores


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """A session as its lead sees it; runs are named, but not with what was said about them."""

    name: str
    title: str
    kind: Kind
    state: SessionState
    suite: str
    runs: tuple[str, ...]
    n_items: int
    """To be rated by people, checks and training not counted."""
    n_identical: int
    n_excluded: int
    n_checks: int
    n_training: int
    leaks: Mapping[str, int]
    """Answers by the kind of find and what was done, such as "names: mask"."""
    is_unblinded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterProgress:
    """One rater of a session."""

    handle: str
    pseudonym: str
    n_submitted: int
    n_open: int
    n_skipped: int
    n_surplus: int
    n_cannot_judge: int
    median_seconds: float | None
    last_at: datetime | None
    is_excluded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionProgress:
    """How far a session is."""

    summary: SessionSummary
    n_wanted: int
    """Ratings by the plan."""
    n_ratings: int
    """Of these there are."""
    n_complete: int
    """Items that have all their ratings."""
    raters: tuple[RaterProgress, ...]
    faults: tuple[str, ...]
    """What is wrong with the stored data; always empty unless someone changed it by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnonymousRating:
    """What somebody said, without who."""

    rater: str
    """rater 1, rater 2, …; another order for every item."""
    answers: tuple[AnswerScores, ...]
    """In the stored order of the answers."""
    outcome: Outcome | None
    strength: int
    comment: str
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """An item for the adjudicator."""

    item: str
    """Opaque."""
    reasons: tuple[str, ...]
    weight: float
    """The worst come first."""
    prompt: str
    references: tuple[str, ...]
    answers: tuple[str, ...]
    """In the stored order, first and second."""
    ratings: tuple[AnonymousRating, ...]
    """None until the adjudicator has decided, where the session says so."""
    is_decided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an adjudicator decides."""

    item: str
    token: str
    answers: tuple[Mapping[str, int | None], ...] = ()
    """Points by scale of each answer, in the stored order."""
    outcome: Outcome | None = None
    cause: Cause
    note: str = ""
    confidence: int | None = None
    references: tuple[str, ...] = ()
    """With the cause "gold wrong": what the gold set should say instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Something about a rater that a lead should look at; nobody is blocked by it."""

    handle: str
    kind: Literal["too fast", "failed checks", "straight-lining", "inconsistent", "one-sided"]
    n: int
    of: int
    text: str
    is_serious: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of the audit log."""

    at: datetime
    actor: str
    what: str
    detail: Mapping[str, Any]
