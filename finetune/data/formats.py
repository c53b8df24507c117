"""The formats that training data comes in, and which of them a file is written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, cast

from finetune.data.examples import Kind
from finetune.data.files import RawRow
from harness.errors import DataError, UnknownNameError, suggestion

Style = Literal["alpaca", "sharegpt", "messages", "prompt", "text"]
"""How the asking side is written."""

COLUMNS: Mapping[Style, Mapping[str, str]] = {
    "alpaca": {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "history": "history",
        "system": "system",
    },
    "sharegpt": {"messages": "conversations", "system": "system", "tools": "tools"},
    "messages": {"messages": "messages", "tools": "tools"},
    "prompt": {"prompt": "prompt", "response": "completion", "tools": "tools"},
    "text": {"text": "text"},
}
"""What a column is for → its usual name; the keys are LLaMA-Factory's."""
_ANSWERS: Mapping[Kind, tuple[str, ...]] = {
    "chat": ("response",),
    "preference": ("chosen", "rejected"),
    "label": ("response", "kto_tag"),
    "text": (),
}
_ASKING: Mapping[Style, str] = {
    "alpaca": "prompt",
    "sharegpt": "messages",
    "messages": "messages",
    "prompt": "prompt",
    "text": "text",
}
LABELS: Mapping[Any, bool] = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "1": True,
    "0": False,
    1: True,
    0: False,
}
"""Ways to write a KTO label; True and False equal 1 and 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """How a turn is written: its keys, and the words for the roles."""

    role: str = "role"
    content: str = "content"
    user: str = "user"
    assistant: str = "assistant"
    system: str = "system"
    tool: str = "tool"
    call: str | None = None
    """Role of a turn that calls a tool, where calls are not a field of the assistant's turn."""


SHAREGPT = Tags(
    role="from",
    content="value",
    user="human",
    assistant="gpt",
    tool="observation",
    call="function_call",
)
OPENAI = Tags()


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How the rows of a file are written."""

    name: str
    style: Style
    kind: Kind
    columns: Mapping[str, str]
    tags: Tags = field(default=OPENAI)

    @property
    def required(self) -> frozenset[str]:
        """Fields that every row has."""
        wanted = {_ASKING[self.style], *_ANSWERS[self.kind]}
        if self.style in {"sharegpt", "messages"}:  # the answer is the last turn
            wanted.discard("response")
        if self.name == "preference":  # chosen and rejected may be whole conversations
            wanted.discard("prompt")
        return frozenset(self.columns[use] for use in wanted if use in self.columns)

    @property
    def known(self) -> frozenset[str]:
        """All fields that mean something in this format."""
        return frozenset(self.columns.values())


def _format(name: str, style: Style, kind: Kind, *, kto_tag: str = "label") -> Format:
    columns = dict(COLUMNS[style])
    if kind == "preference":
        columns |= {"chosen": "chosen", "rejected": "rejected"}
        columns.pop("response", None)
    if kind == "label":
        columns["kto_tag"] = kto_tag
    tags = SHAREGPT if style == "sharegpt" else OPENAI
    return Format(name=name, style=style, kind=kind, columns=columns, tags=tags)


FORMATS: Mapping[str, Format] = {
    found.name: found
    for found in (
        _format("alpaca", "alpaca", "chat"),
        _format("sharegpt", "sharegpt", "chat"),
        _format("messages", "messages", "chat"),
        _format("prompt_completion", "prompt", "chat"),
        _format("preference", "prompt", "preference"),
        _format("alpaca_preference", "alpaca", "preference"),
        _format("sharegpt_preference", "sharegpt", "preference"),
        _format("messages_preference", "messages", "preference"),
        _format("kto", "prompt", "label"),
        _format("alpaca_kto", "alpaca", "label", kto_tag="kto_tag"),
        _format("sharegpt_kto", "sharegpt", "label", kto_tag="kto_tag"),
        _format("messages_kto", "messages", "label"),
        _format("text", "text", "text"),
    )
}
STANDARD: Mapping[Kind, str] = {
    "chat": "messages",
    "preference": "preference",
    "label": "kto",
    "text": "text",
}
"""The format that rows of a kind are written in unless another is asked for."""


def format_named(name: str, *, where: str = "") -> Format:
    """Return a format by name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in FORMATS:
        raise UnknownNameError("format", name, FORMATS, where=where)
    return FORMATS[name]


def detect(rows: Sequence[RawRow], path: Path) -> Format:
    """Return the one format that fits every row of a file.

    A format that asks for more fields goes before one that asks for fewer of the same, such as
    `kto` before `prompt_completion`: that is no guess, since every row has them all.

    Raises:
        DataError: no format fits every row (names the row and the nearest field), or several do.
    """
    fitting = [one for one in FORMATS.values() if all(_fits(one, row.fields) for row in rows)]
    best = [one for one in fitting if not any(one.required < other.required for other in fitting)]
    if not best:
        raise DataError(_nothing_fits(rows))
    doubtful = _doubtful_labels(best, rows)
    if len(best) > 1 or doubtful:
        names = ", ".join(one.name for one in (*best, *doubtful))
        fields = ", ".join(sorted({key for row in rows for key in row.fields}))
        raise DataError(
            f"{path}: the fields of these rows ({fields}) fit several formats: {names}; say which "
            f"with --format {best[0].name}, or `{{path: {path.name}, format: {best[0].name}}}` "
            "in a training configuration"
        )
    return best[0]


def _fits(candidate: Format, fields: Mapping[str, Any]) -> bool:
    if not candidate.required <= fields.keys():
        return False
    columns = candidate.columns
    if candidate.style in {"sharegpt", "messages"}:
        return _has_turns(fields[columns["messages"]], candidate.tags)
    if candidate.kind == "label":
        return isinstance(fields[columns["kto_tag"]], bool)
    if candidate.name == "preference" and columns["prompt"] not in fields:
        return all(_has_turns(fields[name], candidate.tags) for name in ("chosen", "rejected"))
    return True


def _doubtful_labels(best: Sequence[Format], rows: Sequence[RawRow]) -> list[Format]:
    """Return the KTO format that would fit if 0 and 1, or words, were meant as true and false."""
    if len(best) != 1 or best[0].kind != "chat":
        return []
    named = [one for one in FORMATS.values() if one.style == best[0].style and one.kind == "label"]
    return [
        one
        for one in named
        if all(_is_label(row.fields.get(one.columns["kto_tag"])) for row in rows)
    ]


def _is_label(value: object) -> bool:
    return isinstance(value, str | int) and value in LABELS


def _has_turns(value: Any, tags: Tags) -> bool:
    """Tell whether a value is turns of this writing; a faulty turn is told when it is read."""
    other = SHAREGPT if tags.role != SHAREGPT.role else OPENAI
    if isinstance(value, str):  # a cell of a table
        return value.lstrip().startswith("[") and f'"{other.role}"' not in value
    if not isinstance(value, list):
        return False
    return not any(
        isinstance(turn, dict) and other.role in turn and tags.role not in turn
        for turn in cast("list[Any]", value)
    )


def _nothing_fits(rows: Sequence[RawRow]) -> str:
    """Say which row fits nothing, or where a second format begins."""
    by_row = [{one.name for one in FORMATS.values() if _fits(one, row.fields)} for row in rows]
    odd = next((i for i, names in enumerate(by_row) if not names), None)
    if odd is None:
        together = list(accumulate(by_row, set.intersection))
        i = next(i for i, names in enumerate(together) if not names)
        common, names = together[i - 1], by_row[i]
        return (
            f"{rows[i].where}: this row is written as {_either(names)}, the rows before as "
            f"{_either(common)}; one file has one format"
        )
    row = rows[odd]
    keys = list(row.fields)
    wanted = dict.fromkeys(key for one in FORMATS.values() for key in sorted(one.required))
    others = [key for key in keys if key not in wanted]
    near = next((f"{key!r}{told}" for key in others if (told := suggestion(key, wanted))), "")
    near = f": {near}" if near else ""
    for name in ("conversations", "messages"):
        if isinstance(row.fields.get(name), list):
            expected = FORMATS["sharegpt" if name == "conversations" else "messages"].tags
            near = f": turns under {name!r} should have {expected.role!r} and {expected.content!r}"
    return (
        f"{row.where}: the fields {', '.join(keys) or '(none)'} fit no format{near}; known: "
        f"{_all_formats()}. Other names can be told in a dataset_info.json"
    )


def _either(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))


def _all_formats() -> str:
    return ", ".join(f"{one.name} ({', '.join(sorted(one.required))})" for one in FORMATS.values())
