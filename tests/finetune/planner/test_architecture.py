"""Parameters are those of the models that transformers builds from the same config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from finetune.planner.architecture import Architecture
from finetune.planner.layouts import LAYOUTS
from finetune.planner.reading import architecture_of, read_architecture
from harness.errors import ModelError
from tests.finetune.planner.configs import CONFIGS, MORE, SMALL, model

PUBLISHED = {  # the models' cards, and num_parameters() of their checkpoints
    "Llama-2-7B": 6_738_415_616,
    "Llama-2-13B": 13_015_864_320,
    "Llama-3-8B": 8_030_261_248,
    "Llama-3-70B": 70_553_706_496,
    "Llama-3.2-1B": 1_235_814_400,
    "Llama-3.2-3B": 3_212_749_824,
    "SmolLM2-135M": 134_515_008,
    "Mistral-7B": 7_241_732_096,
    "Mixtral-8x7B": 46_702_792_704,
    "Qwen2.5-0.5B": 494_032_768,
    "Qwen2.5-7B": 7_615_616_512,
    "Qwen3-8B": 8_190_735_360,
    "Qwen3-30B-A3B": 30_532_122_624,
    "Gemma-2B": 2_506_172_416,
    "Gemma-2-2B": 2_614_341_888,
    "Gemma-3-270M": 268_098_176,
    "Phi-3-mini": 3_821_079_552,
    "GPT-2": 124_439_808,
    "ChatGLM3-6B": 6_243_584_000,
    "Qwen-7B": 7_721_324_544,
}
WITHOUT_CODE = ("chatglm", "baichuan", "qwen")
"""Families whose code came with their weights."""
OTHERS = ("starcoder2", "cohere", "falcon", "stablelm", "bloom", "opt")
BUILT = [family for family in LAYOUTS if family not in WITHOUT_CODE]


def both(family: str) -> tuple[Architecture, Any]:
    """Return what is read of a small config, and what transformers builds of it."""
    config = CONFIG_MAPPING[family](**SMALL, **MORE.get(family, {}))
    with torch.device("meta"):
        built = AutoModelForCausalLM.from_config(config)
    return architecture_of(config.to_dict(), where=family), built


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_published(name: str) -> None:
    assert model(name).n_parameters == PUBLISHED[name]


@pytest.mark.parametrize("family", [*BUILT, *OTHERS])
def test_parameters_are_those_that_transformers_builds(family: str) -> None:
    architecture, built = both(family)

    assert architecture.n_parameters == built.num_parameters()


@pytest.mark.parametrize("family", [*BUILT, *OTHERS])
def test_linear_layers_have_the_names_and_sizes_that_transformers_gives_them(family: str) -> None:
    architecture, built = both(family)

    modules = dict(built.named_modules())
    for matrix in architecture.matrices:
        for layer in matrix.layers if matrix.is_linear else ():
            shape = sorted(modules[matrix.path.format(layer=layer)].weight.shape)
            assert shape == sorted((matrix.n_in, matrix.n_out)), matrix.path


def test_a_tied_head_counts_once() -> None:
    tied = model("SmolLM2-135M")
    untied = architecture_of(
        {**CONFIGS["SmolLM2-135M"], "tie_word_embeddings": False}, where="untied"
    )

    assert untied.n_parameters - tied.n_parameters == 49152 * 576


def test_a_window_that_qwen_does_not_use_is_none() -> None:
    assert model("Qwen2.5-0.5B").window is None


@pytest.mark.parametrize(("name", "n"), [("Gemma-3-270M", 15), ("Gemma-2-2B", 13)])
def test_layers_with_a_window_are_counted(name: str, n: int) -> None:
    assert model(name).sliding_layers == n


def test_the_language_part_of_a_model_that_sees_is_read(tmp_path: Path) -> None:
    seeing = {"model_type": "gemma3", "text_config": CONFIGS["Gemma-3-270M"], "vision_config": {}}
    (tmp_path / "config.json").write_text(json.dumps(seeing), encoding="utf-8")

    assert read_architecture(tmp_path).n_parameters == PUBLISHED["Gemma-3-270M"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "no `model_type`"),
        ({"model_type": "llama"}, "missing key hidden_size"),
        ({**CONFIGS["Llama-2-7B"], "intermediate_size": None}, "intermediate_size"),
        ({**CONFIGS["Llama-2-7B"], "num_hidden_layers": 0}, "num_hidden_layers"),
        ({**CONFIGS["Llama-2-7B"], "intermediate_size": "big"}, "sizes that cannot be"),
        (
            {"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 9},
            "n_posit",
        ),
        ({"model_type": "no-such-family"}, "no-such-family"),
        ({"model_type": "vit"}, "vit"),
    ],
)
def test_what_is_not_a_language_models_config_is_refused(
    config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=f"here.json.*{message}"):
        architecture_of(config, where="here.json")


def test_a_file_that_is_not_json_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text("{", encoding="utf-8")

    with pytest.raises(ModelError, match="not valid JSON"):
        read_architecture(file)
