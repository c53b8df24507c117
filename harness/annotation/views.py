"""What raters receive, and what they send: frozen values that never name a run.

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
    Role,
    SessionState,
    Severity,
)

Slot = Literal["A", "B"]
"""A stands on the left."""
Choice = Literal["A", "B", "tie", "both_bad"]


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
