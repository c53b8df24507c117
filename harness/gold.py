"""Read a gold set and refuse one that could give a wrong number."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from harness.config import Line, read_jsonl, validate_row
from harness.digest import digest_of
from harness.errors import GoldError, suggestion
from harness.tasks import LETTERS, TaskConfig, input_fault, scored_text
from harness.types import GoldRecord, Language


def load_gold(
    path: Path, tasks: Mapping[str, TaskConfig], language: Language
) -> tuple[GoldRecord, ...]:
    """Return the gold records of a file, in file order; dialogues are still whole.

    Args:
        path: A JSON Lines file, one GoldRecord a line.
        tasks: The suite's tasks, by name.
        language: The suite's.

    Raises:
        GoldError: naming file and line, for bad JSON, unknown keys or tasks, repeated ids,
            missing references, or choices that do not fit the task.
    """
    rows = (
        (f"{path}:{line.number}", validate_row(line, path, GoldRecord, GoldError))
        for line in read_jsonl(path, GoldError)
    )
    return check_gold(rows, tasks, language, path)


def check_gold(
    rows: Iterable[tuple[str, GoldRecord]],
    tasks: Mapping[str, TaskConfig],
    language: Language,
    path: Path,
) -> tuple[GoldRecord, ...]:
    """Return the records when they can be trusted together.

    Args:
        rows: Where each record stands (file and line), and the record.
        tasks: The suite's tasks, by name.
        language: The suite's.
        path: What they all come from, for the message when there are none.

    Raises:
        GoldError: as `load_gold` does.
    """
    records: list[GoldRecord] = []
    first: dict[str, str] = {}
    for where, record in rows:
        fault = record_fault(record, tasks, language)
        if fault is not None:
            raise GoldError(f"{where}: {record.id!r}: {fault}")
        if record.id in first:
            place = first[record.id].rpartition(":")[2].strip()
            raise GoldError(
                f"{where}: id {record.id!r} appears twice (first on line {place}); gold ids must "
                "be unique within a suite"
            )
        first[record.id] = where
        records.append(record)
    if not records:
        raise GoldError(f"{path}: no gold items in this file")
    return tuple(records)


def subset(
    records: Sequence[GoldRecord], limit: int, *, seed: int | None = None
) -> tuple[GoldRecord, ...]:
    """Return at most `limit` records of each task, in their old order.

    Args:
        records: All of them; dialogues are still whole.
        limit: Most records of one task.
        seed: Draw them at random with this seed; None: the first ones.
    """
    by_task: dict[str, list[int]] = {}
    for number, record in enumerate(records):
        by_task.setdefault(record.task, []).append(number)
    kept: set[int] = set()
    for task in sorted(by_task):
        numbers = by_task[task]
        if seed is not None:
            numbers = random.Random(f"{seed}/{task}").sample(numbers, len(numbers))
        kept.update(numbers[:limit])
    return tuple(record for number, record in enumerate(records) if number in kept)


def read_record(
    line: Line, path: Path, tasks: Mapping[str, TaskConfig], language: Language
) -> GoldRecord:
    """Return the gold record of a line, checked against its task.

    Raises:
        GoldError: naming file and line.
    """
    record = validate_row(line, path, GoldRecord, GoldError)
    fault = record_fault(record, tasks, language)
    if fault is not None:
        raise GoldError(f"{path}:{line.number}: {record.id!r}: {fault}")
    return record


def gold_digest(records: Iterable[GoldRecord]) -> str:
    """Return one hash for a gold set: the same whatever the order of its lines.

    Fields that an item leaves out do not count, so that a field which a later version adds
    changes no hash.
    """
    rows = [record.model_dump(mode="json", exclude_defaults=True) for record in records]
    return digest_of(sorted(rows, key=lambda row: row["id"]))


def record_fault(
    record: GoldRecord, tasks: Mapping[str, TaskConfig], language: Language
) -> str | None:
    """Return what is wrong with a record for its task, or None."""
    if record.task not in tasks:
        return (
            f"unknown task {record.task!r}{suggestion(record.task, tasks)}; "
            f"suite.yaml has: {', '.join(tasks)}"
        )
    task = tasks[record.task]
    if task.type == "lm_eval":  # lm-eval asks and measures; the record is for reading
        return _input_fault(record, task)
    return (
        _input_fault(record, task)
        or input_fault(task, record, language)
        or _text_fault(record, task)
        or (_dialogue_fault(record, task) if task.type == "multi_turn" else None)
        or (_choices_fault(record, task) if task.type == "multiple_choice" else None)
        or _reference_fault(record, task)
    )


def _input_fault(record: GoldRecord, task: TaskConfig) -> str | None:
    if not record.input or (isinstance(record.input, str) and not record.input.strip()):
        return "the input is empty"
    if isinstance(record.input, dict) and not any(text.strip() for text in record.input.values()):
        return "the input is empty"
    if isinstance(record.input, tuple):
        if task.type == "perplexity":
            return "a perplexity item needs a text, not a conversation"
        if task.type != "multi_turn" and record.input[-1].role != "user":
            return "a conversation must end with the user's turn"
    return None


def _text_fault(record: GoldRecord, task: TaskConfig) -> str | None:
    is_blank = task.type == "perplexity" and not scored_text(record).strip()
    return "the text to be scored is empty" if is_blank else None


def _dialogue_fault(record: GoldRecord, task: TaskConfig) -> str | None:
    assert isinstance(record.input, tuple), f"{record.id} is no dialogue"
    roles = [message.role for message in record.input if message.role != "system"]
    if not roles or roles[0] != "user":
        return "a dialogue must begin with the user's turn (after a system turn, if any)"
    if ("assistant", "assistant") in pairwise(roles):
        return "two turns of the assistant follow each other; join them"
    if record.input[-1].role == "system":
        return "a dialogue must end with a turn of the user or the assistant"
    if record.input[-1].role == "user" and not record.references:
        return "no references for the answer to the last turn; give some, or add the answer"
    # After the model's own answers a turn may have no gold answer; it only keeps its place.
    is_empty = any(not m.content.strip() for m in record.input if m.role == "assistant")
    if is_empty and task.history == "gold":
        return "a turn of the assistant is empty"
    return None


def _reference_fault(record: GoldRecord, task: TaskConfig) -> str | None:
    if task.type != "multiple_choice" and (record.choices or record.answer is not None):
        return "choices belong to multiple_choice tasks only"
    if task.type == "perplexity" and record.references:
        return "a perplexity item has no references: its input is scored"
    if any(not reference.strip() for reference in record.references):
        return "a reference is empty"
    free = {"multiple_choice", "perplexity", "extractive_qa", "multi_turn"}
    if not record.references and task.type not in free:
        return "no references; give at least one right answer"
    if task.type == "classification" and task.labels:
        odd = next((ref for ref in record.references if ref not in task.labels), None)
        if odd is not None:
            known = ", ".join(task.labels)
            return f"{odd!r} is not one of the labels{suggestion(odd, task.labels)}: {known}"
    return None


def _choices_fault(record: GoldRecord, task: TaskConfig) -> str | None:
    if len(record.choices) < 2:
        return "a multiple_choice item needs at least two choices"
    if len(set(record.choices)) < len(record.choices):
        return "two choices are equal"
    if any(not choice.strip() for choice in record.choices):
        return "a choice is empty"
    if task.score == "letter" and len(record.choices) > len(LETTERS):
        return f"{len(record.choices)} choices are more than there are letters"
    if record.answer is None or not 0 <= record.answer < len(record.choices):
        return f"answer must be an index from 0 to {len(record.choices) - 1}, got {record.answer}"
    return None
