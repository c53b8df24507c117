"""Read usage logs: what users asked, in JSON Lines or CSV, whatever the columns are called."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.config import read_jsonl, read_text
from harness.errors import DataError, suggestion

SIDES: Mapping[str, tuple[str, ...]] = {
    "input": (
        "input", "prompt", "question", "query", "messages", "conversation", "request", "instruction",
        "user", "user_input", "user_message", "text", "content", "输入", "问题", "提问", "用户输入", "内容",
    ),
    "output": (
        "output", "response", "answer", "completion", "reply", "assistant", "prediction", "result",
        "model_output", "输出", "回答", "答案", "回复", "模型输出",
    ),
    "type": (
        "type", "task", "task_type", "category", "intent", "kind", "route", "topic", "类型", "任务",
        "类别", "分类", "意图",
    ),
    "time": (
        "time", "timestamp", "ts", "date", "datetime", "created_at", "created", "时间", "日期", "时间戳",
    ),
}  # fmt: skip
"""Names that a column may have, the likeliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns hold what; a dotted name leads into nested objects."""

    input: str
    output: str | None = None
    type: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing that a user asked."""

    place: str
    """File and line."""
    text: str
    """The user's last turn."""
    before: str = ""
    """Earlier turns of a conversation, `role: text` by lines."""
    turns: tuple[tuple[str, str], ...] = ()
    """(role, text) of a conversation; empty for a single question."""
    output: str | None = None
    type: str = "unknown"
    time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """Requests, and what was left out."""

    requests: tuple[Request, ...]
    columns: Columns
    without_input: tuple[str, ...]
    """Places of rows that have no text in the input column."""


def read_logs(paths: Sequence[Path], given: Mapping[str, str | None]) -> Logs:
    """Read log files of one layout.

    Args:
        paths: JSON Lines, CSV (.csv) or TSV (.tsv) files.
        given: Column names by side (input, output, type, time), where the user named them.

    Raises:
        DataError: naming file and line or column.
    """
    requests, empty = list[Request](), list[str]()
    columns: Columns | None = None
    for path in paths:
        for number, row in _rows(path):
            columns = columns or find_columns(row, given, path)
            request = _request(row, columns, f"{path.name}:{number}")
            if request is None:
                empty.append(f"{path.name}:{number}")
            else:
                requests.append(request)
    if columns is None:
        raise DataError(f"{paths[0]}: no rows in the logs")
    if not requests:
        raise DataError(
            f"{paths[0]}: no row has text in column {columns.input!r}; name the column with --input"
        )
    return Logs(requests=tuple(requests), columns=columns, without_input=tuple(empty))


def find_columns(row: Mapping[str, object], given: Mapping[str, str | None], path: Path) -> Columns:
    """Return the columns that the user named, and for the other sides those with a known name.

    Raises:
        DataError: a named column is not there, or none looks like the input.
    """
    found: dict[str, str | None] = {}
    lowered = {str(name).strip().lower(): str(name) for name in row}
    for side, names in SIDES.items():
        wanted = given.get(side)
        if wanted is not None and _value(row, wanted) is None:
            raise DataError(
                f"{path}: no column {wanted!r}{suggestion(wanted, map(str, row))}; the file has: "
                f"{', '.join(map(str, row))}"
            )
        known = next((lowered[name] for name in names if name in lowered), None)
        found[side] = wanted or known
    if found["input"] is None:
        raise DataError(
            f"{path}: none of the columns looks like what users asked; name it with --input. The "
            f"file has: {', '.join(map(str, row))}"
        )
    return Columns(
        input=found["input"], output=found["output"], type=found["type"], time=found["time"]
    )


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    if path.suffix.lower() not in {".csv", ".tsv"}:
        yield from ((line.number, line.value) for line in read_jsonl(path, DataError))
        return
    text = read_text(path, DataError)
    csv.field_size_limit(2**31 - 1)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise DataError(
                    f"{path}:{reader.line_num}: this row has another number of columns than the "
                    "first line"
                )
            yield reader.line_num, cast("Mapping[str, object]", row)
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: this line is not valid CSV: {error}") from None


def _request(row: Mapping[str, object], columns: Columns, place: str) -> Request | None:
    value = _value(row, columns.input)
    turns = _turns(value)
    if turns:
        users = [i for i, (role, _) in enumerate(turns) if role == "user"]
        turns = turns[: users[-1] + 1] if users else ()
    text = turns[-1][1] if turns else value if isinstance(value, str) else ""
    if not text.strip():
        return None
    output = _value(row, columns.output)
    return Request(
        place=place,
        text=text,
        before="\n".join(f"{role}: {said}" for role, said in turns[:-1]),
        turns=turns if len(turns) > 1 else (),
        output=output if isinstance(output, str) else None,
        type=_plain(_value(row, columns.type)) or "unknown",
        time=_plain(_value(row, columns.time)),
    )


def _turns(value: object) -> tuple[tuple[str, str], ...]:
    """Return (role, text) of a list of messages, OpenAI's or ShareGPT's; nothing if it is none."""
    if not isinstance(value, list):
        return ()
    roles = {"human": "user", "gpt": "assistant", "bot": "assistant"}
    turns = list[tuple[str, str]]()
    for item in cast("list[object]", value):
        if not isinstance(item, dict):
            return ()
        message = cast("dict[str, object]", item)
        role = str(message.get("role", message.get("from", "")))
        content = message.get("content", message.get("value"))
        if isinstance(content, str) and roles.get(role, role) in {"system", "user", "assistant"}:
            turns.append((roles.get(role, role), content))
    return tuple(turns)


def _value(row: object, name: str | None) -> object:
    if name is None:
        return None
    if isinstance(row, dict) and name in row:
        return cast("dict[str, object]", row)[name]
    head, dot, rest = name.partition(".")
    inner: object = None
    if isinstance(row, dict):
        inner = cast("dict[str, object]", row).get(head)
    elif isinstance(row, list) and head.isdigit():
        items = cast("list[object]", row)
        inner = items[int(head)] if int(head) < len(items) else None
    return _value(inner, rest) if dot else inner


def _plain(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int | float) else ""
