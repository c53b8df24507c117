"""Say what a training run would do, without loading a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from finetune.config import parse_config
from finetune.data.rows import choose_rows, load_rows, split_rows
from harness.digest import digest_of
from harness.models import ModelSource
from harness.store import RunFolder
from harness.templates import ChatTemplate
from harness.training import PlannedTraining, TrainingJob

CHARACTERS_PER_TOKEN = {"latin": 3.8, "cjk": 1.4}
"""Means over SmolLM2's and Gemma's tokenizers on the shipped suites."""


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
    paths = [_tidy(base_folder / path) for path in config.data]
    rows = choose_rows(load_rows(paths), n=config.max_rows, seed=config.seed)
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


def _tokens(messages: Any) -> int:
    text = "".join(message.content for message in messages)
    wide = sum(ord(char) > 0x2E7F for char in text)
    latin = (len(text) - wide) / CHARACTERS_PER_TOKEN["latin"]
    return round(latin + wide / CHARACTERS_PER_TOKEN["cjk"] + 8 * len(messages))


def _tidy(path: Path) -> Path:
    """Fold `a/../b` into `b`, for messages; links stay as they are."""
    return Path(os.path.normpath(path))
