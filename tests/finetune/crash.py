"""Train what a run folder says, and die of SIGKILL at a step: `python crash.py FOLDER STEP`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from finetune.job import load_job
from finetune.trainer import train


def main(folder: Path, last: int) -> None:
    """Train up to step `last`, whose checkpoint is not written any more."""
    torch.set_num_threads(1)

    def progress(step: int, _planned: int, _loss: float) -> None:
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    train(load_job(folder), progress=progress)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
