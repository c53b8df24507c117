"""Training configurations."""

from __future__ import annotations

import pytest

from finetune.config import TrainConfig, parse_config
from finetune.data.source import DataSource
from harness.errors import ConfigError


def test_one_data_path_becomes_a_tuple() -> None:
    config = parse_config({"data": "rows.jsonl"}, where="study.yaml: a")

    assert config.data == (DataSource(path="rows.jsonl"),)


def test_data_may_say_its_format_and_name() -> None:
    named = {"path": "dataset_info.json", "name": "law"}

    config = parse_config({"data": ["a.jsonl", named]}, where="study.yaml: a")

    assert config.data == (DataSource(path="a.jsonl"), DataSource.model_validate(named))
    assert parse_config({"data": named}, where="a").data == config.data[1:]


def test_a_misspelt_key_of_data_is_told() -> None:
    with pytest.raises(ConfigError, match=r"data\.0.*formt.*format"):
        parse_config({"data": [{"path": "a", "formt": "alpaca"}]}, where="study.yaml: a")


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"data": "rows.jsonl", "learning_rat": 1e-3}, where="study.yaml: a")

    assert str(caught.value).startswith(
        "study.yaml: a: train: unknown key 'learning_rat' (did you mean 'learning_rate'?)"
    )


def test_an_unknown_lora_key_is_named_with_its_place() -> None:
    values = {"data": "rows.jsonl", "lora": {"alhpa": 8}}

    with pytest.raises(ConfigError, match=r"'lora\.alhpa' \(did you mean 'alpha'\?\)"):
        parse_config(values, where="study.yaml: a")


def test_a_batch_that_micro_batches_do_not_fill_is_refused() -> None:
    with pytest.raises(ConfigError, match="batch 12 is not a multiple of micro_batch 8"):
        parse_config({"data": "rows.jsonl", "batch": 12}, where="study.yaml: a")


def test_a_batch_below_the_micro_batch_is_taken_whole() -> None:
    config = parse_config({"data": "rows.jsonl", "batch": 3}, where="study.yaml: a")

    assert (config.batch, config.accumulation) == (3, 1)


@pytest.mark.parametrize(
    "values",
    [
        {"data": ()},
        {"learning_rate": 0},
        {"epochs": 0},
        {"heldout": 0.5},
        {"over_length": "truncate"},
        {"lora": {"r": 0}},
    ],
)
def test_values_without_meaning_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"train: {next(iter(values))}"):
        parse_config({"data": "rows.jsonl"} | values, where="study.yaml: a")


def test_accumulation_is_rows_per_step_over_rows_per_pass() -> None:
    assert TrainConfig(data=(DataSource(path="a"),), batch=16, micro_batch=4).accumulation == 4
