"""One thing to learn from, whatever format it was written in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from harness.contamination.find import TrainingText
from harness.errors import DataError
from harness.types import Message

Role = Literal["system", "user", "assistant", "tool"]
Kind = Literal["chat", "preference", "label", "text"]
""""chat": a conversation that ends with the answer to learn; "preference": a conversation with a
better and a worse answer; "label": a conversation whose answer is good or bad (KTO); "text": raw
text."""
KINDS: Mapping[Kind, str] = {
    "chat": "conversations",
    "preference": "preference pairs",
    "label": "answers labelled good or bad",
    "text": "raw text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a conversation."""

    role: Role
    content: str | None
    """None where there is nothing but tool calls."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of the turn: tool_calls, name, weight, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One row of a data file."""

    where: str
    """File and line."""
    kind: Kind
    turns: tuple[Turn, ...] = ()
    """The whole conversation; of a preference pair only what is asked."""
    chosen: tuple[Turn, ...] = ()
    rejected: tuple[Turn, ...] = ()
    label: bool | None = None
    text: str = ""
    tools: Any = None
    """What tools may be called, as the row describes them."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Fields that the format does not know; kept in every conversion."""

    @property
    def answers(self) -> tuple[str, ...]:
        """What the row teaches to say: each text of the assistant."""
        spoken = (*self.turns, *self.chosen)
        return tuple(turn.content or "" for turn in spoken if turn.role == "assistant")

    @property
    def last_answer(self) -> str:
        """The text of the last turn that is the assistant's."""
        return self.answers[-1] if self.answers else ""

    @property
    def questions(self) -> tuple[str, ...]:
        """What the user says, turn by turn."""
        return tuple(turn.content or "" for turn in self.turns if turn.role == "user")

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of the row."""
        if self.kind == "text":
            return (self.text,)
        return tuple(turn.content or "" for turn in self.all_turns)

    @property
    def all_turns(self) -> tuple[Turn, ...]:
        """Every turn, the better and the worse answer included."""
        return (*self.turns, *self.chosen, *self.rejected)


def meaning(example: Example) -> str:
    """Return all that a row says, without where it stands and how it is written.

    Ids of tool calls, and whether their arguments are text or an object, make no difference; nor
    do fields without a value.
    """
    return exact(
        {
            "kind": example.kind,
            "turns": [_said(turn) for turn in example.turns],
            "chosen": [_said(turn) for turn in example.chosen],
            "rejected": [_said(turn) for turn in example.rejected],
            "label": example.label,
            "text": example.text,
            "tools": as_value(example.tools) or None,
        }
    )


def exact(value: object) -> str:
    """Return a value as JSON text: equal texts, equal values (1 is not True, and not 1.0)."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def as_value(value: Any) -> Any:
    """Return what a text of JSON says; anything else as it is."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def check_turns(messages: Sequence[Message], *, where: str) -> None:
    """Refuse a conversation that has nothing to learn or is out of order.

    Raises:
        DataError: no assistant turn at the end, an empty turn, or two turns of one role in a row.
    """
    if not messages or messages[-1].role != "assistant":
        raise DataError(f"{where}: the last turn must be the assistant's")
    roles = [message.role for message in messages]
    turns = roles[1:] if roles[0] == "system" else roles
    expected = ["user", "assistant"] * (len(turns) // 2)
    if turns != expected:
        raise DataError(
            f"{where}: turns must alternate user, assistant (after an optional system turn); "
            f"got {', '.join(roles)}"
        )
    for number, message in enumerate(messages):
        if not message.content.strip():
            raise DataError(f"{where}: turn {number} ({message.role}) is empty")


def training_text(example: Example) -> TrainingText:
    """Return what a row asks and answers, to be compared with gold items."""
    if example.kind == "text":
        return TrainingText(origin=example.where, questions=(example.text,), answers=())
    asked = tuple(turn.content for turn in example.all_turns if turn.role != "assistant")
    return TrainingText(
        origin=example.where,
        questions=tuple(text for text in asked if text),
        answers=tuple(text for text in example.answers if text),
    )


def _said(turn: Turn) -> dict[str, Any]:
    more = {key: value for key, value in turn.more.items() if value is not None}
    more.pop("tool_call_id", None)
    if "tool_calls" in more:
        calls = cast("Sequence[Any]", more["tool_calls"])
        more["tool_calls"] = [call_parts(call) for call in calls]
    return {"role": turn.role, "content": turn.content or "", "more": more}


def call_parts(call: Any) -> dict[str, Any]:
    """Return name and arguments of a tool call in OpenAI's form."""
    function: Any = call.get("function", call) if isinstance(call, dict) else {}
    if not isinstance(function, dict):
        function = {}
    named = cast("dict[str, Any]", function)
    return {"name": named.get("name"), "arguments": as_value(named.get("arguments"))}
