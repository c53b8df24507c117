"""Train what a run folder's manifest says, in a process of its own: `python -m finetune.worker DIR`.

A process a training keeps memory and faults apart: nothing leaks into the next configuration.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from finetune.config import TrainConfig
from harness.children import INTERRUPTED, follow_parent
from harness.errors import HarnessError, ModelError
from harness.progress import Bars
from harness.store import RunFolder, locked, read_json, read_lines, write_json
from harness.templates import load_template
from harness.training import JOB, ROWS, SUMMARY, TrainingJob, TrainingRow


def main(folder: Path) -> int:
    """Train; on failure leave failure.json with a message for people and return its exit code."""
    note = folder / "failure.json"
    note.unlink(missing_ok=True)
    try:
        with locked(folder):
            if not (folder / SUMMARY).exists():
                _train(RunFolder(path=folder))
    except HarnessError as error:
        write_json(note, {"message": str(error)})
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
            raise
        message = "out of memory; halve micro_batch (the result stays the same) and run again"
        write_json(
            note,
            {"message": f"{message} ({str(error).splitlines()[0] if str(error) else 'no detail'})"},
        )
        return 1
    except OSError as error:
        write_json(note, {"message": f"cannot write to {folder}: {error.strerror}"})
        return 1
    return 0


def _train(folder: RunFolder) -> None:
    # It warns at import that a 4-bit CPU kernel could be fetched from a hub.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    from finetune.trainer import Job, train

    config = TrainConfig.model_validate(folder.manifest["identity"]["config"] | {"data": (ROWS,)})
    rows = [TrainingRow.model_validate(row) for row in read_lines(folder.path / ROWS)]
    place = TrainingJob.model_validate(read_json(folder.path / JOB))
    model = Path(place.model)
    if not model.is_dir():
        raise ModelError(f"{model}: the base model is gone; run the study again")
    template = load_template(place.template, model)
    job = Job(config=config, model=model, template=template, rows=tuple(rows), folder=folder)
    with Bars() as bars:
        bar = bars.add(f"train {folder.path.name.rpartition('-')[0]}")

        def progress(done: int, planned: int, loss: float) -> None:
            bars.update(bar, done, planned, note=f"loss {loss:.3f}")

        train(job, progress=progress)


if __name__ == "__main__":
    follow_parent()
    try:
        sys.exit(main(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
