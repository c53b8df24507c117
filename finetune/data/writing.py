"""Examples as rows of every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.data.examples import Example, Turn, meaning
from finetune.data.files import RawRow
from finetune.data.formats import Format
from finetune.data.layouts import JOINT, read_example
from finetune.data.turns import write_turn


class CannotSayError(ValueError):
    """A format has no way to write an example; the message says what."""


def write_example(example: Example, form: Format) -> dict[str, Any]:
    """Return an example as a row of a format, without its extra fields.

    Raises:
        CannotSayError: the format has no way to say it.
    """
    if example.kind != form.kind:
        raise CannotSayError(f"{form.name} holds other rows than {example.kind} ones")
    columns = form.columns
    if form.style == "text":
        return {columns["text"]: example.text}
    if example.tools is not None and "tools" not in columns:
        raise CannotSayError("tools")
    row = _WRITERS[form.style](example, form)
    if example.tools is not None:
        row[columns["tools"]] = example.tools
    if form.kind == "preference":
        is_plain = form.style == "alpaca" or all(isinstance(said, str) for said in row.values())
        for name, turns in (("chosen", example.chosen), ("rejected", example.rejected)):
            row[columns[name]] = _answer(turns, form, is_plain=is_plain)
    if form.kind == "label":
        row[columns["kto_tag"]] = example.label
    back = read_example(RawRow(where=example.where, fields=row), form)
    if meaning(back) != meaning(example):
        raise CannotSayError("all that this row says")
    return row


def _write_alpaca(example: Example, form: Format) -> dict[str, Any]:
    columns = form.columns
    turns = list(example.turns)
    if any(turn.more or turn.content is None or turn.role == "tool" for turn in example.all_turns):
        raise CannotSayError("tools, or fields of a turn")
    row: dict[str, Any] = {}
    system = turns.pop(0) if turns and turns[0].role == "system" else None
    answer = None if form.kind == "preference" else (turns.pop() if turns else None)
    asked = turns.pop() if turns else None
    roles = ["user", "assistant"] * (len(turns) // 2)
    if [turn.role for turn in turns] != roles or (asked and asked.role != "user"):
        raise CannotSayError("turns that do not alternate")
    if form.kind != "preference" and (answer is None or answer.role != "assistant"):
        raise CannotSayError("a conversation that does not end with the assistant")
    content = (asked.content if asked else None) or ""
    instruction, _, given = content.partition(JOINT)
    if not (instruction and given):
        instruction, given = content, ""
    values = {
        "prompt": instruction,
        "query": given,
        "response": None if answer is None else answer.content,
        "system": None if system is None else system.content,
        "history": _pairs(turns),
    }
    for use, value in values.items():
        if use in columns and (value is not None):
            row[columns[use]] = value
        elif value:
            raise CannotSayError(use)
    return row


def _pairs(turns: Sequence[Turn]) -> list[list[str | None]] | None:
    texts = [turn.content for turn in turns]
    return [list(pair) for pair in zip(texts[::2], texts[1::2], strict=True)] or None


def _write_messages(example: Example, form: Format) -> dict[str, Any]:
    turns = example.turns
    row: dict[str, Any] = {}
    head = turns[0] if turns and turns[0].role == "system" and not turns[0].more else None
    if "system" in form.columns and head is not None and head.content:
        row[form.columns["system"]] = head.content
        turns = turns[1:]
    try:
        return {form.columns["messages"]: [write_turn(turn, form.tags) for turn in turns], **row}
    except ValueError as error:
        raise CannotSayError(str(error)) from None


def _write_prompt(example: Example, form: Format) -> dict[str, Any]:
    columns = form.columns
    if form.kind == "preference":
        return {columns["prompt"]: _answer(example.turns, form, is_plain=True, role="user")}
    *asked, answer = example.turns or [Turn(role="user", content=None)]
    if answer.role != "assistant":
        raise CannotSayError("a conversation that does not end with the assistant")
    prompt = _answer(asked, form, is_plain=True, role="user")
    is_plain = isinstance(prompt, str) and not answer.more
    if not is_plain:
        prompt = [write_turn(turn, form.tags) for turn in asked]
    return {
        columns["prompt"]: prompt,
        columns["response"]: _answer((answer,), form, is_plain=is_plain),
    }


def _answer(
    turns: Sequence[Turn], form: Format, *, is_plain: bool, role: str = "assistant"
) -> str | list[dict[str, Any]] | dict[str, Any]:
    """Return turns as one text where they are one, otherwise as turns."""
    text = turns[0].content if len(turns) == 1 else None
    is_text = text is not None and turns[0].role == role and not turns[0].more
    if text is not None and is_text and is_plain and form.style in {"alpaca", "prompt"}:
        return text
    if form.style == "alpaca":
        raise CannotSayError("answers of several turns")
    try:
        written = [write_turn(turn, form.tags) for turn in turns]
    except ValueError as error:
        raise CannotSayError(str(error)) from None
    return written[0] if len(written) == 1 and form.style in {"sharegpt", "messages"} else written


_WRITERS: Mapping[str, Any] = {
    "alpaca": _write_alpaca,
    "sharegpt": _write_messages,
    "messages": _write_messages,
    "prompt": _write_prompt,
}
