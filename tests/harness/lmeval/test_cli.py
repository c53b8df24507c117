from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import cli
from tests.harness.lmeval.conftest import OracleEngine


@pytest.fixture
def tunemark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command in this process; return exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tunemark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def ran(
    tunemark: Callable[..., tuple[int, str, str]],
    tasks: Path,
    model_folder: Path,
    oracle: OracleEngine,
    tmp_path: Path,
) -> list[dict[str, str]]:
    """Rows of a run on two lm-eval tasks."""
    code, out, _ = tunemark(
        "run", "lm-eval/choose", "lm-eval/finish", "--include", tasks, "--limit", 3,
        "--model", model_folder, "--engine", "oracle", "--root", tmp_path / "runs", "--json",
    )  # fmt: skip
    assert code == 0
    return json.loads(out)


def test_run_takes_lm_eval_tasks(ran: list[dict[str, str]]) -> None:
    assert [(row["suite"], row["metric"], row["n"]) for row in ran] == [
        ("lm-eval/choose", "acc", 3), ("lm-eval/choose", "acc_norm", 3),
        ("lm-eval/choose", "brier_score", 3),
        ("lm-eval/finish", "perplexity", 3), ("lm-eval/finish", "acc", 3),
    ]  # fmt: skip


def test_results_are_written_in_lm_evals_layout(
    ran: list[dict[str, str]],
    tunemark: Callable[..., tuple[int, str, str]],
    model_folder: Path,
    tmp_path: Path,
) -> None:
    code, out, err = tunemark(
        "lm-eval", "results", ran[0]["folder"], "--out", tmp_path / "out", "--model", model_folder
    )

    assert code == 0, err
    results, samples = map(Path, out.splitlines())
    assert (
        json.loads(results.read_text("utf-8"))["results"]["choose"]["acc,none"] == ran[0]["value"]
    )
    assert len(samples.read_text("utf-8").splitlines()) == 3


def test_a_suite_is_written_as_tasks(
    tunemark: Callable[..., tuple[int, str, str]],
    suite_folder: Callable[..., Path],
    model_folder: Path,
    oracle: OracleEngine,
    tmp_path: Path,
) -> None:
    code, out, err = tunemark(
        "lm-eval", "suite", suite_folder(), tmp_path / "out", "--model", model_folder
    )

    assert code == 0
    assert [Path(line).name for line in out.splitlines()] == [
        "toy.yaml", "toy_qa.yaml", "toy_pick.yaml",
    ]  # fmt: skip
    assert "--tasks toy" in err


def test_an_unknown_task_is_one_message_without_a_traceback(
    tunemark: Callable[..., tuple[int, str, str]], tasks: Path, model_folder: Path, tmp_path: Path
) -> None:
    code, _, err = tunemark(
        "run", "lm-eval/chose", "--include", tasks, "--model", model_folder,
        "--root", tmp_path / "runs",
    )  # fmt: skip

    assert code == 2
    assert "unknown lm-eval task 'chose' (did you mean 'choose'?)" in err
    assert "Traceback" not in err
