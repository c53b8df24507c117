"""Predictions beside measurements: one is written into every training's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.data.lengths import TOKENS_PER_TURN, estimated_tokens
from finetune.planner.levers import fit_of
from finetune.planner.memory import Memory, memory_of
from finetune.planner.reading import read_architecture
from finetune.planner.shape import shape_of
from harness.errors import HarnessError, InputError, StoreError
from harness.store import read_json, write_json
from harness.training import SUMMARY, PlannedTraining, TrainingRow
from harness.types import Message

PREDICTION = "memory.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One training that ran."""

    name: str
    predicted: float
    """Bytes, of the figure that was measured: resident on a CPU, allocated on a GPU."""
    low: float
    high: float
    measured: float

    @property
    def error(self) -> float:
        """(predicted − measured) / measured."""
        return self.predicted / self.measured - 1


def predict(
    model: Path,
    train: Mapping[str, Any],
    *,
    on_cpu: bool,
    longest: int | None = None,
    loss_share: float | None = None,
) -> Memory:
    """Return the memory of one of Tunemark's own trainings.

    Args:
        model: Folder of the base.
        train: Resolved settings.
        on_cpu: Whether it trains on a CPU.
        longest: Tokens in the longest row, where it is known; by default max_tokens.
        loss_share: Share of tokens that are learnt, where it is known.

    Raises:
        InputError: the model or a setting is not known to the planner.
    """
    values = dict(train)
    if longest is not None:
        values["max_tokens"] = longest
    shape = shape_of(values, where=str(model), on_cpu=on_cpu, loss_share=loss_share)
    return memory_of(read_architecture(model), shape)


def largest_micro_batch(
    model: Path,
    train: Mapping[str, Any],
    capacity: float,
    *,
    on_cpu: bool,
    longest: int,
    loss_share: float,
) -> int:
    """Return the most rows of a forward pass that fit `capacity` bytes, at least 1.

    Args:
        model: Folder of the base.
        train: Resolved settings.
        capacity: Bytes of the device, or of this machine.
        on_cpu: Whether it trains on a CPU.
        longest: Tokens in the longest row.
        loss_share: Share of tokens that are learnt.

    Raises:
        InputError: the model or a setting is not known to the planner.
    """
    values = {**train, "max_tokens": longest, "micro_batch": 1}
    shape = shape_of(values, where=str(model), on_cpu=on_cpu, loss_share=loss_share)
    rows = shape.micro_batch  # two of a preference pair
    return max(1, fit_of(read_architecture(model), shape, capacity).largest // rows)


def record_prediction(
    folder: Path,
    model: Path,
    train: Mapping[str, Any],
    *,
    on_cpu: bool,
    longest: int,
    loss_share: float,
) -> None:
    """Write what a training is expected to take; a model that cannot be counted gets no file."""
    try:
        memory = predict(model, train, on_cpu=on_cpu, longest=longest, loss_share=loss_share)
    except InputError:
        return
    aside = memory.of("context") + (0.0 if on_cpu else memory.of("fragmentation"))
    write_json(
        folder / PREDICTION,
        {
            "predicted_bytes": round(memory.expected - aside),
            "low_bytes": round(memory.low - aside),
            "high_bytes": round(memory.high - aside),
            "components": {c.name: round(c.n_bytes) for c in memory.components},
            "longest_row": longest,
            "loss_share": round(loss_share, 4),
            "on_cpu": on_cpu,
        },
    )


def history(root: Path) -> tuple[Past, ...]:
    """Return all finished trainings under a folder of runs, in the order of their names.

    Raises:
        StoreError: no training there has a prediction and a measurement.
    """
    found: list[Past] = []
    for file in sorted((root / "train").glob(f"*/{PREDICTION}")):
        summary = file.parent / SUMMARY
        if not summary.exists():
            continue
        try:
            plan, done = read_json(file), read_json(summary)
            past = Past(
                name=file.parent.name,
                predicted=float(plan["predicted_bytes"]),
                low=float(plan["low_bytes"]),
                high=float(plan["high_bytes"]),
                measured=float(done["peak_bytes"]),
            )
        except (KeyError, TypeError, HarnessError) as error:
            raise StoreError(f"{file.parent}: cannot be read as a training: {error}") from None
        found.append(past)
    if not found:
        raise StoreError(
            f"{root}: no finished training with a prediction here; `tunemark train` writes one "
            "into each training's folder"
        )
    return tuple(found)


def predicted_bytes(training: PlannedTraining, *, on_cpu: bool) -> float | None:
    """Return the expected peak of a training to come; None for a model that cannot be counted.

    Rows are not tokenised yet: their tokens are guessed from their characters.
    """
    settings = {**training.identity["config"], "micro_batch": training.job.micro_batch}
    rows = row_facts(training.rows, max_tokens=int(settings["max_tokens"]))
    try:
        memory = predict(
            Path(training.job.model),
            settings,
            on_cpu=on_cpu,
            longest=rows.longest,
            loss_share=rows.loss_share,
        )
    except InputError:
        return None
    return memory.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFacts:
    """What of the rows decides memory, guessed without a tokenizer."""

    longest: int
    """Tokens in the longest row that is kept."""
    loss_share: float
    """Share of tokens that are learnt."""


def row_facts(rows: Sequence[TrainingRow], *, max_tokens: int) -> RowFacts:
    """Return what of the rows decides memory; there must be at least one."""
    lengths = [rough_tokens(row.messages) for row in rows]
    answers = [
        rough_tokens([message for message in row.messages if message.role == "assistant"])
        for row in rows
    ]
    return RowFacts(
        longest=max(1, min(max_tokens, max(lengths))),
        loss_share=sum(answers) / max(1, sum(lengths)),
    )


def rough_tokens(messages: Sequence[Message]) -> int:
    """Guess the tokens of turns from their characters, with some for the layout of each."""
    text = "".join(message.content for message in messages)
    return round(estimated_tokens(text) + TOKENS_PER_TURN * len(messages))
