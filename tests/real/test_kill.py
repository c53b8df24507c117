"""`kill -9` at any moment costs nothing: the next call ends with the bytes of a quiet run."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.real.support import command, environment, tunemark, write_study

pytestmark = pytest.mark.model

SEED = int(os.environ.get("TUNEMARK_KILL_SEED", "0")) or random.SystemRandom().randrange(10**6)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that ran without disturbance."""
    folder = tmp_path_factory.mktemp("quiet")
    write_study(folder)
    tunemark("study", "run", str(folder / "study.yaml"), "--root", str(folder / "runs"))
    return folder / "runs"


@pytest.fixture
def disturbed(tmp_path: Path) -> Path:
    write_study(tmp_path)
    return tmp_path


@pytest.mark.parametrize("number", range(3))
def test_killed_training_ends_with_the_same_adapter(
    quiet: Path, disturbed: Path, number: int
) -> None:
    kill_when(disturbed, lambda: lines(disturbed, "train/*/events.jsonl"), 2 + 7 * number)

    finish(disturbed)

    assert adapters(disturbed / "runs") == adapters(quiet), f"seed {SEED}"
    assert verdicts(disturbed / "runs") == verdicts(quiet), f"seed {SEED}"


@pytest.mark.parametrize("number", range(3))
def test_killed_generation_ends_with_the_same_completions(
    quiet: Path, disturbed: Path, number: int
) -> None:
    shutil.copytree(quiet / "train", disturbed / "runs" / "train")
    kill_when(disturbed, lambda: lines(disturbed, "tiny/*/completions.jsonl"), 3 + 12 * number)

    finish(disturbed)

    assert completions(disturbed / "runs") == completions(quiet), f"seed {SEED}"
    # Scored in other company: float32 sums in another order, 2e-5 nats were measured.
    assert likelihoods(disturbed / "runs") == pytest.approx(likelihoods(quiet), abs=1e-3)
    assert verdicts(disturbed / "runs") == verdicts(quiet), f"seed {SEED}"


def test_a_second_call_loads_no_model(quiet: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in quiet.rglob("*.jsonl")}

    tunemark("study", "run", str(quiet.parent / "study.yaml"), "--root", str(quiet))

    assert {file: file.stat().st_mtime_ns for file in quiet.rglob("*.jsonl")} == before


def kill_when(folder: Path, progress: Callable[[], int], at_least: int) -> None:
    """Start the study and kill its whole process group once enough has been written."""
    process = subprocess.Popen(
        command("study", "run", str(folder / "study.yaml"), "--root", str(folder / "runs")),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while progress() < at_least and process.poll() is None:
        time.sleep(0.02)
    time.sleep(random.Random(SEED).random() * 0.3)
    assert process.poll() is None, "the study ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def finish(folder: Path) -> None:
    tunemark("study", "run", str(folder / "study.yaml"), "--root", str(folder / "runs"))


def lines(folder: Path, pattern: str) -> int:
    return sum(file.read_bytes().count(b"\n") for file in (folder / "runs").glob(pattern))


def adapters(root: Path) -> dict[str, bytes]:
    files = root.glob("train/*/adapter/adapter_model.safetensors")
    return {file.parts[-3]: file.read_bytes() for file in files}


def completions(root: Path) -> dict[str, dict[str, object]]:
    """Return everything but times and likelihoods, by run and item."""
    varying = {"seconds", "choice_logprobs"}
    return {
        key: {name: value for name, value in row.items() if name not in varying}
        for key, row in stored(root).items()
    }


def likelihoods(root: Path) -> dict[str, float]:
    """Return the log-likelihood of every choice, by run, item and choice."""
    return {
        f"{key}/{i}": logprob
        for key, row in stored(root).items()
        for i, logprob in enumerate(row["choice_logprobs"] or ())
    }


def stored(root: Path) -> dict[str, dict[str, Any]]:
    """Return the stored lines, by run and item."""
    return {
        f"{file.parts[-2]}/{row['gold_id']}": row
        for file in root.glob("tiny/*/completions.jsonl")
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
    }


def verdicts(root: Path) -> object:
    result = json.loads((root / "studies/tiny-study/result.json").read_text(encoding="utf-8"))
    return result["comparisons"], result["advice"]
