"""Read ratings that were made elsewhere: Tunemark's own exports, Label Studio's and Argilla's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from harness.annotation.errors import AnnotationError
from harness.annotation.export.tables import FORMULA, PREFERENCE
from harness.annotation.schema.types import Outcome
from harness.config import read_text
from harness.errors import MissingExtraError
from harness.metrics.ratings import RatedAnswer, read_rated_answers

Format = Literal["jsonl", "csv", "parquet", "label-studio", "argilla"]
SIDES = ("a", "b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """One rating of one item by one person."""

    where: str
    item_key: str
    rater: str
    rating: str = ""
    """Its name in an export of ours; empty for others."""
    by_digest: Mapping[str, RatedAnswer] = field(default_factory=dict[str, RatedAnswer])
    """What is said about each answer, by its digest (own formats)."""
    values: Mapping[int, Mapping[str, int]] = field(default_factory=dict[int, Mapping[str, int]])
    """The same by position (others' formats)."""
    outcome: Outcome | None = None
    """In others' formats."""
    comment: str = ""


def read_elsewhere(file: Path, form: Format) -> list[Elsewhere]:
    """Return the ratings of a file.

    Raises:
        InputError: naming the file and, where it has some, the line.
        MissingExtraError: Parquet, and pyarrow is not installed.
    """
    if form == "jsonl":
        return list(_grouped(read_rated_answers([file]), file))
    if form == "csv":
        text = read_text(file, AnnotationError).removeprefix("\ufeff")
        rows = [
            _row(cells, file, n) for n, cells in enumerate(csv.DictReader(io.StringIO(text)), 2)
        ]
        return list(_grouped(rows, file))
    if form == "parquet":
        rows = [_row(cells, file, n) for n, cells in enumerate(_parquet(file), 1)]
        return list(_grouped(rows, file))
    read = _label_studio if form == "label-studio" else _argilla
    try:
        return list(read(_json_list(file), file))
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise AnnotationError(f"{file}: not what {form} exports: {error!r}") from None


def _grouped(rows: Sequence[RatedAnswer], file: Path) -> Iterator[Elsewhere]:
    """Put the lines of one rating together: one for each answer, or several for equal ones."""
    groups: dict[str, list[RatedAnswer]] = {}
    for row in rows:
        if row.source in {"raters", "import"} and row.occurrence == 0:
            groups.setdefault(row.rating, []).append(row)
    for rating, group in groups.items():
        yield Elsewhere(
            where=f"{file}: rating {rating}",
            item_key=group[0].item_key,
            rater=group[0].rater,
            rating=rating,
            by_digest={row.answer: row for row in group},
            comment=group[0].comment,
        )


def _row(cells: Mapping[str, Any], file: Path, number: int) -> RatedAnswer:
    """Return a line of the wide table."""
    fields: dict[str, Any] = {"values": {}, "tags": {}, "cannot_judge": []}
    told: dict[str, Any] = {}
    for name, cell in cells.items():
        value = _cell(cell)
        if value is None:
            continue
        group, _, own = str(name).partition(".")
        if group == "value" and value == "cannot judge":
            fields["cannot_judge"].append(own)
        elif group == "value":
            fields["values"][own] = value
        elif group == "tag":
            fields["tags"][own] = value
        elif group == "preference" and own in PREFERENCE:
            told[own] = value
        else:
            fields[name] = value
    if told.get("outcome"):
        fields["preference"] = told
    try:
        return RatedAnswer.model_validate(fields)
    except ValueError as error:
        raise AnnotationError(f"{file}:{number}: not a rating: {error}") from None


def _cell(cell: Any) -> Any:
    """Return a cell as it was before it was made harmless."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, str) and cell.startswith("'") and cell[1:].startswith(FORMULA):
        return cell[1:]
    return cell


def _parquet(file: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("Parquet", "reports") from None
    try:
        return cast("list[dict[str, Any]]", pq.read_table(file).to_pylist())
    except (pa.ArrowException, OSError) as error:
        raise AnnotationError(f"{file}: cannot be read as Parquet: {error}") from None


def _json_list(file: Path) -> list[dict[str, Any]]:
    try:
        value: Any = json.loads(read_text(file, AnnotationError))
    except ValueError as error:
        raise AnnotationError(f"{file}: not valid JSON: {error}") from None
    if not isinstance(value, list):
        raise AnnotationError(f"{file}: expected a list of tasks")
    return cast("list[dict[str, Any]]", value)


def _label_studio(tasks: Sequence[dict[str, Any]], file: Path) -> Iterator[Elsewhere]:
    for number, task in enumerate(tasks, 1):
        for annotation in task.get("annotations", []):
            if annotation.get("was_cancelled"):
                continue
            by = annotation.get("completed_by")
            rater = str(by.get("email") or by.get("id")) if isinstance(by, dict) else str(by)
            values: dict[int, dict[str, int]] = {}
            outcome = None
            for result in annotation["result"]:
                name, _, side = str(result["from_name"]).rpartition("_")
                if result["type"] == "rating":
                    points = values.setdefault(SIDES.index(side), {})
                    points[name] = int(result["value"]["rating"])
                elif result["from_name"] == "preference":
                    outcome = _outcome(result["value"]["choices"][0])
            yield Elsewhere(
                where=f"{file}: task {number}",
                item_key=str(task["data"]["item_key"]),
                rater=rater.removesuffix("@tunemark.invalid"),
                values=values,
                outcome=outcome,
            )


def _argilla(records: Sequence[dict[str, Any]], file: Path) -> Iterator[Elsewhere]:
    for number, record in enumerate(records, 1):
        for response in record.get("responses", []):
            if response.get("status", "submitted") != "submitted":
                continue
            values: dict[int, dict[str, int]] = {}
            outcome, comment = None, ""
            for name, told in response["values"].items():
                if name == "preference":
                    outcome = _outcome(told["value"])
                elif name == "comment":
                    comment = str(told["value"])
                else:
                    scale, _, side = str(name).rpartition("_")
                    values.setdefault(SIDES.index(side), {})[scale] = int(told["value"])
            yield Elsewhere(
                where=f"{file}: record {number}",
                item_key=str(record["external_id"]),
                rater=str(response["user_id"]),
                values=values,
                outcome=outcome,
                comment=comment,
            )


def _outcome(said: str) -> Outcome:
    outcomes: dict[str, Outcome] = {
        "a": "first", "b": "second", "tie": "tie", "both_bad": "both_bad",
    }  # fmt: skip
    return outcomes[said]
