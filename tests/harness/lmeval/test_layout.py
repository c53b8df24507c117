from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError, StoreError
from harness.lmeval.engine_lm import Reading
from harness.lmeval.layout import StoredRun, run_of, write_results
from harness.lmeval.materialise import lm_eval_suite
from harness.runner import Cell, Serving, folder_of, run_cells
from harness.scoring import score_run
from harness.suite import LmEvalOptions, load_suite
from tests.harness.lmeval.conftest import OracleEngine

TOP_KEYS = {
    "results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples",
    "config", "git_hash", "date", "task_hashes", "model_name", "model_name_sanitized",
    "chat_template", "chat_template_sha", "system_instruction", "total_evaluation_time_seconds",
}  # fmt: skip
SAMPLE_KEYS = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics",
    "doc_hash", "prompt_hash", "target_hash",
}  # fmt: skip


@pytest.fixture
def own(
    suite_folder: Callable[..., Path], oracle: OracleEngine, served: Serving, tmp_path: Path
) -> StoredRun:
    cell = Cell(name="base", suite=load_suite(suite_folder()))
    run_cells([cell], served, tmp_path / "runs")
    return StoredRun(folder=folder_of(cell, served, tmp_path / "runs"), suite=cell.suite)


@pytest.fixture
def asked_by_lm_eval(
    tasks: Path, oracle: OracleEngine, served: Serving, tmp_path: Path
) -> StoredRun:
    options = LmEvalOptions(include=str(tasks))
    cell = Cell(name="base", suite=lm_eval_suite("lm-eval/both", tmp_path / "runs", options))
    run_cells([cell], served, tmp_path / "runs")
    return run_of(folder_of(cell, served, tmp_path / "runs").path, None)


@pytest.fixture(params=["own", "asked_by_lm_eval"])
def run(request: pytest.FixtureRequest) -> StoredRun:
    return request.getfixturevalue(request.param)


def test_files_have_lm_evals_names_and_keys(
    run: StoredRun, reading: Reading, tmp_path: Path
) -> None:
    results, *samples = write_results(run, tmp_path / "out", reading)

    assert results.parent == tmp_path / "out" / "tiny"
    assert results.name.startswith("results_")
    assert set(json.loads(results.read_text("utf-8"))) >= TOP_KEYS
    for file in samples:
        assert file.name.startswith("samples_")
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            assert set(row) >= {*SAMPLE_KEYS, *row["metrics"]}
            assert next(iter(row["arguments"]["gen_args_0"])) == "arg_0"


def test_lm_evals_own_tools_read_them(run: StoredRun, reading: Reading, tmp_path: Path) -> None:
    from lm_eval.utils import get_latest_filename, get_results_filenames, make_table

    files = [str(file) for file in write_results(run, tmp_path / "out", reading)]

    (results,) = get_results_filenames(files)
    table = make_table(json.loads(Path(results).read_text("utf-8")))
    assert all(name in table for name in run.suite.config.tasks)
    assert get_latest_filename(files) in files


def test_values_and_errors_of_own_runs_are_tunemarks(
    own: StoredRun, reading: Reading, tmp_path: Path
) -> None:
    results, *_ = write_results(own, tmp_path / "out", reading)

    found = json.loads(results.read_text("utf-8"))["results"]
    scores = {s.metric.name: s for s in score_run(own.folder, own.suite, "base")}
    assert found["toy_qa"]["token_f1,none"] == scores["token_f1"].value()
    assert found["toy_pick"]["accuracy,none"] == scores["accuracy"].value()
    assert found["toy_qa"]["sample_len"] == 3
    values = list(scores["token_f1"].item_scores().values())
    mean = sum(values) / 3
    error = (sum((v - mean) ** 2 for v in values) / 2 / 3) ** 0.5
    assert found["toy_qa"]["token_f1_stderr,none"] == pytest.approx(error)
    assert found["toy_pick"]["accuracy_stderr,none"] == "N/A"


def test_samples_hold_prompt_answer_and_score(
    own: StoredRun, reading: Reading, tmp_path: Path
) -> None:
    files = write_results(own, tmp_path / "out", reading)

    (file,) = [file for file in files if file.name.startswith("samples_toy_qa_")]
    row: dict[str, Any] = json.loads(file.read_text("utf-8").splitlines()[0])
    said = own.folder.completions()["q1"].text
    assert row["arguments"]["gen_args_0"]["arg_0"] == "<user>Capital of France?<assistant>"
    assert (row["resps"], row["filtered_resps"]) == ([[said]], [said])
    assert row["target"] == "Paris"
    assert row["exact_match"] in {0.0, 1.0}


def test_values_of_lm_evals_tasks_are_lm_evals(
    asked_by_lm_eval: StoredRun, reading: Reading, tmp_path: Path
) -> None:
    results, *samples = write_results(asked_by_lm_eval, tmp_path / "out", reading)

    found = json.loads(results.read_text("utf-8"))["results"]
    (event,) = asked_by_lm_eval.folder.events("lm_eval")
    assert found["choose"]["acc,none"] == event["results"]["choose"]["acc"]
    assert len(samples) == 2


def test_an_unfinished_run_is_not_written(own: StoredRun, reading: Reading, tmp_path: Path) -> None:
    file = own.folder.path / "completions.jsonl"
    file.write_text("".join(file.read_text("utf-8").splitlines(keepends=True)[:2]), "utf-8")

    with pytest.raises(StoreError, match="2 of 4 items have no completion"):
        write_results(own, tmp_path / "out", reading)


def test_a_run_on_a_suite_of_ones_own_needs_it_named(own: StoredRun) -> None:
    with pytest.raises(ConfigError, match="--suite FOLDER"):
        run_of(own.folder.path, None)
