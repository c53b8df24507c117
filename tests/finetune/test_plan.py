"""What a training is before it is done: its folder, its identity and its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError, DataError
from harness.store import read_lines
from tests.finetune.support import plan, rows_of_all_lengths

ROWS = tuple(rows_of_all_lengths(40))


def test_equal_plans_have_one_folder_wherever_the_data_lie(
    tmp_path: Path, model_folder: Path
) -> None:
    first = plan(tmp_path / "a", model_folder, ROWS)
    second = plan(tmp_path / "b", model_folder, ROWS)

    assert first.folder.path.name == second.folder.path.name
    assert first.folder.path.parent == tmp_path / "a" / "runs" / "train"


def test_data_of_any_format_gives_the_same_training(tmp_path: Path, model_folder: Path) -> None:
    pairs = [(row.messages[0].content, row.messages[1].content) for row in ROWS]
    lines = [f"{asked},{said}\n" for asked, said in pairs]
    (tmp_path / "rows.csv").write_text("prompt,completion\n" + "".join(lines), encoding="utf-8")
    named = {"path": "../rows.csv", "format": "prompt_completion"}

    messages = plan(tmp_path / "a", model_folder, ROWS)
    table = plan(tmp_path / "a", model_folder, ROWS, data=named)

    assert table.folder.path == messages.folder.path


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"epochs": 3}, {"lora": {"r": 8}}, {"max_rows": 20}]
)
def test_what_decides_the_weights_decides_the_folder(
    tmp_path: Path, model_folder: Path, change: dict[str, Any]
) -> None:
    first = plan(tmp_path, model_folder, ROWS)

    assert plan(tmp_path, model_folder, ROWS, **change).folder.path != first.folder.path


def test_the_plan_counts_rows_and_tokens(tmp_path: Path, model_folder: Path) -> None:
    once = plan(tmp_path, model_folder, ROWS, epochs=1)
    thrice = plan(tmp_path, model_folder, ROWS, epochs=3)

    assert once.n_rows == 38
    assert once.n_tokens > 38 * 16
    assert thrice.n_tokens == 3 * once.n_tokens


def test_prepared_folders_hold_all_rows_and_the_identity(
    tmp_path: Path, model_folder: Path
) -> None:
    planned = plan(tmp_path, model_folder, ROWS)

    kept = list(read_lines(planned.folder.path / "rows.jsonl"))
    assert [row["messages"][-1]["content"] for row in kept] == [
        row.messages[-1].content for row in ROWS
    ]
    assert planned.folder.manifest["identity"] == planned.identity
    assert not planned.is_complete


def test_the_identity_names_no_place(tmp_path: Path, model_folder: Path) -> None:
    planned = plan(tmp_path, model_folder, ROWS)

    assert str(tmp_path) not in str(planned.identity)
    assert str(model_folder) not in str(planned.identity)


def test_a_wrong_value_names_study_and_configuration(tmp_path: Path, model_folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"study\.yaml: tiny: train: epochs"):
        plan(tmp_path, model_folder, ROWS, epochs=0)


def test_missing_data_are_named(tmp_path: Path, model_folder: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.jsonl: no such file"):
        plan(tmp_path, model_folder, ROWS, data="absent.jsonl")
