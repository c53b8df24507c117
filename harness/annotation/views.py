"""What leaves the service: frozen values. Those under "For raters" never name a run.

A rater's values hold no run, model, adapter, configuration, gold id or time of a run; answers are
A and B by the side they stand on. `harness.annotation.blinding` is the only module that makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from harness.annotation.config import Visibility
from harness.annotation.schema.types import (
    AssignmentState,
    Cause,
    Kind,
    Outcome,
    Role,
    SessionState,
    Severity,
)

Slot = Literal["A", "B"]
"""A stands on the left."""
Choice = Literal["A", "B", "tie", "both_bad"]


# For raters.


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAnswer:
    """An answer on the screen. It is a model's text: show it as text, never as HTML."""

    slot: Slot
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A scale in one language."""

    name: str
    title: str
    question: str
    anchors: Mapping[int, str]
    """What each point means, lowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """All that is asked about an item, in one language."""

    scales: tuple[Scale, ...]
    """None in a session that only asks for preferences."""
    cannot_judge: str
    tags: Mapping[str, str]
    severities: Mapping[str, str]
    preference: str | None
    """The question; None where there is one answer, or none is asked."""
    strengths: Mapping[int, str]
    tie: str
    both_bad: str
    has_confidence: bool
    reason_up_to: int
    """Points up to this one need a tag or a comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScores:
    """What a rater says about one answer."""

    values: Mapping[str, int | None] = field(default_factory=dict[str, int | None])
    """By scale; None: cannot judge."""
    tags: Mapping[str, Severity] = field(default_factory=dict[str, Severity])


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A whole rating, as a page sends it."""

    assignment: str
    token: str
    """Made by the page when the item is first shown; sent again with every new try."""
    answers: Mapping[Slot, AnswerScores] = field(default_factory=dict[Slot, AnswerScores])
    choice: Choice | None = None
    strength: int = 0
    comment: str = ""
    confidence: int | None = None
    active_ms: int | None = None
    elapsed_ms: int | None = None
    locale: str = "en"
    origin: str = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a rater is."""

    n_done: int
    n_left: int
    """At most: others may take some of them."""
    n_skipped: int
    median_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An item as a rater sees it."""

    assignment: str
    """Opaque."""
    title: str
    """Of the session."""
    number: int
    """The how manieth item of this rater, from 1."""
    prompt: str
    prompt_is: Visibility
    references: tuple[str, ...]
    """None where the session hides them."""
    references_are: Visibility
    answers: tuple[ShownAnswer, ...]
    asked: Asked
    is_training: bool
    lease_seconds: float
    """How long the item is kept for this rater."""
    minimum_seconds: float
    """Reading takes about this long; a page may warn below it."""
    draft: Mapping[str, Any] | None
    said: Submission | None
    """What this rater said before, when the item is opened again."""
    revision: int
    """Of what was said; 0: nothing yet."""
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToDo:
    """Why a rater gets no item now."""

    reason: Literal["all done", "wait", "paused", "closed", "not open yet"]
    """wait: what is left is with others; it may come back."""
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """After a training item: one thing that was expected."""

    what: str
    """Title of the scale, or of the preference."""
    slot: Slot | None
    expected: str
    is_right: bool
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A rating is stored."""

    assignment: str
    revision: int
    saved_at: datetime
    is_repeat_of_message: bool
    """The same message had been stored before; nothing was stored now."""
    feedback: tuple[Feedback, ...]
    next: Task | NothingToDo


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRating:
    """One line of a rater's own list."""

    assignment: str
    number: int
    state: AssignmentState
    excerpt: str
    """Beginning of the prompt."""
    saved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A session that a rater may work on."""

    session: str
    title: str
    state: SessionState
    guideline: str
    """Markdown, written by the lead."""
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is logged in."""

    handle: str
    name: str
    role: Role
    locale: Literal["en", "zh"]


# For leads and adjudicators.


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
