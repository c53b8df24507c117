"""Train what a run folder's manifest says, in a process of its own: `python -m finetune.worker DIR`.

A process a training keeps memory and faults apart: nothing leaks into the next configuration.
"""

from __future__ import annotations

import sys
from pathlib import Path

from finetune.job import load_job
from harness.children import child_main
from harness.progress import Bars
from harness.quiet import quieten
from harness.store import locked
from harness.training import SUMMARY


def main(folder: Path) -> int:
    """Train unless it is done; return the exit code."""

    def work() -> None:
        with locked(folder):
            if not (folder / SUMMARY).exists():
                _train(folder)

    return child_main(work, folder=folder)


def _train(folder: Path) -> None:
    quieten()
    from finetune.trainer import train

    job = load_job(folder)
    with Bars() as bars:
        bar = bars.add(f"train {folder.name.rpartition('-')[0]}")

        def progress(done: int, planned: int, loss: float) -> None:
            bars.update(bar, done, planned, note=f"loss {loss:.3f}")

        train(job, progress=progress)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
