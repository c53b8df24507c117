"""What an imported file holds: predictions, and what was assumed in reading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import PredictionsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a model said to one question."""

    where: str
    """File and line, for messages."""
    id: str
    text: str | None
    """None: there is no answer, which is not the same as an empty one."""
    references: tuple[str, ...] = ()
    prompt: str | None = None
    """What the model was asked, as the other tool wrote it down."""
    choices: tuple[str, ...] = ()
    answer: int | None = None
    """Index of the right choice."""
    choice_logprobs: tuple[float, ...] | None = None
    cluster: str | None = None
    slices: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    """What the other tool measured."""
    is_cut: bool = False
    """Whether the answer was cut at the token limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """All predictions of a file."""

    format: str
    rows: tuple[Prediction, ...]
    has_own_ids: bool
    """Whether the ids were in the file; otherwise they are the rows' numbers, from 0."""
    notes: tuple[str, ...] = ()
    """What was assumed, to be said aloud."""


def text_of(value: Any, where: str, field_name: str) -> str:
    """Return a text; numbers and true/false become one.

    Raises:
        PredictionsError: it is something else.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    raise PredictionsError(f"{where}: {field_name}: expected text, got {str(value)[:60]!r}")


def texts_of(value: Any, where: str, field_name: str) -> tuple[str, ...]:
    """Return one text or a list of them as texts; nothing for null."""
    if value is None:
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(text_of(item, where, field_name) for item in value)
    return (text_of(value, where, field_name),)


def numbers_of(values: Mapping[str, Any]) -> dict[str, float]:
    """Return what is a number."""
    return {k: float(v) for k, v in values.items() if isinstance(v, bool | int | float)}


def chat_text(value: Any) -> str | None:
    """Return a prompt as one text, whether it is a text or a list of messages."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [
            part if isinstance(part, str) else content_of(part.get("prompt", part.get("content")))
            for part in value
            if isinstance(part, str | dict)
        ]
        return "\n".join(part for part in parts if part)
    return str(value)


def content_of(value: Any) -> str:
    """Return a message's content as text; of a list of parts, the texts."""
    if isinstance(value, list):
        parts = [p if isinstance(p, str) else p.get("text", "") for p in value]
        return "".join(part for part in parts if isinstance(part, str))
    return "" if value is None else str(value)
