"""Make gold items from a source: find its files, read their rows, fill in the templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from harness.config import explain, telling_fault
from harness.errors import ConfigError, GoldError
from harness.sources.config import Part, SourceConfig, Table
from harness.sources.expressions import FAULTS, compiled
from harness.sources.hub import hub_rows
from harness.sources.layouts import Row, read_json, read_rows
from harness.types import GoldRecord

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Found:
    """A gold item and where its row stands."""

    where: str
    record: GoldRecord


def read_source(
    source: SourceConfig, tasks: Mapping[str, object], file: Path, data: Path | None
) -> Iterator[Found]:
    """Yield the gold items of a suite that takes them from other people's data.

    Args:
        source: What suite.yaml says.
        tasks: The suite's tasks, by name.
        file: The suite.yaml, for messages.
        data: A folder with the files, or the one file; None: from the hub.

    Raises:
        ConfigError: the source asks for a task that the suite lacks, or needs `--data`.
        GoldError: a file is missing, or a row does not fit; naming file, row and field.
    """
    parts = _parts_on_hub(source, file) if data is None else _parts_for(source, data)
    for part in parts:
        task = part.task or next(iter(tasks))
        if task not in tasks or (part.task is None and len(tasks) > 1):
            raise ConfigError(
                f"{file}: source: `task` must be one of: {', '.join(tasks)}; got {part.task!r}"
            )
        tables = {name: _table(table, file, data) for name, table in part.tables.items()}
        for row in _rows(part, source, file, data):
            variables = {**row.variables(), **tables}
            if part.where is None or _value(part.where, variables, row, "where"):
                yield Found(row.where, _record(part, task, variables, row))


def _parts_on_hub(source: SourceConfig, file: Path) -> list[Part]:
    found = [part for part in source.parts if part.hub is not None]
    if {part.task for part in found} != {part.task for part in source.parts}:
        there = f" (get it from {source.obtain})" if source.obtain else ""
        raise ConfigError(f"{file}: this suite needs --data FOLDER with its files{there}")
    return found


def _parts_for(source: SourceConfig, data: Path) -> list[Part]:
    """Of a folder all parts; of a single file those that ask for it, or all where it is the one."""
    with_files = [part for part in source.parts if part.files]
    if data.is_dir() or not data.exists():
        return with_files
    asked = [part for part in with_files if _asks_for(part, data)]
    patterns = {part.files for part in with_files}
    if not asked and len(patterns) > 1:
        known = sorted({pattern for files in patterns for pattern in files})
        raise GoldError(f"{data}: this source reads files called {', '.join(known)}")
    return asked or with_files


def _asks_for(part: Part, data: Path) -> bool:
    return any(fnmatch(data.name, Path(pattern).name) for pattern in part.files)


def _rows(part: Part, source: SourceConfig, file: Path, data: Path | None) -> Iterator[Row]:
    if data is None:
        assert part.hub is not None, f"{part.id} is not on the hub"
        yield from hub_rows(part.hub, obtain=source.obtain)
        return
    for path in _files(part.files, file, data):
        yield from read_rows(path, part)


def _files(patterns: tuple[str, ...], suite: Path, data: Path) -> list[Path]:
    if data.is_file():
        return [data]
    if not data.is_dir():
        raise GoldError(f"{data}: no such file or folder")
    for pattern in patterns:
        found = sorted(path for path in data.glob(pattern) if path.is_file())
        if found:
            return found
    there = ", ".join(sorted(path.name for path in data.iterdir())[:8])
    raise GoldError(
        f"{data}: none of the files that {suite.name} reads is here: {', '.join(patterns)}; "
        f"the folder has: {there or 'nothing'}"
    )


def _table(table: Table, suite: Path, data: Path | None) -> Mapping[str, Any]:
    if data is None:
        raise ConfigError(f"{suite}: this suite needs --data: it looks things up in a second file")
    folder = data if data.is_dir() else data.parent
    found: dict[str, Any] = {}
    for path in _files(table.files, suite, folder):
        if table.key is None:
            value = read_json(path)
            if not isinstance(value, dict):
                raise GoldError(f"{path}: expected an object, since its table has no `key`")
            found.update(cast("dict[str, Any]", value))
            continue
        for row in read_rows(path, table):
            found[str(_value(table.key, row.variables(), row, "key"))] = row.value
    return found


def _record(part: Part, task: str, variables: Mapping[str, Any], row: Row) -> GoldRecord:
    def value(template: str, field: str) -> Any:
        return _value(template, variables, row, field)

    choices = _list(part.choices, value, "choices")
    found: dict[str, Any] = {
        "id": str(value(part.id, "id")),
        "task": task,
        "input": {name: _text(value(text, f"input.{name}")) for name, text in part.input.items()}
        if isinstance(part.input, dict)
        else _text(value(part.input, "input")),
        "references": _list(part.references, value, "references"),
        "choices": choices,
        "slices": _filled({n: value(t, f"slices.{n}") for n, t in part.slices.items()}),
    }
    if part.answer is not None:
        found["answer"] = _index(value(part.answer, "answer"), choices, row)
    for name in ("cluster", "source"):
        template = getattr(part, name)
        found |= _filled({name: value(template, name)} if template is not None else {})
    try:
        return GoldRecord.model_validate(found)
    except ValidationError as error:
        told = explain(telling_fault(error), GoldRecord)
        raise GoldError(f"{row.where}: {told}") from None


def _value(template: str, variables: Mapping[str, Any], row: Row, field: str) -> Any:
    try:
        return compiled(template)(variables)
    except FAULTS as error:
        has = ", ".join(row.value) if isinstance(row.value, dict) else type(row.value).__name__
        raise GoldError(f"{row.where}: {field}: {error}; the row has: {has[:200]}") from None
    except RecursionError:
        raise GoldError(f"{row.where}: {field}: this template never ends") from None


def _text(value: Any) -> Any:
    """Numbers become text; a list is a conversation and stays."""
    return str(value) if isinstance(value, (int, float)) else value


def _list(templates: str | tuple[str, ...], value: Any, field: str) -> list[Any]:
    found: list[Any] = []
    for template in (templates,) if isinstance(templates, str) else templates:
        one = value(template, field)
        found += [_text(item) for item in one] if isinstance(one, (list, tuple)) else [_text(one)]
    return found


def _filled(values: Mapping[str, Any]) -> dict[str, str]:
    """Leave out what a row does not say."""
    return {name: str(value) for name, value in values.items() if value not in (None, "")}


def _index(value: Any, choices: list[Any], row: Row) -> int:
    if isinstance(value, str) and value in choices:
        return choices.index(value)
    if isinstance(value, str) and len(value) == 1 and value.upper() in LETTERS:
        return LETTERS.index(value.upper())
    try:
        return int(value)
    except (TypeError, ValueError):
        raise GoldError(
            f"{row.where}: answer: {value!r} is neither an index from 0, nor a letter, nor one of "
            f"the choices: {choices}"
        ) from None
