from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.adapters import load_adapter
from harness.compare import compare
from harness.errors import CanaryError, ConfigError
from harness.lmeval.materialise import lm_eval_suite
from harness.lmeval.responses import RESPONSES
from harness.runner import Cell, Serving, folder_of, missing_items, run_cells
from harness.scoring import score_run
from harness.suite import LmEvalOptions, Suite, load_suite
from tests.harness.lmeval.conftest import N_ITEMS, OracleEngine

KINDS = ("choose", "write", "finish", "read", "both")


@pytest.fixture
def suite(tasks: Path, tmp_path: Path) -> Callable[..., Suite]:
    def make(name: str, **options: Any) -> Suite:
        chosen = LmEvalOptions(include=str(tasks), **options)
        return lm_eval_suite(f"lm-eval/{name}", tmp_path / "runs", chosen)

    return make


@pytest.fixture
def adapter(adapter_folder: Callable[..., Path], served: Serving) -> Any:
    return load_adapter("lora", adapter_folder(), served.model, max_rank=64)


@pytest.mark.parametrize("name", KINDS)
def test_every_document_gets_a_completion_with_its_scores(
    suite: Callable[..., Suite], oracle: OracleEngine, served: Serving, tmp_path: Path, name: str
) -> None:
    cell = Cell(name="base", suite=suite(name))

    run_cells([cell], served, tmp_path / "runs")

    folder = folder_of(cell, served, tmp_path / "runs")
    assert missing_items(cell, served, tmp_path / "runs") == []
    scores = score_run(folder, cell.suite, "base")
    assert [len(score.stats) for score in scores] == [len(score.planned) for score in scores]


@pytest.mark.parametrize("name", ["choose", "write", "finish", "read"])
def test_our_values_are_lm_evals_own(
    suite: Callable[..., Suite], oracle: OracleEngine, served: Serving, tmp_path: Path, name: str
) -> None:
    cell = Cell(name="base", suite=suite(name))

    run_cells([cell], served, tmp_path / "runs")

    folder = folder_of(cell, served, tmp_path / "runs")
    (event,) = folder.events("lm_eval")
    theirs = event["results"][name]
    ours = {score.metric.name: score.value() for score in score_run(folder, cell.suite, "base")}
    assert ours == pytest.approx(theirs, rel=1e-12)
    assert len(ours) >= 2


def test_base_adapter_and_other_suites_share_one_call_of_the_engine(
    suite: Callable[..., Suite],
    suite_folder: Callable[..., Path],
    adapter: Any,
    oracle: OracleEngine,
    served: Serving,
    tmp_path: Path,
) -> None:
    own = load_suite(suite_folder())
    lm_evals = suite("choose")
    cells = [
        Cell(name=name, suite=each, adapter=chosen)
        for name, chosen in (("base", None), ("lora", adapter))
        for each in (own, lm_evals)
    ]

    run_cells(cells, served, tmp_path / "runs")

    assert (oracle.calls, oracle.closed) == (1, 1)
    assert all(not missing_items(cell, served, tmp_path / "runs") for cell in cells)


def test_before_and_after_are_compared_item_by_item(
    suite: Callable[..., Suite], adapter: Any, oracle: OracleEngine, served: Serving, tmp_path: Path
) -> None:
    cells = [
        Cell(name="base", suite=suite("finish")),
        Cell(name="lora", suite=suite("finish"), adapter=adapter),
    ]

    run_cells(cells, served, tmp_path / "runs")

    before, after = (
        score_run(folder_of(cell, served, tmp_path / "runs"), cell.suite, cell.name)[0]
        for cell in cells
    )
    found = compare(before, after)
    assert (found.n, found.better) == (N_ITEMS, "lower")
    assert found.gain < 0  # the oracle finds everything less likely with an adapter


def test_an_adapter_that_does_nothing_is_not_scored(
    suite: Callable[..., Suite], adapter: Any, oracle: OracleEngine, served: Serving, tmp_path: Path
) -> None:
    oracle.shift = 0.0
    cell = Cell(name="lora", suite=suite("read"), adapter=adapter)

    with pytest.raises(CanaryError, match="does not change the model"):
        run_cells([cell], served, tmp_path / "runs")

    assert len(missing_items(cell, served, tmp_path / "runs")) == N_ITEMS


def test_what_was_answered_before_a_crash_is_not_asked_again(
    suite: Callable[..., Suite], oracle: OracleEngine, served: Serving, tmp_path: Path
) -> None:
    cell = Cell(name="base", suite=suite("choose"))
    oracle.crash_after = 6
    with pytest.raises(RuntimeError):
        run_cells([cell], served, tmp_path / "runs")
    oracle.crash_after = None

    run_cells([cell], served, tmp_path / "runs")

    assert len(oracle.requests) == 2 * N_ITEMS
    assert missing_items(cell, served, tmp_path / "runs") == []


def test_a_torn_line_costs_one_answer(
    suite: Callable[..., Suite], oracle: OracleEngine, served: Serving, tmp_path: Path
) -> None:
    cell = Cell(name="base", suite=suite("choose"))
    run_cells([cell], served, tmp_path / "runs")
    folder = folder_of(cell, served, tmp_path / "runs")
    whole = (folder.path / "completions.jsonl").read_bytes()
    (folder.path / "completions.jsonl").unlink()
    responses = (folder.path / RESPONSES).read_bytes()
    (folder.path / RESPONSES).write_bytes(responses[:-20])

    run_cells([cell], served, tmp_path / "runs")

    assert len(oracle.requests) == 2 * N_ITEMS + 1
    assert (folder.path / "completions.jsonl").read_bytes() == whole


def test_when_all_is_answered_the_engine_is_not_loaded(
    suite: Callable[..., Suite], oracle: OracleEngine, served: Serving, tmp_path: Path
) -> None:
    cell = Cell(name="base", suite=suite("write"))
    run_cells([cell], served, tmp_path / "runs")
    (folder_of(cell, served, tmp_path / "runs").path / "completions.jsonl").unlink()

    run_cells([cell], served, tmp_path / "runs")

    assert (oracle.calls, oracle.closed) == (1, 1)
    assert missing_items(cell, served, tmp_path / "runs") == []


def test_a_task_that_changed_under_its_suite_is_refused(
    suite: Callable[..., Suite], tasks: Path, oracle: OracleEngine, served: Serving, tmp_path: Path
) -> None:
    cell = Cell(name="base", suite=suite("choose"))
    file = tasks / "choose.yaml"
    file.write_text(file.read_text("utf-8").replace("The capital", "A capital"), encoding="utf-8")

    with pytest.raises(ConfigError, match="lm-eval now asks other things for 'choose'"):
        run_cells([cell], served, tmp_path / "runs")


def test_prompts_are_laid_out_by_the_template_where_that_is_asked(
    suite: Callable[..., Suite], oracle: OracleEngine, served: Serving, tmp_path: Path
) -> None:
    chosen = suite("write", apply_chat_template=True, system_instruction="Be brief.")

    run_cells([Cell(name="base", suite=chosen)], served, tmp_path / "runs")

    asked = "".join(map(chr, oracle.requests[0].prompt_ids))
    assert asked.startswith("<system>Be brief.<user>The capital of ")
    assert asked.endswith(" is<assistant>")


def test_a_completion_keeps_what_was_said_and_scored(
    suite: Callable[..., Suite], oracle: OracleEngine, served: Serving, tmp_path: Path
) -> None:
    cell = Cell(name="base", suite=suite("choose"))

    run_cells([cell], served, tmp_path / "runs")

    folder = folder_of(cell, served, tmp_path / "runs")
    done = folder.completions()["choose:0"]
    rows = [json.loads(line) for line in (folder.path / RESPONSES).read_text().splitlines()]
    assert done.choice_logprobs is not None
    assert set(done.choice_logprobs) <= {row["logprob"] for row in rows}
    assert set(done.scores) == {"acc", "acc_norm", "brier_score"}


def test_cut_prompts_are_counted(
    suite: Callable[..., Suite], oracle: OracleEngine, served: Serving, tmp_path: Path
) -> None:
    config = served.model.path / "config.json"
    config.write_text('{"max_position_embeddings": 20}', encoding="utf-8")
    cell = Cell(name="base", suite=suite("finish", limit=2))

    run_cells([cell], served, tmp_path / "runs")

    (event,) = folder_of(cell, served, tmp_path / "runs").events("lm_eval")
    assert event["truncated"] == 2
