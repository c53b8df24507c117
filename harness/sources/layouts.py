"""Read data files of the usual layouts into rows that know where they stand."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from harness.config import read_jsonl, read_text
from harness.errors import GoldError, InputError
from harness.sources.config import Files

_STEP = re.compile(r"([^.\[\]{}]*)(\[\]|\{\})")
_FORMATS: Mapping[str, str] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One object of a data file."""

    where: str
    """File and line, or file and path."""
    value: Any
    parents: tuple[Mapping[str, Any], ...] = ()
    """The objects around it, outermost first."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """key, number and file."""

    def variables(self) -> dict[str, Any]:
        """Return what a template sees: the row's own fields before those of its parents."""
        seen: dict[str, Any] = {**self.extra, "row": self.value, "parents": list(self.parents)}
        for parent in self.parents:
            seen.update(parent)
        if isinstance(self.value, dict):
            seen.update(cast("dict[str, Any]", self.value))
        return seen


def read_rows(path: Path, layout: Files) -> Iterator[Row]:
    """Yield the rows of a file.

    Raises:
        GoldError: naming the file and the place in it.
    """
    kind = layout.format
    if kind == "auto":
        kind = _FORMATS.get(path.suffix.lower(), "")
        if not kind:
            raise GoldError(
                f"{path}: the layout of {path.suffix or 'this file'} is not known; say "
                "`format:` json, jsonl, csv or tsv"
            )
    if kind == "jsonl":
        found = (
            Row(where=f"{path}:{line.number}", value=line.value)
            for line in read_jsonl(path, GoldError)
        )
    elif kind == "json":
        found = _json_rows(path, layout.each)
    else:
        delimiter = "," if kind == "csv" else "\t"
        found = table_rows(read_text(path, GoldError), path, delimiter, columns=layout.columns)
    for number, row in enumerate(found):
        extra = {"file": path.name.split(".")[0], "number": number, **row.extra}
        yield Row(where=row.where, value=row.value, parents=row.parents, extra=extra)


def read_json(path: Path) -> Any:
    """Return the value of a JSON file.

    Raises:
        GoldError: it is missing or not JSON.
    """
    try:
        return json.loads(read_text(path, GoldError))
    except (ValueError, RecursionError) as error:
        raise GoldError(f"{path}: this is not valid JSON: {error}") from None


def _json_rows(path: Path, each: str) -> Iterator[Row]:
    value = read_json(path)
    if not each:
        each = "[]" if isinstance(value, list) else "{}"
        if each == "{}" and not (isinstance(value, dict) and value and _all_objects(value)):
            raise GoldError(
                f"{path}: expected a list, or an object of objects; say in `each:` where its "
                "rows are, such as data[].paragraphs[].qas[]"
            )
    steps = _STEP.findall(each.replace("].", "]").replace("}.", "}"))
    yield from _descend(value, steps, str(path), "", ())


def _all_objects(value: Mapping[str, Any]) -> bool:
    return all(isinstance(item, (dict, str)) for item in value.values())


def _descend(
    value: Any,
    steps: list[tuple[str, str]],
    file: str,
    place: str,
    parents: tuple[Mapping[str, Any], ...],
    extra: Mapping[str, Any] | None = None,
) -> Iterator[Row]:
    if not steps:
        yield Row(
            where=f"{file}: {place.strip('.')}", value=value, parents=parents, extra=extra or {}
        )
        return
    (name, kind), *rest = steps
    inner = value
    for part in filter(None, name.split(".")):
        place = f"{place}.{part}"
        if not isinstance(inner, dict) or part not in inner:
            raise GoldError(
                f"{file}: {place.strip('.')}: there is no such field, but `each` asks for it"
            )
        inner = inner[part]
    wanted = list if kind == "[]" else dict
    if not isinstance(inner, wanted):
        raise GoldError(
            f"{file}: {place.strip('.') or 'the file'}: expected "
            f"{'a list' if kind == '[]' else 'an object'}, as `each` says"
        )
    around = (*parents, value) if isinstance(value, dict) and name else parents
    members = inner.items() if isinstance(inner, dict) else enumerate(inner)
    for key, member in members:
        here = f"{place}[{key}]" if kind == "[]" else f"{place}.{key}"
        extra = {"key": key} if kind == "{}" else extra
        yield from _descend(member, rest, file, here, around, extra)


def table_rows(
    text: str,
    path: Path,
    delimiter: str,
    *,
    columns: tuple[str, ...] = (),
    error: type[InputError] = GoldError,
) -> Iterator[Row]:
    """Yield the rows of CSV or TSV text; `path` is for messages.

    Args:
        text: With or without a header line.
        path: Where it comes from.
        delimiter: Between cells.
        columns: Names of the columns; empty: the first line has them.
        error: What to raise.

    Raises:
        InputError: of the given class: bad quotes, a row of another length, equal names.
    """
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = list(columns)
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not any(cells):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                if len(set(header)) < len(header):
                    raise error(f"{path}:{start}: two columns have the same name")
                continue
            if len(cells) != len(header):
                raise error(
                    f"{path}:{start}: {len(cells)} cells, expected {len(header)} "
                    f"({', '.join(header)})"
                )
            yield Row(where=f"{path}:{start}", value=dict(zip(header, cells, strict=True)))
    except csv.Error as fault:
        raise error(f"{path}:{reader.line_num}: this is not valid CSV: {fault}") from None
