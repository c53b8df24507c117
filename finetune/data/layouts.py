"""Rows of every format as examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from finetune.data.examples import Example, Turn, as_value, exact
from finetune.data.files import Fields, RawRow
from finetune.data.formats import LABELS, Format
from finetune.data.turns import read_turn, read_turns, short, text_of
from harness.errors import DataError

JOINT = "\n\n"
"""Between instruction and input; templates split a user's turn there again."""
KEPT = "extra"
"""Field of a converted row with what its format could not write."""


_STRUCTURED = {"messages", "history", "tools", "extra"}
_TEXT_OR_TURNS = {"prompt", "response", "chosen", "rejected"}


def from_cells(row: RawRow, form: Format) -> RawRow:
    """Return a row of a table with its turns, calls and labels as values instead of JSON text.

    A text that only looks like JSON stays a text where the format may have one there.
    """
    if not row.is_table:
        return row
    starts = tuple(f'{start}"{form.tags.role}"' for start in ("[{", "{"))
    fields = dict(row.fields)
    uses = {name: use for use, name in form.columns.items()} | {KEPT: "extra"}
    for name, value in row.fields.items():
        use = uses.get(name)
        is_turns = use in _TEXT_OR_TURNS and isinstance(value, str) and value.startswith(starts)
        if use in _STRUCTURED or is_turns:
            fields[name] = as_value(value)
        elif use == "kto_tag":
            fields[name] = LABELS.get(value, value)
    return replace(row, fields=fields, is_table=False)


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
            if isinstance(value, str):
                return (Turn(role="user", content=value),)
        return (*head, *read_turns(value, tags, where=where, name=name))

    def response(self) -> tuple[Turn, ...]:
        """Return the answer of rows that have it in a field of its own."""
        if self._form.style == "alpaca":
            return (Turn(role="assistant", content=self._text("response")),)
        return self.answer("response") if self._form.style == "prompt" else ()

    def answer(self, use: str) -> tuple[Turn, ...]:
        """Return an answer that is a text, a turn, or a list of turns."""
        name = self._form.columns[use]
        value = self._row.fields[name]
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


def same_fields(a: Fields, b: Fields) -> bool:
    """Tell whether two rows are equal as JSON."""
    return exact(dict(a)) == exact(dict(b))
