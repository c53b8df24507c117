"""Files of other tools, as their repositories have them, become our settings or are refused.

The files are the examples of hiyouga/LLaMA-Factory (examples/train_lora/llama3_lora_sft.yaml,
examples/train_full) and axolotl-ai-cloud/axolotl (examples/llama-3/lora-8b.yml, instruct-lora-8b.yml,
qlora.yml, fft-8b.yaml), shortened to what matters.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.config import LoraSettings, TrainConfig, parse_config
from finetune.importers.axolotl import import_axolotl
from finetune.importers.base import Imported, takes_steps
from finetune.importers.command import IMPORTERS, settings_text
from finetune.importers.llama_factory import import_llama_factory
from harness.errors import ConfigError

LLAMA_FACTORY = """\
### model
model_name_or_path: meta-llama/Meta-Llama-3-8B-Instruct
trust_remote_code: true

### method
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 8
lora_target: all

### dataset
dataset: identity,alpaca_en_demo
template: llama3
cutoff_len: 2048
max_samples: 1000
overwrite_cache: true
preprocessing_num_workers: 16

### output
output_dir: saves/llama3-8b/lora/sft
logging_steps: 10
save_steps: 500
plot_loss: true
overwrite_output_dir: true

### train
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
ddp_timeout: 180000000
resume_from_checkpoint: null
"""
AXOLOTL = """\
base_model: NousResearch/Meta-Llama-3-8B-Instruct
model_type: LlamaForCausalLM
tokenizer_type: AutoTokenizer

load_in_8bit: true
load_in_4bit: false
strict: false

chat_template: llama3
datasets:
  - path: fozziethebeat/alpaca_messages_2k_test
    type: chat_template
    field_messages: messages
    message_field_role: role
    message_field_content: content
    roles:
      user:
        - user
      assistant:
        - assistant

dataset_prepared_path:
val_set_size: 0.05
output_dir: ./outputs/lora-out

sequence_len: 4096
sample_packing: false
pad_to_sequence_len: true

adapter: lora
lora_model_dir:
lora_r: 32
lora_alpha: 16
lora_dropout: 0.05
lora_target_linear: true
lora_fan_in_fan_out:

wandb_project:

gradient_accumulation_steps: 4
micro_batch_size: 2
num_epochs: 4
optimizer: adamw_torch
lr_scheduler: cosine
learning_rate: 0.0002

train_on_inputs: false
bf16: auto
fp16:
tf32: false

gradient_checkpointing: true
flash_attention: true
warmup_steps: 10
evals_per_epoch: 4
weight_decay: 0.0
fsdp:
special_tokens:
   pad_token: <|end_of_text|>
"""


def llama_factory(folder: Path, text: str = LLAMA_FACTORY, **changes: Any) -> Imported:
    return import_llama_factory(_written(folder, text, changes))


def axolotl(folder: Path, text: str = AXOLOTL, **changes: Any) -> Imported:
    return import_axolotl(_written(folder, text, changes))


def _written(folder: Path, text: str, changes: dict[str, Any]) -> Path:
    kept = [line for line in text.splitlines() if line.partition(":")[0] not in changes]
    lines = [*kept, *(f"{key}: {json.dumps(value)}" for key, value in changes.items())]
    file = folder / "theirs.yaml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def without_memory(train: Any) -> dict[str, Any]:
    """Return what decides the result, and none of what the trainer does anyway."""
    beyond = ("gradient_checkpointing", "method", "stage", "optimizer", "packing")
    return {key: value for key, value in train.items() if key not in beyond}


def test_llama_factorys_example_is_mapped(tmp_path: Path) -> None:
    found = llama_factory(tmp_path)

    assert (found.model, found.template) == ("meta-llama/Meta-Llama-3-8B-Instruct", "tokenizer")
    assert without_memory(found.train) == {
        "data": ["identity.jsonl", "alpaca_en_demo.jsonl"],
        "max_rows": 2000,
        "max_tokens": 2048,
        "micro_batch": 1,
        "batch": 8,
        "learning_rate": 1e-4,
        "epochs": 3,
        "schedule": "cosine",
        "warmup": 0.1,
        "weight_decay": 0.0,
        "clip": 1.0,
        "seed": 42,
        "heldout": 0.0,
        "dtype": "bfloat16",
        "lora": {"r": 8, "alpha": 16, "dropout": 0.0, "rslora": False, "targets": "all-linear"},
    }
    assert found.unknown == ()


def test_every_key_of_the_example_is_accounted_for(tmp_path: Path) -> None:
    found = llama_factory(tmp_path)

    ignored = {remark.key for remark in found.ignored}
    assert {"output_dir", "logging_steps", "ddp_timeout", "do_train"} <= ignored
    assert {remark.key for remark in found.changed} == {
        "dataset", "max_samples", "cutoff_len", "template",
    }  # fmt: skip


def test_axolotls_example_is_mapped(tmp_path: Path) -> None:
    found = axolotl(tmp_path)

    assert (found.model, found.template) == ("NousResearch/Meta-Llama-3-8B-Instruct", "tokenizer")
    assert without_memory(found.train) == {
        "data": ["alpaca_messages_2k_test.jsonl"],
        "max_tokens": 4096,
        "over_length": "drop",
        "micro_batch": 2,
        "batch": 8,
        "learning_rate": 2e-4,
        "epochs": 4,
        "schedule": "cosine",
        "warmup": 10 if takes_steps() else 0.0,
        "weight_decay": 0.0,
        "clip": 1.0,
        "seed": 42,
        "heldout": 0.05,
        "dtype": "bfloat16",
        "lora": {"r": 32, "alpha": 16, "dropout": 0.05, "rslora": False, "targets": "all-linear"},
    }
    assert found.unknown == ()
    told = {remark.key for remark in found.changed}
    assert told - {"warmup_steps"} == {"load_in_8bit", "datasets", "chat_template"}
    assert ("warmup_steps" in told) is not takes_steps()


@pytest.mark.parametrize("tool", IMPORTERS)
def test_what_is_imported_is_valid_and_can_be_planned(tool: str, tmp_path: Path) -> None:
    text = LLAMA_FACTORY if tool == "llama-factory" else AXOLOTL
    found = IMPORTERS[tool](_written(tmp_path, text, {}))

    parse_config(dict(found.train), where="ours.yaml")
    assert settings_text(found).startswith(f"model: {found.model}\ntemplate: tokenizer\ntrain:\n")


def test_names_of_data_are_looked_up_in_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    catalogue = {"identity": {"file_name": "identity.json"}, "hub": {"hf_hub_url": "a/b"}}
    (tmp_path / "data" / "dataset_info.json").write_text(json.dumps(catalogue), encoding="utf-8")

    found = llama_factory(tmp_path, dataset="identity,hub")

    assert found.train["data"] == ["data/identity.json", "hub.jsonl"]


def test_alpha_is_twice_the_rank_where_llama_factorys_file_does_not_say(tmp_path: Path) -> None:
    assert llama_factory(tmp_path, lora_rank=64).train["lora"]["alpha"] == 128


def test_targets_are_kept_by_name(tmp_path: Path) -> None:
    found = llama_factory(tmp_path, lora_target="q_proj,v_proj")

    assert found.train["lora"]["targets"] == ["q_proj", "v_proj"]


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path: Path) -> None:
    found = axolotl(tmp_path, AXOLOTL.replace("learning_rate: 0.0002", "learning_rate: 2e-5"))

    assert found.train["learning_rate"] == 2e-5


def test_alpaca_data_bring_their_layout(tmp_path: Path) -> None:
    data = [{"path": "tatsu-lab/alpaca", "type": "alpaca"}]
    text = AXOLOTL.partition("chat_template:")[0] + AXOLOTL[AXOLOTL.index("dataset_prepared") :]

    assert axolotl(tmp_path, text, datasets=data).template == "alpaca"


def test_packing_is_kept_where_the_trainer_packs_and_told_of_where_not(tmp_path: Path) -> None:
    for found, key in (
        (llama_factory(tmp_path, packing=True), "packing"),
        (axolotl(tmp_path, sample_packing=True), "sample_packing"),
    ):
        is_told = key in {remark.key for remark in found.changed}
        assert is_told is not found.train.get("packing", False)


def test_a_key_that_is_not_known_is_named(tmp_path: Path) -> None:
    assert llama_factory(tmp_path, frobnicate=3).unknown == ("frobnicate",)
    assert axolotl(tmp_path, frobnicate=3).unknown == ("frobnicate",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"finetuning_type": "oft"}, "finetuning_type: oft"),
        ({"stage": "ppo"}, "stage: ppo"),
        ({"quantization_bit": 8}, "quantization_bit: 8"),
        ({"use_galore": True}, "use_galore: True"),
        ({"train_on_prompt": True}, "train_on_prompt: true"),
        ({"fp16": True}, "fp16: true"),
        ({"max_steps": 100}, "max_steps: 100"),
        ({"num_train_epochs": 1.5}, "num_train_epochs: expected a whole number"),
        ({"lr_scheduler_type": "reduce_lr_on_plateau"}, "schedule"),
        ({"template": "ziya"}, "no such layout here"),
        ({"mix_strategy": "interleave_under"}, "mix the files first"),
        ({"learning_rate": "fast"}, "learning_rate: expected a number"),
        ({"dataset": ""}, "it names no data"),
        ({"model_name_or_path": None}, "it names no model"),
    ],
)
def test_what_llama_factory_would_train_otherwise_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"theirs.yaml: .*{message}"):
        llama_factory(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adapter": "llama-adapter"}, "adapter: llama-adapter"),
        ({"train_on_inputs": True}, "train_on_inputs: true"),
        ({"tokens": ["<a>"]}, "tokens: "),
        ({"relora_steps": 100}, "relora_steps: 100"),
        ({"lora_target_linear": False}, "name layers"),
        ({"max_steps": 20}, "max_steps: 20"),
        ({"fp16": True}, "fp16: true"),
        ({"learning_rate": None}, "learning_rate: .none."),
        ({"chat_template": "jinja"}, "no such layout here"),
    ],
)
def test_what_axolotl_would_train_otherwise_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"theirs.yaml: .*{message}"):
        axolotl(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"optim": "paged_adamw_8bit"}, "optimizer", "paged_adamw_8bit"),
        ({"finetuning_type": "full"}, "method", "full"),
        ({"quantization_bit": 4}, "method", "qlora"),
        ({"use_dora": True}, "method", "dora"),
        ({"mask_history": True}, "train_on", "last"),
        ({"neftune_noise_alpha": 5}, "neftune", 5),
        ({"pissa_init": True}, "lora.init", "pissa"),
        ({"additional_target": "embed_tokens"}, "lora.modules_to_save", ["embed_tokens"]),
    ],
)
def test_a_setting_is_mapped_where_the_trainer_has_it_and_refused_where_it_has_not(
    tmp_path: Path, changes: dict[str, Any], name: str, value: object
) -> None:
    outer, _, inner = name.rpartition(".")
    if inner in (LoraSettings if outer else TrainConfig).model_fields:
        train = llama_factory(tmp_path, **changes).train
        assert (train[outer] if outer else train)[inner] == value
    else:
        with pytest.raises(ConfigError, match=f"no setting '{name}'"):
            llama_factory(tmp_path, **changes)


def test_a_file_that_is_no_mapping_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("a: [1,\nb: 2\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"broken.yaml:\d: this is not valid YAML"):
        import_axolotl(file)
