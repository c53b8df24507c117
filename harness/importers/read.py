"""Tell which tool wrote a file of predictions, and read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from harness.config import jsonl_lines, read_text
from harness.errors import PredictionsError
from harness.importers import evalscope, lm_eval, opencompass
from harness.importers.base import Predictions
from harness.importers.evalscope import read_evalscope
from harness.importers.llama_factory import KEYS as LLAMA_FACTORY
from harness.importers.llama_factory import read_llama_factory
from harness.importers.lm_eval import read_lm_eval
from harness.importers.opencompass import read_opencompass
from harness.importers.plain import read_plain
from harness.sources.layouts import Row, table_rows

Reader = Callable[[Sequence[Row]], Predictions]
FORMATS: Mapping[str, Reader] = {
    "plain": read_plain,
    "lm-eval": read_lm_eval,
    "llama-factory": read_llama_factory,
    "opencompass": read_opencompass,
    "evalscope": read_evalscope,
}
STDIN = Path("/dev/stdin")


def read_predictions(path: Path, *, format: str = "auto") -> Predictions:  # noqa: A002
    """Return the predictions of a file.

    Args:
        path: JSON Lines, JSON, CSV or TSV.
        format: One of FORMATS, or "auto": told from the fields of the first row.

    Raises:
        PredictionsError: the file cannot be read as such; naming file and line.
    """
    return predictions_of(read_rows(path), path, format=format)


def predictions_of(rows: Sequence[Row], path: Path, *, format: str = "auto") -> Predictions:  # noqa: A002
    """Return the predictions that the rows of a file hold.

    Raises:
        PredictionsError: they are something else; naming file and line.
    """
    kind = _kind(rows[0].value) if format == "auto" else format
    try:
        found = FORMATS[kind](rows)
    except (KeyError, AttributeError, TypeError, IndexError) as error:
        raise PredictionsError(
            f"{path}: not a file that {kind} writes ({type(error).__name__}: {error}); it has the "
            f"fields {', '.join(map(str, rows[0].value))}: say another --format"
        ) from None
    _refuse_equal_ids(found)
    said = f"{path}: {len(found.rows)} predictions, read as {kind}"
    return replace(found, notes=(said, *found.notes))


def _kind(row: Mapping[str, Any]) -> str:
    keys = row.keys()
    if keys >= lm_eval.KEYS:
        return "lm-eval"
    if keys >= evalscope.REVIEW or keys >= evalscope.PREDICTION or keys >= evalscope.OLD:
        return "evalscope"
    if keys >= opencompass.KEYS and keys & opencompass.MARKS:
        return "opencompass"
    if keys >= LLAMA_FACTORY and "prediction" not in keys:
        return "llama-factory"
    return "plain"


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a JSON Lines, JSON, CSV or TSV file.

    Raises:
        PredictionsError: it cannot be read, or has none.
    """
    rows = _rows(path)
    if not rows:
        raise PredictionsError(f"{path}: no predictions in this file")
    return rows


def _rows(path: Path) -> list[Row]:
    text = read_text(path, PredictionsError)
    suffix = path.suffix.lower()
    start = text.lstrip()[:1]
    if suffix in {".tsv", ".csv"} or start not in {"{", "["}:
        delimiter = "\t" if suffix == ".tsv" else ","
        return list(table_rows(text, path, delimiter, error=PredictionsError))
    if suffix not in {".jsonl", ".ndjson"} and (start == "[" or not _is_lines(text)):
        return _from_json(text, path)
    return [Row(where=f"{path}:{line.number}", value=line.value) for line in _lines(text, path)]


def _lines(text: str, path: Path) -> list[Any]:
    return list(jsonl_lines(text, path, PredictionsError))


def _is_lines(text: str) -> bool:
    """Tell JSON Lines from one JSON value, whatever the file is called."""
    first, _, rest = text.lstrip().partition("\n")
    try:
        json.loads(first)
    except ValueError:
        return False
    return bool(rest.strip())


def _from_json(text: str, path: Path) -> list[Row]:
    """A list of rows, an object of rows by their number or id, or one row."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PredictionsError(f"{path}: this is not valid JSON: {error}") from None
    pairs: list[tuple[str, Any, dict[str, Any]]]
    if isinstance(value, list):
        listed = cast("list[Any]", value)
        pairs = [(f"{path}: [{i}]", row, {}) for i, row in enumerate(listed)]
    elif isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        if not all(isinstance(row, dict) for row in named.values()):
            named = {"": named}
        pairs = [(f"{path}: {key}", row, {"key": key}) for key, row in named.items()]
    else:
        raise PredictionsError(f"{path}: expected a list or an object of predictions")
    for where, row, _ in pairs:
        if not isinstance(row, dict):
            raise PredictionsError(f"{where}: expected an object, got {str(row)[:60]!r}")
    return [Row(where=where, value=row, extra=extra) for where, row, extra in pairs]


def _refuse_equal_ids(found: Predictions) -> None:
    first: dict[str, str] = {}
    for row in found.rows:
        if row.id in first:
            raise PredictionsError(
                f"{row.where}: id {row.id!r} appears twice (first at {first[row.id]}); one "
                "prediction per item can be scored"
            )
        first[row.id] = row.where
