"""Read a training folder back into a job that is ready to start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from finetune.config import TrainConfig
from harness.errors import ModelError
from harness.store import RunFolder, read_json, read_lines
from harness.templates import ChatTemplate, load_template
from harness.training import JOB, ROWS, TrainingJob, TrainingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training run, ready to start."""

    config: TrainConfig
    model: Path
    template: ChatTemplate
    rows: tuple[TrainingRow, ...]
    folder: RunFolder


def load_job(folder: Path) -> Job:
    """Return the job that a prepared training folder describes.

    Raises:
        ModelError: the base model is no longer where it was.
        StoreError: the folder is incomplete or damaged.
    """
    run = RunFolder(path=folder)
    place = TrainingJob.model_validate(read_json(folder / JOB))
    model = Path(place.model)
    if not model.is_dir():
        raise ModelError(f"{model}: the base model is gone; run the study again")
    settings = {"data": (ROWS,), "micro_batch": place.micro_batch}
    return Job(
        config=TrainConfig.model_validate(run.manifest["identity"]["config"] | settings),
        model=model,
        template=load_template(place.template, model),
        rows=tuple(TrainingRow.model_validate(row) for row in read_lines(folder / ROWS)),
        folder=run,
    )
