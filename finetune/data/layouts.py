"""Rows of every format as examples, and examples as rows of every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from finetune.data.examples import Example, Turn, as_value, exact, meaning
from finetune.data.files import Fields, RawRow
from finetune.data.formats import LABELS, Format
from finetune.data.turns import read_turn, read_turns, short, text_of, write_turn
from harness.errors import DataError

JOINT = "\n\n"
"""Between instruction and input; templates split a user's turn there again."""


class CannotSayError(ValueError):
    """A format has no way to write an example; the message says what."""


def read_example(row: RawRow, form: Format) -> Example:
    """Return what a row of a format says.

    Raises:
        DataError: naming file, line and field.
    """
    fields, where = row.fields, row.where
    missing = sorted(form.required - fields.keys())
    if missing:
        raise DataError(
            f"{where}: missing field {missing[0]!r} ({form.name} has "
            f"{', '.join(sorted(form.required))}); this row has {', '.join(fields)}"
        )
    extra = {key: value for key, value in fields.items() if key not in form.known}
    if form.style == "text":
        name = form.columns["text"]
        text = text_of(fields[name], where=where, name=name)
        return Example(where=where, kind="text", text=text, extra=extra)
    reader = _Reader(row, form)
    turns = reader.asked()
    chosen = rejected = ()
    label = None
    if form.kind == "preference":
        chosen, rejected = reader.answer("chosen"), reader.answer("rejected")
        turns, chosen, rejected = _split_preference(turns, chosen, rejected, row, form)
    else:
        turns = (*turns, *reader.response())
    if form.kind == "label":
        label = _label(fields[form.columns["kto_tag"]], form.columns["kto_tag"], where)
    return Example(
        where=where,
        kind=form.kind,
        turns=turns,
        chosen=chosen,
        rejected=rejected,
        label=label,
        tools=reader.field("tools"),
        extra=extra,
    )


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


class _Reader:
    """Reads the parts of one row."""

    def __init__(self, row: RawRow, form: Format) -> None:
        self._row, self._form = row, form

    def field(self, use: str) -> Any:
        """Return the value of what a column is for; None where there is none."""
        return self._row.fields.get(self._form.columns.get(use, ""))

    def asked(self) -> tuple[Turn, ...]:
        """Return the turns before the answer; of chats in one list all of them."""
        columns, where, tags = self._form.columns, self._row.where, self._form.tags
        if self._form.style == "alpaca":
            return self._alpaca()
        name = columns["messages" if "messages" in columns else "prompt"]
        value = self._row.fields.get(name)
        system = self.field("system")
        head = () if not system else (Turn(role="system", content=self._text("system")),)
        if self._form.style == "prompt":
            if value is None:
                return ()
            said = self._cell(value)
            if isinstance(said, str):
                return (Turn(role="user", content=said),)
            value = said
        return (*head, *read_turns(value, tags, where=where, name=name))

    def response(self) -> tuple[Turn, ...]:
        """Return the answer of rows that have it in a field of its own."""
        if self._form.style == "alpaca":
            return (Turn(role="assistant", content=self._text("response")),)
        return self.answer("response") if self._form.style == "prompt" else ()

    def answer(self, use: str) -> tuple[Turn, ...]:
        """Return an answer that is a text, a turn, or a list of turns."""
        name = self._form.columns[use]
        value = self._cell(self._row.fields[name])
        where, tags = self._row.where, self._form.tags
        if isinstance(value, dict):
            return (read_turn(value, tags, where=where, name=name),)
        if isinstance(value, list):
            return read_turns(value, tags, where=where, name=name)
        return (Turn(role="assistant", content=text_of(value, where=where, name=name)),)

    def _alpaca(self) -> tuple[Turn, ...]:
        turns: list[Turn] = []
        if system := self._text("system"):
            turns.append(Turn(role="system", content=system))
        name = self._form.columns.get("history", "history")
        history = as_value(self.field("history") or [])
        if not isinstance(history, list):
            raise DataError(f"{self._row.where}: {name}: expected a list of pairs")
        for i, pair in enumerate(cast("list[Any]", history)):
            texts = cast("list[Any]", pair) if isinstance(pair, list) else []
            if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
                raise DataError(
                    f"{self._row.where}: {name}[{i}]: expected [question, answer], got "
                    f"{short(pair)}"
                )
            turns.append(Turn(role="user", content=texts[0]))
            turns.append(Turn(role="assistant", content=texts[1]))
        parts = [text for text in (self._text("prompt"), self._text("query")) if text]
        return (*turns, Turn(role="user", content=JOINT.join(parts)))

    def _cell(self, value: Any) -> Any:
        """Return the turns that a table's cell has as JSON; any other value as it is."""
        starts = tuple(f'{start}"{self._form.tags.role}"' for start in ("[{", "{"))
        is_turns = self._row.is_table and isinstance(value, str) and value.startswith(starts)
        return as_value(value) if is_turns else value

    def _text(self, use: str) -> str:
        name = self._form.columns.get(use, use)
        return text_of(self.field(use), where=self._row.where, name=name)


def _split_preference(
    asked: tuple[Turn, ...],
    chosen: tuple[Turn, ...],
    rejected: tuple[Turn, ...],
    row: RawRow,
    form: Format,
) -> tuple[tuple[Turn, ...], tuple[Turn, ...], tuple[Turn, ...]]:
    """Take what both answers begin with as the prompt, where they are whole conversations."""
    if not asked:
        for name in ("chosen", "rejected"):
            if isinstance(row.fields[form.columns[name]], str):
                raise DataError(
                    f"{row.where}: missing field 'prompt'; only lists of turns may do without it"
                )
        pairs = zip(chosen, rejected, strict=False)
        n = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(chosen), len(rejected)))
        n = min(n, max(0, len(chosen) - 1), max(0, len(rejected) - 1))
        return chosen[:n], chosen[n:], rejected[n:]
    n = len(asked)
    if chosen[:n] == asked and rejected[:n] == asked:  # as in UltraFeedback
        return asked, chosen[n:], rejected[n:]
    return asked, chosen, rejected


def _label(value: Any, name: str, where: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int) and value in LABELS:
        return LABELS[value]
    raise DataError(f"{where}: {name}: expected true or false, got {short(value)}")


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
    (one,) = turns if len(turns) == 1 else (None,)
    is_text = one is not None and one.role == role and one.content is not None and not one.more
    if one is not None and is_text and is_plain and form.style in {"alpaca", "prompt"}:
        return one.content
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


def same_fields(a: Fields, b: Fields) -> bool:
    """Tell whether two rows are equal as JSON."""
    return exact(dict(a)) == exact(dict(b))
