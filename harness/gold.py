"""Read a gold set and refuse one that could give a wrong number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.config import Line, read_jsonl, validate_row
from harness.digest import digest_of
from harness.errors import GoldError, suggestion
from harness.types import GoldRecord, TaskType


def load_gold(path: Path, task_types: Mapping[str, TaskType]) -> tuple[GoldRecord, ...]:
    """Return the gold records of a file, in file order.

    Args:
        path: A JSON Lines file, one GoldRecord a line.
        task_types: The suite's tasks, by name.

    Raises:
        GoldError: naming file and line, for bad JSON, unknown keys or tasks, repeated ids,
            missing references, or choices that do not fit the task.
    """
    records: list[GoldRecord] = []
    line_of: dict[str, int] = {}
    for line in read_jsonl(path, GoldError):
        record = validate_row(line, path, GoldRecord, GoldError)
        if record.id in line_of:
            raise GoldError(
                f"{path}:{line.number}: id {record.id!r} appears twice (first on line "
                f"{line_of[record.id]}); gold ids must be unique within a suite"
            )
        line_of[record.id] = line.number
        _check(record, line, path, task_types)
        records.append(record)
    if not records:
        raise GoldError(f"{path}: no gold items in this file")
    return tuple(records)


def gold_digest(records: Iterable[GoldRecord]) -> str:
    """Return one hash for a gold set: the same whatever the order of its lines."""
    rows = sorted((record.model_dump(mode="json") for record in records), key=lambda r: r["id"])
    return digest_of(rows)


def _check(record: GoldRecord, line: Line, path: Path, task_types: Mapping[str, TaskType]) -> None:
    where = f"{path}:{line.number}: {record.id!r}"
    if record.task not in task_types:
        raise GoldError(
            f"{where}: unknown task {record.task!r}{suggestion(record.task, task_types)}; "
            f"suite.yaml has: {', '.join(task_types)}"
        )
    if not record.input or (isinstance(record.input, str) and not record.input.strip()):
        raise GoldError(f"{where}: the input is empty")
    if isinstance(record.input, tuple) and record.input[-1].role != "user":
        raise GoldError(f"{where}: a conversation must end with the user's turn")
    if task_types[record.task] == "multiple_choice":
        _check_choices(record, where)
    elif not record.references:
        raise GoldError(f"{where}: no references; give at least one right answer")
    elif record.choices or record.answer is not None:
        raise GoldError(f"{where}: choices belong to multiple_choice tasks only")
    elif any(not reference.strip() for reference in record.references):
        raise GoldError(f"{where}: a reference is empty")


def _check_choices(record: GoldRecord, where: str) -> None:
    if len(record.choices) < 2:
        raise GoldError(f"{where}: a multiple_choice item needs at least two choices")
    if len(set(record.choices)) < len(record.choices):
        raise GoldError(f"{where}: two choices are equal")
    if any(not choice.strip() for choice in record.choices):
        raise GoldError(f"{where}: a choice is empty")
    if record.answer is None or not 0 <= record.answer < len(record.choices):
        raise GoldError(
            f"{where}: answer must be an index from 0 to {len(record.choices) - 1}, "
            f"got {record.answer}"
        )
