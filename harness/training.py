"""What the harness knows of training: a plan, a folder, and the command that fills it.

The trainer itself lives in `finetune` and is reached by name only, so that evaluation never
depends on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.digest import canonical_json
from harness.provenance import provenance
from harness.store import RunFolder, read_json, write_json, write_text
from harness.types import Message, Record

PLAN_TRAINING = "finetune.plan:plan_training"
TRAIN_COMMAND = ("-m", "finetune.worker")
SUMMARY = "summary.json"
ADAPTER = "adapter"
ROWS = "rows.jsonl"
JOB = "job.json"


class TrainingRow(Record):
    """One conversation to learn from; it ends with the assistant."""

    messages: tuple[Message, ...]
    origin: str
    """File and line, or recipe and source item."""


class TrainingJob(Record):
    """Where this machine keeps what a training needs: not part of its identity."""

    model: str
    """Folder of the base."""
    template: str
    micro_batch: int
    """Rows per forward pass: decides the memory, not the result, so it may change on resuming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTraining:
    """A training run that is done or could be."""

    name: str
    folder: RunFolder
    identity: dict[str, Any]
    job: TrainingJob
    rows: tuple[TrainingRow, ...]
    """The conversations to learn from."""
    n_rows: int
    """Rows trained on, held-out ones excluded."""
    n_tokens: int
    """Rough number of tokens over all epochs (characters over a mean token length)."""

    @property
    def adapter(self) -> Path:
        """Where the adapter lies when training is complete."""
        return self.folder.path / ADAPTER

    @property
    def is_complete(self) -> bool:
        """The summary is written last, so its existence means completeness."""
        return (self.folder.path / SUMMARY).exists()

    def summary(self) -> dict[str, Any]:
        """Seconds, peak bytes, tokens per second and final losses."""
        return read_json(self.folder.path / SUMMARY)

    def prepare(self) -> None:
        """Write everything the training process reads into its folder."""
        self.folder.create(self.identity, provenance() | {"configuration": self.name})
        lines = [canonical_json(row.model_dump(mode="json")) for row in self.rows]
        write_text(self.folder.path / ROWS, "\n".join(lines) + "\n")
        write_json(self.folder.path / JOB, self.job.model_dump())

    def command(self) -> Sequence[str]:
        """Arguments for the Python interpreter that train this, in a process of its own."""
        return (*TRAIN_COMMAND, str(self.folder.path))
