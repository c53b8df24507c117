"""Trainings that are stopped, killed or torn, and end as an undisturbed one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from finetune import worker
from finetune.job import load_job
from finetune.trainer import train
from harness.store import locked, read_json
from harness.training import PlannedTraining
from tests.finetune.support import (
    WEIGHTS,
    Maker,
    adapter_digest,
    history,
)

RESUMABLE: dict[str, Any] = {"micro_batch": 2, "lora": {"r": 4, "alpha": 8, "dropout": 0.1}}
"""38 rows after the split, so 10 steps an epoch and a checkpoint after every second step."""

CRASH = Path(__file__).with_name("crash.py")


@pytest.fixture(scope="module")
def quiet(make: Maker) -> PlannedTraining:
    """The resumable training, done without disturbance."""
    planned = make(**RESUMABLE)
    assert worker.main(planned.folder.path) == 0
    return planned


def interrupt(planned: PlannedTraining, *, at: int) -> None:
    """Train in this process until a step, and stop as by Ctrl-C."""

    def progress(step: int, _planned: int, _loss: float) -> None:
        if step == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(load_job(planned.folder.path), progress=progress)


def checkpoints(planned: PlannedTraining) -> list[Path]:
    found = (planned.folder.path / "checkpoints").glob("checkpoint-*")
    return sorted(found, key=lambda path: int(path.name.split("-")[1]))


@pytest.mark.parametrize("step", [1, 7, 10, 11, 20])
def test_an_interrupted_training_ends_as_an_undisturbed_one(
    make: Maker, quiet: PlannedTraining, step: int
) -> None:
    planned = make(**RESUMABLE)
    interrupt(planned, at=step)

    assert worker.main(planned.folder.path) == 0

    assert adapter_digest(planned) == adapter_digest(quiet)
    assert history(planned) == history(quiet)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 6, 13])
def test_a_killed_training_ends_as_an_undisturbed_one(
    make: Maker, quiet: PlannedTraining, step: int
) -> None:
    planned = make(**RESUMABLE)
    command = [sys.executable, str(CRASH), str(planned.folder.path), str(step)]
    killed = subprocess.run(command, check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()

    assert worker.main(planned.folder.path) == 0

    assert adapter_digest(planned) == adapter_digest(quiet)
    assert history(planned) == history(quiet)


def test_a_resumed_training_does_only_the_steps_that_are_left(make: Maker) -> None:
    planned = make(**RESUMABLE)
    interrupt(planned, at=13)
    done: list[int] = []

    train(load_job(planned.folder.path), progress=lambda step, _n, _loss: done.append(step))

    assert done == list(range(13, 21))


def test_time_before_the_interruption_is_counted(make: Maker) -> None:
    planned = make(**RESUMABLE)
    interrupt(planned, at=13)
    before = sum(row["seconds"] for row in planned.folder.events("session"))

    worker.main(planned.folder.path)

    assert before > 0
    assert planned.summary()["seconds"] > before


def test_a_held_out_loss_lost_after_a_checkpoint_is_measured_on_resuming(
    make: Maker, quiet: PlannedTraining
) -> None:
    planned = make(**RESUMABLE)
    interrupt(planned, at=11)
    events = planned.folder.path / "events.jsonl"
    lines = events.read_text(encoding="utf-8").splitlines(keepends=True)
    cut = next(i for i, line in enumerate(lines) if '"epoch":1,"event":"heldout"' in line)
    events.write_text("".join(lines[:cut]), encoding="utf-8")

    worker.main(planned.folder.path)

    assert history(planned) == history(quiet)


@pytest.mark.parametrize("state", ["", '{"global_step": 12, "epo', "{}"])
def test_a_checkpoint_without_its_whole_state_is_not_used(
    make: Maker, quiet: PlannedTraining, state: str
) -> None:
    planned = make(**RESUMABLE)
    interrupt(planned, at=13)
    torn = checkpoints(planned)[-1] / "trainer_state.json"
    torn.write_text(state, encoding="utf-8")
    done: list[int] = []

    train(load_job(planned.folder.path), progress=lambda step, _n, _loss: done.append(step))

    assert done[0] == 11
    assert adapter_digest(planned) == adapter_digest(quiet)


def test_torn_checkpoints_alone_mean_a_new_start(make: Maker, quiet: PlannedTraining) -> None:
    planned = make(**RESUMABLE)
    interrupt(planned, at=13)
    for checkpoint in checkpoints(planned):
        (checkpoint / "trainer_state.json").unlink()

    worker.main(planned.folder.path)

    assert adapter_digest(planned) == adapter_digest(quiet)
    assert history(planned) == history(quiet)


def test_a_half_written_adapter_is_written_anew(make: Maker, quiet: PlannedTraining) -> None:
    planned = make(**RESUMABLE)
    interrupt(planned, at=20)
    (planned.folder.path / "adapter.part").mkdir()
    (planned.folder.path / "adapter.part" / WEIGHTS).write_bytes(b"half")

    worker.main(planned.folder.path)

    assert adapter_digest(planned) == adapter_digest(quiet)
    assert not (planned.folder.path / "adapter.part").exists()


def test_a_complete_training_is_not_done_again(quiet: PlannedTraining) -> None:
    before = (quiet.folder.path / "events.jsonl").read_bytes()

    assert worker.main(quiet.folder.path) == 0

    assert (quiet.folder.path / "events.jsonl").read_bytes() == before


def test_a_second_attempt_removes_the_first_ones_failure(make: Maker) -> None:
    planned = make(epochs=1)
    (planned.folder.path / "failure.json").write_text('{"message": "old"}', encoding="utf-8")

    worker.main(planned.folder.path)

    assert not (planned.folder.path / "failure.json").exists()


def test_a_run_under_way_is_not_trained_twice(make: Maker) -> None:
    planned = make()

    with locked(planned.folder.path):
        code = worker.main(planned.folder.path)

    assert code == 1
    assert "another process" in read_json(planned.folder.path / "failure.json")["message"]
