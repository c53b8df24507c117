"""Adapters, files, quantised weights and optimizer states, by published numbers and by PEFT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from finetune.planner.reading import architecture_of
from finetune.planner.shape import TrainingShape, shape_of
from finetune.planner.stacks import STACKS
from finetune.planner.states import (
    adapter_file_bytes,
    adapter_parameters,
    base_bytes,
    saved_parameters,
    states_of,
)
from harness.errors import ConfigError, InputError
from tests.finetune.planner.configs import MORE, SMALL, model

QV = ("q_proj", "v_proj")
MLP = ("gate_proj", "up_proj", "down_proj")


@pytest.mark.parametrize(
    ("name", "shape", "n"),
    [  # litgpt's and ms-swift's tables; PEFT's MetaMathQA results
        ("Llama-2-7B", TrainingShape(rank=8, targets=QV), 4_194_304),
        ("Qwen-7B", TrainingShape(rank=8), 17_891_328),
        ("Llama-3.2-3B", TrainingShape(rank=32, targets=QV), 9_175_040),
        ("Llama-3.2-3B", TrainingShape(rank=32, targets=QV, dora=True), 9_289_728),
        ("Llama-3.2-3B", TrainingShape(rank=10, targets=MLP), 9_461_760),
    ],
)
def test_adapter_parameters_are_those_published(name: str, shape: TrainingShape, n: int) -> None:
    assert adapter_parameters(model(name), shape) == n


@pytest.mark.parametrize(
    ("dora", "n_bytes"),
    [(False, 36_715_216), (True, 37_181_760)],  # PEFT's MetaMathQA results: file_size
)
def test_adapter_files_have_the_published_size_to_the_byte(dora: bool, n_bytes: int) -> None:
    shape = TrainingShape(rank=32, targets=QV, dora=dora)

    assert adapter_file_bytes(model("Llama-3.2-3B"), shape) == n_bytes


@pytest.mark.filterwarnings("ignore:The following (rank|alpha)_pattern keys:RuntimeWarning")
@pytest.mark.parametrize(
    ("family", "dora"),
    [(f, dora) for f in ("llama", "qwen3", "gemma2", "phi3", "gpt2") for dora in (False, True)]
    + [("mixtral", False), ("qwen3_moe", False), ("qwen2_moe", False)],
)
def test_adapters_on_all_linear_layers_are_those_that_peft_makes(
    family: str, dora: bool, tmp_path: Path
) -> None:
    config = CONFIG_MAPPING[family](**SMALL, **MORE.get(family, {}))
    architecture = architecture_of(config.to_dict(), where=family)
    shape = TrainingShape(rank=4, dora=dora)
    settings = LoraConfig(
        r=4, target_modules="all-linear", use_dora=dora, task_type="CAUSAL_LM",
        fan_in_fan_out=family == "gpt2",
    )  # fmt: skip
    tuned = get_peft_model(AutoModelForCausalLM.from_config(config), settings)
    tuned.save_pretrained(str(tmp_path))

    n = sum(p.numel() for p in tuned.parameters() if p.requires_grad)
    assert adapter_parameters(architecture, shape) == n
    size = (tmp_path / "adapter_model.safetensors").stat().st_size
    assert adapter_file_bytes(architecture, shape) == size


def test_a_pattern_adapts_the_layers_that_peft_adapts() -> None:
    pattern = r".*layers\.(0|2)\.(self_attn\.[qv]_proj|mlp\.down_proj)"
    config = CONFIG_MAPPING["llama"](**SMALL)
    tuned = get_peft_model(
        AutoModelForCausalLM.from_config(config), LoraConfig(r=4, target_modules=pattern)
    )

    architecture = architecture_of(config.to_dict(), where="llama")
    n = sum(p.numel() for p in tuned.parameters() if p.requires_grad)
    assert adapter_parameters(architecture, TrainingShape(rank=4, targets=pattern)) == n


def test_saved_modules_and_token_rows_are_those_that_peft_trains() -> None:
    config = CONFIG_MAPPING["llama"](**SMALL)
    architecture = architecture_of(config.to_dict(), where="llama")
    rows = LoraConfig(r=4, target_modules=list(QV), trainable_token_indices=[5, 6, 7])
    whole = LoraConfig(r=4, target_modules=list(QV), modules_to_save=["embed_tokens", "lm_head"])

    def trained(settings: LoraConfig) -> int:
        tuned = get_peft_model(AutoModelForCausalLM.from_config(config), settings)
        return sum(p.numel() for p in tuned.parameters() if p.requires_grad)

    with_rows = TrainingShape(rank=4, targets=QV, trainable_tokens=3)
    saved = TrainingShape(rank=4, targets=QV, modules_to_save=("embed_tokens", "lm_head"))
    assert states_of(architecture, with_rows).n_trained == trained(rows)
    assert states_of(architecture, saved).n_trained == trained(whole)
    assert saved_parameters(architecture, saved) == 2 * 300 * 64


def test_peft_keeps_adapters_in_float32_and_saved_modules_as_the_base() -> None:
    config = CONFIG_MAPPING["llama"](**SMALL)
    base = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    settings = LoraConfig(r=4, target_modules=list(QV), modules_to_save=["lm_head"], use_dora=True)
    tuned = get_peft_model(base, settings)

    shape = TrainingShape(
        rank=4, targets=QV, modules_to_save=("lm_head",), dora=True, stack=STACKS["transformers"]
    )
    states = states_of(architecture_of(config.to_dict(), where="llama"), shape)
    trained = [p for p in tuned.parameters() if p.requires_grad]
    assert states.trained == states.gradients == sum(p.nbytes for p in trained)
    assert states.n_trained == sum(p.numel() for p in trained)


@pytest.mark.parametrize(
    ("name", "published"),
    [("Llama-2-7B", 0.31), ("Llama-2-13B", 0.60)],  # litgpt's tables: nf4 minus nf4-dq
)
def test_double_quantisation_saves_what_was_measured(name: str, published: float) -> None:
    architecture = model(name)

    saved = base_bytes(architecture, TrainingShape(weights="nf4")) - base_bytes(
        architecture, TrainingShape(weights="nf4-double")
    )

    assert saved / 1e9 == pytest.approx(published, abs=0.02)


def test_bitsandbytes_keeps_as_many_bytes_as_planned() -> None:
    functional = pytest.importorskip("bitsandbytes.functional")
    weight = torch.randn(1024, 1024)
    packed, state = functional.quantize_4bit(
        weight, blocksize=64, compress_statistics=True, quant_type="nf4"
    )

    kept = packed.nbytes + state.absmax.nbytes + state.state2.absmax.nbytes
    assert kept / weight.numel() == pytest.approx(0.5 + 1 / 64 + 4 / (64 * 256), rel=1e-3)


@pytest.mark.parametrize(
    ("optimizer", "weights", "per_parameter"),
    [
        ("adamw", "float32", 8),
        ("adamw", "bfloat16", 4),
        ("adamw_8bit", "bfloat16", 2 + 8 / 256),
        ("paged_adamw", "bfloat16", 8),
        ("lion", "bfloat16", 4),
        ("sgd", "float32", 0),
    ],
)
def test_optimizer_states_have_their_bytes_a_parameter(
    optimizer: str, weights: Any, per_parameter: float
) -> None:
    stack = STACKS["transformers"]
    shape = TrainingShape(method="full", optimizer=optimizer, weights=weights, stack=stack)
    architecture = model("SmolLM2-135M")

    expected = per_parameter * architecture.n_parameters
    assert states_of(architecture, shape).optimizer == pytest.approx(expected)


def test_adafactor_keeps_a_row_and_a_column_of_each_matrix() -> None:
    from transformers.optimization import Adafactor

    config = CONFIG_MAPPING["llama"](**SMALL)
    built = AutoModelForCausalLM.from_config(config)
    optimizer = Adafactor(built.parameters(), scale_parameter=False, relative_step=False, lr=1e-3)
    for parameter in built.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()

    state = [
        value
        for values in optimizer.state.values()
        for value in values.values()
        if isinstance(value, torch.Tensor) and value.dim()
    ]
    shape = TrainingShape(method="full", optimizer="adafactor", weights="float32")
    architecture = architecture_of(config.to_dict(), where="llama")
    assert states_of(architecture, shape).optimizer == sum(v.nbytes for v in state)


def test_a_mapping_is_read_with_transformers_names_too() -> None:
    train = {
        "method": "qlora",
        "optimizer": "paged_adamw_8bit",
        "attention": "flash_attention_2",
        "micro_batch": 4,
        "batch": 32,
        "gradient_checkpointing": True,
        "lora": {"r": 8, "targets": "q_proj,v_proj", "modules_to_save": ["lm_head"]},
    }

    shape = shape_of(train, where="t.yaml")

    assert (shape.weights, shape.optimizer) == ("nf4-double", "paged_adamw_8bit")
    assert (shape.attention, shape.checkpointing, shape.micro_batch) == ("flash", True, 4)
    assert (shape.targets, shape.modules_to_save) == (QV, ("lm_head",))
    assert shape_of({"optimizer": "adamw_torch_fused"}, where="").optimizer == "adamw"


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"micro_batch": 0}, "micro_batch: expected a whole number above 0"),
        ({"optimizer": "adafactr"}, "did you mean 'adafactor'"),
        ({"method": "lara"}, "unknown method"),
        ({"dtype": "int3"}, "unknown dtype"),
        ({"lora": 3}, "lora: expected settings"),
        ({"quantisation": [1]}, "unknown quantisation"),
        ({"trainable_tokens": {"a": 1}}, "trainable_tokens: expected token ids"),
        ({"modules_to_save": 3}, "modules_to_save: expected names"),
        ({"lora": {"targets": 3}}, "lora.targets: expected names"),
        ({"gradient_checkpointing": "maybe"}, "gradient_checkpointing: expected true or false"),
    ],
)
def test_wrong_settings_are_refused_with_the_file(train: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"t.yaml.*{message}"):
        shape_of(train, where="t.yaml")


@pytest.mark.parametrize("targets", [("q_prok",), ("lm_head",), ".*q_prok", ("q_proj", "x")])
def test_a_target_that_the_model_lacks_is_refused(targets: str | tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="it has: down_proj"):
        states_of(model("Llama-2-7B"), TrainingShape(targets=targets))


def test_a_module_to_save_that_the_model_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match="no module 'head'"):
        states_of(model("Llama-2-7B"), TrainingShape(modules_to_save=("head",)))
