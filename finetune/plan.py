"""Say what a training run would do, without loading a model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.config import parse_config
from finetune.data.lengths import TOKENS_PER_TURN, estimated_tokens
from finetune.data.rows import choose_rows, load_rows, split_rows
from finetune.data.source import DataSource
from harness.digest import digest_of
from harness.models import ModelSource
from harness.store import RunFolder
from harness.templates import ChatTemplate
from harness.training import PlannedTraining, TrainingJob
from harness.types import Message


def plan_training(
    name: str,
    values: dict[str, Any],
    *,
    base_folder: Path,
    model: ModelSource,
    template: ChatTemplate,
    root: Path,
    where: str,
) -> PlannedTraining:
    """Validate a `train:` mapping, read its data and name its folder.

    Args:
        name: Of the configuration.
        values: The mapping.
        base_folder: Data paths are relative to it.
        model: The base.
        template: The prompt layout.
        root: Folder of all runs.
        where: File and configuration, for messages.

    Raises:
        ConfigError, DataError: naming file and line.
    """
    config = parse_config(values, where=where)
    sources = [located(source, base_folder) for source in config.data]
    rows = choose_rows(load_rows(sources), n=config.max_rows, seed=config.seed)
    training, _ = split_rows(rows, heldout=config.heldout, seed=config.seed)
    texts = [[message.model_dump() for message in row.messages] for row in rows]
    # What decides the weights; where the files lie does not.
    identity = {
        "model": model.digest,
        "template": template.digest,
        "rows": digest_of(texts),
        "config": config.model_dump(mode="json", exclude={"data", "micro_batch"}),
    }
    folder = RunFolder(path=root / "train" / f"{name}-{digest_of(identity)[:12]}")
    return PlannedTraining(
        name=name,
        folder=folder,
        identity=identity,
        job=TrainingJob(
            model=str(model.path), template=template.name, micro_batch=config.micro_batch
        ),
        rows=tuple(rows),
        n_rows=len(training),
        n_tokens=config.epochs * sum(_tokens(row.messages) for row in training),
    )


def _tokens(messages: Sequence[Message]) -> int:
    text = "".join(message.content for message in messages)
    return round(estimated_tokens(text) + TOKENS_PER_TURN * len(messages))


def located(source: DataSource, folder: Path) -> DataSource:
    """Return a source whose path is meant from `folder`."""
    return source.model_copy(update={"path": str(_tidy(folder / source.path))})


def _tidy(path: Path) -> Path:
    """Fold `a/../b` into `b`, for messages; links stay as they are."""
    return Path(os.path.normpath(path))
