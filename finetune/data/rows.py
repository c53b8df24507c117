"""Read training rows, from message files or from recipes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from harness.config import read_jsonl, validate_row
from harness.errors import DataError
from harness.training import TrainingRow
from harness.types import Message, Record


class _MessagesLine(Record):
    messages: tuple[Message, ...]


def load_rows(paths: Sequence[Path]) -> list[TrainingRow]:
    """Return the rows of all files, in order.

    Raises:
        DataError, ConfigError: naming file and line.
    """
    from finetune.data.build import build_rows

    rows: list[TrainingRow] = []
    for path in paths:
        rows.extend(build_rows(path) if path.suffix in {".yaml", ".yml"} else _read(path))
    if not rows:
        raise DataError(f"{', '.join(map(str, paths))}: no training rows")
    return rows


def check_turns(messages: Sequence[Message], *, where: str) -> None:
    """Refuse a conversation that has nothing to learn or is out of order.

    Raises:
        DataError: no assistant turn at the end, an empty turn, or two turns of one role in a row.
    """
    if not messages or messages[-1].role != "assistant":
        raise DataError(f"{where}: the last turn must be the assistant's")
    roles = [message.role for message in messages]
    turns = roles[1:] if roles[0] == "system" else roles
    expected = ["user", "assistant"] * (len(turns) // 2)
    if turns != expected:
        raise DataError(
            f"{where}: turns must alternate user, assistant (after an optional system turn); "
            f"got {', '.join(roles)}"
        )
    for number, message in enumerate(messages):
        if not message.content.strip():
            raise DataError(f"{where}: turn {number} ({message.role}) is empty")


def choose_rows(rows: Sequence[TrainingRow], *, n: int | None, seed: int) -> list[TrainingRow]:
    """Return `n` rows drawn with the seed, in file order; all of them for None."""
    if n is None or n >= len(rows):
        return list(rows)
    chosen = set(random.Random(seed).sample(range(len(rows)), n))
    return [row for i, row in enumerate(rows) if i in chosen]


def split_rows(
    rows: Sequence[TrainingRow], *, heldout: float, seed: int
) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """Split into (training, held-out) rows by the seed."""
    n = round(len(rows) * heldout)
    out = set(random.Random(f"heldout-{seed}").sample(range(len(rows)), n))
    return (
        [row for i, row in enumerate(rows) if i not in out],
        [row for i, row in enumerate(rows) if i in out],
    )


def _read(path: Path) -> list[TrainingRow]:
    rows: list[TrainingRow] = []
    for line in read_jsonl(path, DataError):
        row = validate_row(line, path, _MessagesLine, DataError)
        where = f"{path}:{line.number}"
        check_turns(row.messages, where=where)
        rows.append(TrainingRow(messages=row.messages, origin=where))
    return rows
