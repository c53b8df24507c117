"""Training rows: conversations that the trainer can encode, out of any data that holds some."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from finetune.data.examples import KINDS, Example, check_turns
from finetune.data.source import DataSource, Rows, read_source
from harness.errors import DataError
from harness.training import TrainingRow
from harness.types import Message


def load_rows(sources: Sequence[Path | DataSource]) -> list[TrainingRow]:
    """Return the conversations of all sources, in order.

    Raises:
        DataError, ConfigError: naming file, line and field; also for data that holds something
            else than conversations.
    """
    rows: list[TrainingRow] = []
    for source in sources:
        rows.extend(training_rows(_read(source)))
    if not rows:
        names = [one.path if isinstance(one, DataSource) else str(one) for one in sources]
        raise DataError(f"{', '.join(names)}: no training rows")
    return rows


def training_rows(rows: Rows) -> list[TrainingRow]:
    """Return the conversations of one source.

    Raises:
        DataError: it holds something else, or a row is not fit for training.
    """
    if rows.format.kind != "chat":
        raise DataError(
            f"{rows.file}: holds {KINDS[rows.format.kind]} (format {rows.format.name}), and this "
            "training learns from conversations; name other data, or another format of these"
        )
    return [training_row(example) for example in rows.examples]


def training_row(example: Example) -> TrainingRow:
    """Return a conversation as the trainer takes it.

    Raises:
        DataError: turns out of order, an empty one, or one with fields that training would not
            heed, such as tool calls.
    """
    where = example.where
    if example.tools:
        raise DataError(f"{where}: tools: this training cannot show tools to the model")
    messages: list[Message] = []
    for number, turn in enumerate(example.turns):
        kept = [key for key, value in turn.more.items() if value is not None]
        if turn.role == "tool" or kept:
            what = "answers of tools" if turn.role == "tool" else f"{kept[0]!r}"
            raise DataError(
                f"{where}: turn {number} ({turn.role}): this training would not heed {what}; "
                "take it out of the data"
            )
        messages.append(Message(role=turn.role, content=turn.content or ""))
    check_turns(messages, where=where)
    return TrainingRow(messages=tuple(messages), origin=where)


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


def _read(source: Path | DataSource) -> Rows:
    if isinstance(source, DataSource):
        return read_source(Path(source.path), format=source.format, name=source.name)
    return read_source(source)
