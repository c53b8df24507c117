"""`kill -9` while scoring: the next call ends with the bytes of a quiet run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.store import RunFolder
from harness.suite import Suite, load_suite
from harness.types import Completion

N_ITEMS = 6000
METRICS = "[exact_match, token_f1, chrf, rouge_l, bleu]"
SEED = int(os.environ.get("TUNEMARK_KILL_SEED", "0")) or random.SystemRandom().randrange(10**6)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "suite.yaml").write_text(
        "name: many\nversion: '1'\nlanguage: en\ndescription: For tests.\n"
        f"tasks:\n  ask: {{metrics: {METRICS}}}\n",
        encoding="utf-8",
    )
    rows = [
        {"id": f"q{n}", "task": "ask", "input": f"Question {n}?",
         "references": [f"the answer to question {n} is {n * n} and not {n + 1}"]}
        for n in range(N_ITEMS)
    ]  # fmt: skip
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "gold.jsonl").write_text(text, encoding="utf-8")
    return load_suite(folder)


@pytest.fixture(scope="module")
def quiet(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Score files of a run that was scored without disturbance."""
    run = stored_run(tmp_path_factory.mktemp("quiet"), suite)
    subprocess.run(score_command(run, suite), check=True, capture_output=True)
    return score_files(run)


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_killed_scoring_ends_with_the_same_scores(
    suite: Suite, quiet: dict[str, bytes], tmp_path: Path, share: float, n_workers: int
) -> None:
    run = stored_run(tmp_path, suite)
    wanted = int(share * sum(map(len, quiet.values()))) + random.Random(SEED).randrange(1000)
    kill_after(score_by(n_workers, run, suite), run, wanted)

    subprocess.run(score_command(run, suite), check=True, capture_output=True)

    assert score_files(run) == quiet, f"seed {SEED}"


def stored_run(folder: Path, suite: Suite) -> RunFolder:
    """Store a run as the runner would, its answers made up."""
    run = RunFolder(path=folder / "run")
    run.create({"gold": suite.gold_digest, "template": "t"}, {"configuration": "base"})
    with run.append_completions() as writer:
        for n, record in enumerate(suite.gold):
            text = record.references[0].replace("not", "surely not" if n % 3 else "")
            completion = Completion(
                gold_id=record.id, text=text, finish="stop", prompt_tokens=5, completion_tokens=9
            )
            writer.write(completion.model_dump(mode="json"))
    return run


def score_command(run: RunFolder, suite: Suite) -> list[str]:
    start = [sys.executable, "-c", "from harness.cli import main; main()", "score"]
    return [*start, str(run.path), "--suite", str(suite.file), "--json"]


def score_by(n_workers: int, run: RunFolder, suite: Suite) -> list[str]:
    program = (
        "import sys; from pathlib import Path\n"
        "from harness.scoring import score_run; from harness.store import RunFolder\n"
        "from harness.suite import load_suite\n"
        "run = RunFolder(path=Path(sys.argv[1]))\n"
        f"score_run(run, load_suite(Path(sys.argv[2])), 'base', n_workers={n_workers})\n"
    )
    return [sys.executable, "-c", program, str(run.path), str(suite.file)]


def kill_after(command: list[str], run: RunFolder, n_bytes: int) -> None:
    """Start scoring and kill it once its files have that many bytes."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while sum(map(len, score_files(run).values())) < n_bytes and process.poll() is None:
        time.sleep(0.001)
    assert process.poll() is None, "scoring ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()


def score_files(run: RunFolder) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in run.path.glob("scores/*.jsonl")}
