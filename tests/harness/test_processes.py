"""Measuring in several processes: the same results, no torch, and nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from harness import measuring
from harness.errors import MissingExtraError
from harness.measuring import Work, measure_all
from harness.metrics.base import Item, Metric, Setting
from harness.metrics.build import build_metric
from harness.spec import Spec
from tests.harness import builds
from tests.harness.metrics.support import items

pytestmark = pytest.mark.slow

NAMES = ("exact_match", "token_f1", "bleu", "chrf", "rouge_l", "sentence_bleu")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "CHUNK", 16)


@pytest.fixture
def texts() -> list[Item]:
    """Two hundred items; some are equal."""
    return items(
        [(f"the answer is {n % 150} 片", (f"answer {n % 150}", "the")) for n in range(200)]
    )


def measured(
    texts: Sequence[Item], makers: Sequence[Callable[[], Metric]], n_workers: int
) -> list[list[float]]:
    works = [Work(metric=make(), build=make, wanted=range(len(texts))) for make in makers]
    found: list[list[float]] = [[] for _ in works]
    for batch in measure_all(texts, works, n_workers=n_workers):
        found[batch.work] += [number for one in batch.measured if one for number in one.stats]
    return found


def test_results_are_the_same_in_any_number_of_processes(texts: list[Item]) -> None:
    makers = [partial(build_metric, name, Setting(language="zh")) for name in NAMES]
    found_first = Spec(name="exact_match", params={"extract": [{"regex": "[0-9]+"}]})
    makers.append(partial(build_metric, found_first, Setting(language="en")))

    assert measured(texts, makers, 3) == measured(texts, makers, 1)


def test_other_processes_do_the_work_and_end(texts: list[Item]) -> None:
    (found,) = measured(texts, [builds.process], 2)

    assert os.getpid() not in found[::2]
    assert multiprocessing.active_children() == []


def test_workers_do_not_load_torch(texts: list[Item]) -> None:
    (found,) = measured(texts, [builds.torch_loaded], 2)

    assert set(found[::2]) == {0.0}


def test_a_lost_process_costs_no_results(texts: list[Item]) -> None:
    works = [Work(metric=builds.length(), build=builds.dying, wanted=range(len(texts)))]

    batches = list(measure_all(texts, works, n_workers=2))

    assert sum(len(batch.measured) for batch in batches) == len(texts)


def test_an_error_in_another_process_arrives_as_itself(texts: list[Item]) -> None:
    with pytest.raises(MissingExtraError, match=r"tunemark\[zh\]"):
        measured(texts, [builds.failing], 2)


def test_processes_end_when_their_results_are_not_wanted_any_more(texts: list[Item]) -> None:
    works = [Work(metric=builds.slow(), build=builds.slow, wanted=range(len(texts)))]
    batches = measure_all(texts, works, n_workers=2)
    next(batches)

    batches.close()

    assert multiprocessing.active_children() == []


UNGUARDED = """
import sys
import signal
from pathlib import Path
from harness import measuring
from harness.measuring import Work, measure_all
from tests.harness import builds
from tests.harness.metrics.support import items

# Ctrl-C is ignored by what a shell starts in the background, as CI may start the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
with Path("runs.txt").open("a") as stream:
    stream.write("x")
measuring.CHUNK = 16
texts = items([(f"a{n}", ("a",)) for n in range(400)])
make = getattr(builds, sys.argv[1])
works = [Work(metric=make(), build=make, wanted=range(400))]
for batch in measure_all(texts, works, n_workers=2):
    print(*{int(one.stats[0]) for one in batch.measured}, flush=True)
"""


def started(folder: Path, ROOT: Path, metric: str) -> subprocess.Popen[str]:
    """Start a script of a user who knows nothing of `if __name__ == "__main__"`."""
    script = folder / "script.py"
    script.write_text(UNGUARDED, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(script), metric],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_script_without_a_guard_runs_once(tmp_path: Path, ROOT: Path) -> None:
    out, err = started(tmp_path, ROOT, "process").communicate()

    assert (tmp_path / "runs.txt").read_text(encoding="utf-8") == "x"
    assert len(out.split()) == 25
    assert err == ""


def test_ctrl_c_ends_all_processes_quietly(tmp_path: Path, ROOT: Path) -> None:
    process = started(tmp_path, ROOT, "slow")
    assert process.stdout
    assert process.stdout.readline() == "1\n"

    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, err = process.communicate()

    assert err.count("Traceback") == 1  # the script's own KeyboardInterrupt
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert alive(process.pid) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the Linux kernel")
def test_workers_follow_a_killed_parent(tmp_path: Path, ROOT: Path) -> None:
    process = started(tmp_path, ROOT, "slow")
    assert process.stdout
    assert process.stdout.readline() == "1\n"
    assert len(alive(process.pid)) >= 3

    process.kill()
    process.communicate()

    deadline = time.monotonic() + 30
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(process.pid) == []


def alive(session: int) -> list[str]:
    """Return the processes of a session."""
    found = subprocess.run(
        ["ps", "-s", str(session), "-o", "pid=,args="], capture_output=True, text=True, check=False
    )
    return [line for line in found.stdout.splitlines() if "defunct" not in line]
