from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.adapters import load_adapter
from harness.errors import (
    CanaryError,
    ModelError,
    RunError,
    StoreError,
    TemplateDriftError,
    UnknownNameError,
)
from harness.parity import write_proof
from harness.runner import Cell, Serving, folder_of, identity, missing_items, run_cells
from harness.scoring import score_run
from harness.suite import Suite, load_suite
from harness.templates import ChatTemplate
from harness.types import Message


@pytest.fixture
def suite(suite_folder: Callable[..., Path]) -> Suite:
    return load_suite(suite_folder())


@pytest.fixture
def base(suite: Suite) -> Cell:
    return Cell(name="base", suite=suite)


@pytest.fixture
def lora(suite: Suite, adapter_folder: Callable[..., Path], serving: Serving) -> Cell:
    adapter = load_adapter("lora", adapter_folder(), serving.model, max_rank=64)
    return Cell(name="lora", suite=suite, adapter=adapter)


def test_every_gold_item_gets_one_completion(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([base], serving, tmp_path)

    assert sorted(folder_of(base, serving, tmp_path).completions()) == ["p1", "q1", "q2", "q3"]
    assert missing_items(base, serving, tmp_path) == []


def test_a_completion_records_what_was_said_and_counted(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([base], serving, tmp_path)

    said = folder_of(base, serving, tmp_path).completions()
    assert (said["q1"].text, said["q1"].finish, said["q1"].completion_tokens) == (
        "right",
        "stop",
        2,
    )
    assert said["q1"].prompt_tokens == len("<user>Capital of France?<assistant>")
    assert said["p1"].choice_logprobs == (-1.0, -2.0)


def test_running_twice_loads_no_engine(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([base], serving, tmp_path)
    run_cells([base], serving, tmp_path)

    assert len(echo.settings) == 1
    assert echo.closed == 1


def test_a_run_that_crashed_goes_on_with_the_missing_items_only(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    echo.crash_after = 2
    with pytest.raises(RuntimeError, match="the engine died"):
        run_cells([base], serving, tmp_path)
    echo.crash_after = None

    run_cells([base], serving, tmp_path)

    assert sorted(echo.items_asked()) == sorted(f"base/toy/{i}" for i in ("q1", "q2", "q3", "p1"))
    assert echo.closed == 2


def test_an_interrupted_run_ends_with_the_same_file_as_an_undisturbed_one(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([base], serving, tmp_path / "whole")
    echo.crash_after = 2
    with pytest.raises(RuntimeError):
        run_cells([base], serving, tmp_path / "torn")
    file = folder_of(base, serving, tmp_path / "torn").path / "completions.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    echo.crash_after = None

    run_cells([base], serving, tmp_path / "torn")

    whole = folder_of(base, serving, tmp_path / "whole").path / "completions.jsonl"
    assert file.read_bytes() == whole.read_bytes()


def test_an_item_that_failed_is_not_scored_and_tried_again(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    echo.failing = {"q2"}
    with pytest.raises(RunError, match=r"1 of 4 items failed; first: base/toy/q2: out of luck"):
        run_cells([base], serving, tmp_path)
    folder = folder_of(base, serving, tmp_path)
    exact_match = score_run(folder, base.suite, "base")[0]
    echo.failing = set()

    run_cells([base], serving, tmp_path)

    assert "q2" not in exact_match.stats
    assert echo.items_asked()[-1:] == ["base/toy/q2"]
    assert len(echo.items_asked()) == 5
    assert sorted(folder.completions()) == ["p1", "q1", "q2", "q3"]


def test_an_adapter_runs_beside_its_base_from_one_engine(
    echo: Any, base: Cell, lora: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([base, lora], serving, tmp_path)

    assert len(echo.settings) == 1
    assert [adapter.name for adapter in echo.settings[0].adapters] == ["lora"]
    assert missing_items(lora, serving, tmp_path) == []
    (session,) = folder_of(lora, serving, tmp_path).events("session")
    assert session["canary"] == pytest.approx(0.5)


def test_an_adapter_that_changes_nothing_is_refused_and_nothing_is_stored_for_it(
    echo: Any, base: Cell, lora: Cell, serving: Serving, tmp_path: Path
) -> None:
    echo.inert = {"lora"}

    with pytest.raises(CanaryError, match="does not change the model"):
        run_cells([base, lora], serving, tmp_path)

    assert folder_of(lora, serving, tmp_path).completions() == {}
    assert echo.closed == 1


def test_a_configuration_may_be_called_canary(
    echo: Any, lora: Cell, serving: Serving, tmp_path: Path
) -> None:
    cells = [replace(lora, name="canary", adapter=None), lora]

    run_cells(cells, serving, tmp_path)

    assert missing_items(cells[0], serving, tmp_path) == []


def test_an_engine_that_sees_other_tokens_is_refused(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    echo.doubled_bos = True

    with pytest.raises(TemplateDriftError, match="the engine saw other prompt tokens"):
        run_cells([base], serving, tmp_path)

    assert folder_of(base, serving, tmp_path).completions() == {}


def test_an_adapter_trained_with_another_template_is_refused_before_loading(
    echo: Any, lora: Cell, serving: Serving, tmp_path: Path
) -> None:
    assert lora.adapter is not None
    other = ChatTemplate(name="alpaca", source="", stop=())
    probe = ([Message(role="user", content="Hi")], [1, 2, 3])
    write_proof(lora.adapter.path / "parity.json", other, [probe])

    with pytest.raises(TemplateDriftError, match="was trained with template 'alpaca'"):
        run_cells([lora], serving, tmp_path)

    assert echo.settings == []


def test_a_prompt_longer_than_the_context_is_refused_before_loading(
    echo: Any, base: Cell, serving: Serving, model_folder: Path, tmp_path: Path
) -> None:
    (model_folder / "config.json").write_text('{"max_position_embeddings": 16}', encoding="utf-8")

    with pytest.raises(ModelError, match="tiny has a context of 16: shorten the prompt"):
        run_cells([base], serving, tmp_path)

    assert echo.settings == []


def test_an_unknown_engine_is_refused_with_the_nearest(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown engine 'vlm' \(did you mean 'vllm'"):
        run_cells([base], replace(serving, engine="vlm"), tmp_path)


def test_a_given_engine_is_used_and_left_open(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([base], serving, tmp_path, engine=echo)

    assert echo.settings == []
    assert echo.closed == 0


def test_progress_counts_what_was_done_before(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    echo.crash_after = 1
    with pytest.raises(RuntimeError):
        run_cells([base], serving, tmp_path)
    echo.crash_after = None
    steps: list[tuple[str, int, int]] = []

    run_cells([base], serving, tmp_path, progress=lambda *step: steps.append(step))

    assert steps == [("base · toy", done, 4) for done in (2, 3, 4)]


def test_two_processes_do_not_work_on_one_run(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    folder = folder_of(base, serving, tmp_path)

    with folder.append_completions(), pytest.raises(StoreError, match="another process"):
        run_cells([base], serving, tmp_path)


def test_the_gold_set_is_kept_beside_the_runs(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([base], serving, tmp_path / "runs")

    kept = tmp_path / "runs" / "gold" / f"{base.suite.gold_digest}.jsonl"
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 4


def test_the_manifest_names_what_decided_the_answers(
    echo: Any, base: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([base], serving, tmp_path)

    manifest = folder_of(base, serving, tmp_path).manifest
    assert manifest["identity"]["gold"] == base.suite.gold_digest
    assert manifest["identity"]["model"] == serving.model.digest
    assert manifest["provenance"]["configuration"] == "base"


CHANGES: dict[str, dict[str, Any]] = {
    "engine": {"engine": "transformers"},
    "dtype": {"dtype": "float32"},
    "seed": {"seed": 1},
    "temperature": {"temperature": 0.7},
    "template": {"template": ChatTemplate(name="x", source="y", stop=())},
    "replayed answers": {"replay_from": "answers.jsonl"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_decides_the_answers_decides_the_folder(
    base: Cell, serving: Serving, tmp_path: Path, change: dict[str, Any]
) -> None:
    changed = replace(serving, **change)

    assert identity(base, changed) != identity(base, serving)
    assert folder_of(base, changed, tmp_path) != folder_of(base, serving, tmp_path)


def test_where_things_lie_does_not_decide_the_folder(
    base: Cell, lora: Cell, serving: Serving, tmp_path: Path
) -> None:
    assert lora.adapter is not None
    moved_model = replace(serving.model, path=tmp_path / "elsewhere", name="other")
    moved_adapter = replace(lora.adapter, path=Path("elsewhere"))

    assert identity(base, replace(serving, model=moved_model)) == identity(base, serving)
    assert identity(replace(lora, adapter=moved_adapter), serving) == identity(lora, serving)


def test_adapters_with_other_weights_have_other_folders(
    lora: Cell, serving: Serving, tmp_path: Path
) -> None:
    assert lora.adapter is not None
    copy = tmp_path / "copy"
    shutil.copytree(lora.adapter.path, copy)
    weights = copy / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")

    other = load_adapter("lora", copy, serving.model, max_rank=64)

    assert identity(replace(lora, adapter=other), serving) != identity(lora, serving)
