"""What the planner and the lints find out about a study, without its weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from finetune.facts import config_folder, has_chat_template, model_facts, settings_of
from finetune.planner.runs import predicted_bytes, row_facts
from harness.errors import ConfigError, ModelError
from harness.study_config import StudyConfig
from tests.finetune.support import plan, row, rows_of_all_lengths


def study(**changes: Any) -> StudyConfig:
    """Return a study with one trained configuration and one that is not."""
    values = {
        "name": "s",
        "model": "org/name",
        "template": "alpaca",
        "lora_mode": "multi",
        "suites": [{"path": "suite"}],
        "primary": [{"suite": "suite", "metric": "token_f1"}],
        "train": {"data": ["rows.jsonl", "general.jsonl"], "lora": {"r": 8, "alpha": 16}},
        "configurations": [
            {"name": "mine", "train": {"epochs": 1, "lora": {"r": 4}}},
            {"name": "theirs", "adapter": "folder"},
        ],
    }
    return StudyConfig.model_validate(values | changes)


def rows_file(file: Path, *turns: str) -> None:
    roles = ("user", "assistant")
    messages = [{"role": r, "content": t} for r, t in zip(roles, turns, strict=True)]
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"messages": messages}) + "\n", encoding="utf-8")


def test_settings_are_those_of_the_study_under_the_configurations_own(tmp_path: Path) -> None:
    (setting,) = settings_of(study(), tmp_path / "study.yaml", None)

    assert setting.name == "mine"
    assert (setting.train["epochs"], setting.train["batch"]) == (1, 16)
    assert (setting.train["lora"]["r"], setting.train["lora"]["alpha"]) == (4, 16)
    assert (setting.facts.template, setting.facts.lora_mode) == ("alpaca", "multi")
    assert setting.facts.sources == ("rows.jsonl", "general.jsonl")
    assert setting.rows is None


def test_wrong_settings_name_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"study.yaml: configuration 'mine': train: unknown key"):
        settings_of(study(train={"data": "a", "epocs": 1}), tmp_path / "study.yaml", None)


def test_rows_that_can_be_read_tell_length_and_share(tmp_path: Path) -> None:
    rows_file(tmp_path / "rows.jsonl", "q" * 380, "a" * 380)
    rows_file(tmp_path / "general.jsonl", "q" * 38, "a" * 38)

    (setting,) = settings_of(study(), tmp_path / "study.yaml", None)

    assert setting.rows is not None
    assert (setting.rows.longest, setting.rows.loss_share) == (216, 0.5)


def test_rows_are_no_longer_than_what_is_kept() -> None:
    assert row_facts([row("q" * 9999, "a")], max_tokens=100).longest == 100


def test_training_on_a_gold_set_is_found(tmp_path: Path) -> None:
    rows_file(tmp_path / "suite" / "gold.jsonl", "q", "a")
    rows_file(tmp_path / "rows.jsonl", "q", "a")
    trained = study(train={"data": ["rows.jsonl", "suite/../suite/gold.jsonl"]})

    (setting,) = settings_of(trained, tmp_path / "study.yaml", None)

    assert setting.facts.gold_files == ("suite/../suite/gold.jsonl",)


def test_a_models_folder_tells_size_context_and_whether_it_chats(
    model_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    assert has_chat_template(folder) is False
    (folder / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")

    facts = model_facts(folder)

    assert (facts.context, facts.has_chat_template) == (256, True)
    assert facts.n_parameters is not None
    assert has_chat_template(tmp_path) is None


def test_a_model_is_found_beside_the_study(model_folder: Path) -> None:
    assert config_folder(model_folder.name, model_folder.parent) == model_folder.parent / (
        model_folder.name
    )


@pytest.mark.parametrize("reference", ["nowhere", "no-such-org/no-such-model"])
def test_a_model_that_is_not_here_is_asked_for(reference: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="--model-config"):
        config_folder(reference, tmp_path)


def test_a_training_to_come_is_planned_by_its_rows(model_folder: Path, tmp_path: Path) -> None:
    short = plan(tmp_path / "a", model_folder, rows_of_all_lengths(8))
    long = plan(tmp_path / "b", model_folder, [row("q" * 600, "a" * 300)] * 8)

    few = predicted_bytes(short, on_cpu=True)
    many = predicted_bytes(long, on_cpu=True)
    assert few is not None
    assert many is not None
    assert few < many
