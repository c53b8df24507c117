"""Solved examples before a question: read from a file, chosen so that they give nothing away."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Set
from itertools import islice
from pathlib import Path

from harness.config import read_jsonl
from harness.errors import ConfigError, GoldError
from harness.gold import read_record
from harness.tasks import TaskConfig
from harness.types import GoldRecord, Language

Pools = Mapping[str, tuple[GoldRecord, ...]]
"""The solved examples of each task, in the order in which they are taken."""


def read_pools(
    path: Path, tasks: Mapping[str, TaskConfig], language: Language, *, taken: Set[str]
) -> Pools:
    """Return the rows of a file that tasks with `shots` can use.

    Args:
        path: A JSON Lines file of gold rows.
        tasks: The suite's tasks, by name.
        language: The suite's.
        taken: Ids that no row may have.

    Raises:
        GoldError: a row is malformed, or is a gold item, naming file and line.
    """
    rows: dict[str, list[GoldRecord]] = {name: [] for name, task in tasks.items() if task.shots}
    for line in read_jsonl(path, GoldError):
        row = read_record(line, path, tasks, language)
        if row.id in taken:
            raise GoldError(f"{path}:{line.number}: shot {row.id!r} is also a gold item")
        if row.task in rows:
            rows[row.task].append(row)
    return {name: _in_order(tasks[name], pool) for name, pool in rows.items()}


def choose_shots(
    task: TaskConfig, pool: Sequence[GoldRecord], record: GoldRecord
) -> tuple[GoldRecord, ...]:
    """Return the examples that stand before an item: neither itself nor one of its cluster.

    Raises:
        ConfigError: the pool is too small.
    """
    allowed = (row for row in pool if not _is_related(row, record))
    is_drawn = task.shots_seed is not None and task.shots_per == "item"
    found = list(allowed) if is_drawn else list(islice(allowed, task.shots))
    if len(found) < task.shots:
        raise ConfigError(
            f"task {record.task!r} wants {task.shots} shots, but for {record.id!r} the file has "
            f"{len(found)} (neither itself nor of its cluster)"
        )
    if is_drawn:
        return tuple(random.Random(f"{task.shots_seed}:{record.id}").sample(found, task.shots))
    return tuple(found)


def _in_order(task: TaskConfig, pool: Sequence[GoldRecord]) -> tuple[GoldRecord, ...]:
    if task.shots_seed is None or task.shots_per == "item":
        return tuple(pool)
    return tuple(random.Random(str(task.shots_seed)).sample(pool, len(pool)))


def _is_related(row: GoldRecord, record: GoldRecord) -> bool:
    return row.id == record.id or (row.cluster is not None and row.cluster == record.cluster)
