"""Train what a run folder says, and die of SIGKILL at a step: `python crash.py FOLDER STEP`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from finetune.config import TrainConfig
from finetune.trainer import Job, train
from harness.store import RunFolder, read_json, read_lines
from harness.templates import load_template
from harness.training import JOB, ROWS, TrainingJob, TrainingRow


def job_of(folder: Path) -> Job:
    """Return the job that the worker would make of a folder."""
    run = RunFolder(path=folder)
    place = TrainingJob.model_validate(read_json(folder / JOB))
    return Job(
        config=TrainConfig.model_validate(run.manifest["identity"]["config"] | {"data": (ROWS,)}),
        model=Path(place.model),
        template=load_template(place.template, Path(place.model)),
        rows=tuple(TrainingRow.model_validate(row) for row in read_lines(folder / ROWS)),
        folder=run,
    )


def main(folder: Path, last: int) -> None:
    """Train up to step `last`, whose checkpoint is not written any more."""
    torch.set_num_threads(1)

    def progress(step: int, _planned: int, _loss: float) -> None:
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    train(job_of(folder), progress=progress)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
