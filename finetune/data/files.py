"""Read and write rows as they stand in files: JSON, JSON Lines, CSV, TSV, Parquet, text; gzip."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from harness.config import json_rows, jsonl_lines, read_text
from harness.errors import DataError, MissingExtraError
from harness.sources.layouts import table_rows
from harness.store import write_bytes, write_text

GZIP = ".gz"
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row as the file has it."""

    where: str
    """File and line; of a Parquet file the number of the row, from 1."""
    fields: Fields
    is_table: bool = False
    """Whether it comes from a table, where a cell may hold turns as JSON text."""


def read_rows(path: Path) -> list[RawRow]:
    """Return the rows of a file; its ending says what it is, `.gz` after it that it is packed.

    A `.txt` file has one row for each stretch of text between blank lines, as field `text`.

    Raises:
        DataError: naming file and line.
        MissingExtraError: Parquet without pyarrow.
    """
    kind = file_kind(path)
    if kind == ".parquet":
        return _read_parquet(path)
    text = _unpacked(path) if path.suffix.lower() == GZIP else read_text(path, DataError)
    if kind in {".csv", ".tsv"}:
        delimiter = "\t" if kind == ".tsv" else ","
        rows = table_rows(text, path, delimiter, error=DataError)
        return [RawRow(where=row.where, fields=row.value, is_table=True) for row in rows]
    if kind == ".txt":
        return list(_paragraphs(text, path))
    is_list = kind == ".json" and text.lstrip()[:1] != "{"
    lines = (json_rows if is_list else jsonl_lines)(text, path, DataError)
    return [RawRow(where=f"{path}:{line.number}", fields=line.value) for line in lines]


def write_rows(path: Path, rows: Sequence[Fields]) -> int:
    """Write rows whole or not at all, in the form that the ending names.

    Returns:
        How many rows do not read back as they were: tables have no absent fields, and CSV turns
        numbers, true and false into text. 0 for JSON.

    Raises:
        DataError: the form cannot hold the rows.
        StoreError: the disk does not take the file.
    """
    kind = file_kind(path)
    if kind == ".parquet":
        write_bytes(path, _parquet(path, rows))
    else:
        text = _WRITERS[kind](path, rows)
        if path.suffix.lower() == GZIP:
            write_bytes(path, gzip.compress(text.encode(), mtime=0))
        else:
            write_text(path, text)
    if kind in {".json", ".jsonl", ".ndjson"} or not rows:
        return 0
    columns = {key for row in rows for key in row}
    back = [row.fields for row in read_rows(path)]
    written = [_cells(row, columns) for row in rows] if kind in {".csv", ".tsv"} else rows
    return sum(dict(a) != dict(b) for a, b in zip(written, back, strict=True))


def file_kind(path: Path) -> str:
    """Return the ending that tells a file's form, without `.gz`.

    Raises:
        DataError: no form has that ending.
    """
    name = path.with_suffix("") if path.suffix.lower() == GZIP else path
    kind = name.suffix.lower()
    if kind not in SUFFIXES:
        raise DataError(
            f"{path}: cannot tell what this file is; its name should end with one of "
            f"{', '.join(SUFFIXES)}, with .gz after it where it is packed"
        )
    return kind


def _unpacked(path: Path) -> str:
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8-sig")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: this is not a whole gzip file: {error}") from None
    except UnicodeDecodeError as fault:
        raise DataError(f"{path}: not UTF-8 text (byte {fault.start}); save it as UTF-8") from None
    except OSError as fault:
        raise DataError(f"{path}: cannot be read: {fault.strerror}") from None


def _paragraphs(text: str, path: Path) -> Iterator[RawRow]:
    text = text.replace("\r\n", "\n")
    at, number = 0, 1
    for gap in (*_BLANK_LINES.finditer(text), None):
        block = text[at : gap.start() if gap else len(text)]
        if block.strip():
            lead = len(block) - len(block.lstrip("\n"))
            yield RawRow(where=f"{path}:{number + lead}", fields={"text": block.strip("\n")})
        if gap:
            number += text.count("\n", at, gap.end())
            at = gap.end()


def _read_parquet(path: Path) -> list[RawRow]:
    parquet = _pyarrow()
    try:
        table: Any = parquet.read_table(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except Exception as error:  # pyarrow raises many kinds; all mean that it is not readable
        raise DataError(f"{path}: not a readable Parquet file: {_first_line(error)}") from None
    rows = cast("list[dict[str, Any]]", table.to_pylist())
    return [
        RawRow(where=f"{path}: row {number}", fields=_without_nothing(row))
        for number, row in enumerate(rows, start=1)
    ]


def _without_nothing(value: Any) -> Any:
    """Drop fields that are None: a table's columns exist in every row."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {key: _without_nothing(item) for key, item in fields.items() if item is not None}
    if isinstance(value, list):
        return [_without_nothing(item) for item in cast("list[Any]", value)]
    return value


def _parquet(path: Path, rows: Sequence[Fields]) -> bytes:
    parquet = _pyarrow()
    import pyarrow as pa

    columns = dict.fromkeys(key for row in rows for key in row)
    sink = io.BytesIO()
    try:
        table = pa.table({key: [row.get(key) for row in rows] for key in columns})
        parquet.write_table(table, sink)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: these rows do not fit into columns of one type each "
            f"({_first_line(error)}); write .jsonl instead"
        ) from None
    return sink.getvalue()


def _pyarrow() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("Parquet", "hub") from None
    return parquet


def _jsonl(path: Path, rows: Sequence[Fields]) -> str:
    del path
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _json(path: Path, rows: Sequence[Fields]) -> str:
    del path
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def _table(path: Path, rows: Sequence[Fields]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    sink = io.StringIO(newline="")
    delimiter = "\t" if file_kind(path) == ".tsv" else ","
    writer = csv.writer(sink, delimiter=delimiter, lineterminator="\n")
    if columns:
        writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        cells = [_cell(row[key]) if key in row else "" for key in columns]
        if not any(cells):
            raise DataError(f"{path}: row {number} is empty, and CSV cannot say that; write .jsonl")
        writer.writerow(cells)
    return sink.getvalue()


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cells(row: Fields, columns: Collection[str]) -> dict[str, Any]:
    """Return a row as a table should give it back: lists and objects as JSON text."""
    cells = {
        key: _cell(value) if isinstance(value, list | dict) else value for key, value in row.items()
    }
    return cells if len(cells) == len(columns) else {}


def _text(path: Path, rows: Sequence[Fields]) -> str:
    for number, row in enumerate(rows, start=1):
        text = row.get("text")
        if set(row) != {"text"} or not isinstance(text, str):
            raise DataError(f"{path}: row {number} is more than a text; write .jsonl")
        if _BLANK_LINES.search(text) or not text.strip() or text != text.strip("\n"):
            raise DataError(
                f"{path}: row {number} has a blank line, which separates rows in .txt; write .jsonl"
            )
    return "".join(f"{row['text']}\n\n" for row in rows)


_WRITERS: Mapping[str, Callable[[Path, Sequence[Fields]], str]] = {
    ".json": _json,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": _table,
    ".tsv": _table,
    ".txt": _text,
}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0]
