"""axolotl's training YAML (examples/*/lora.yml, qlora.yml)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.importers.base import (
    Draft,
    Imported,
    load_draft,
    set_batch,
    set_checkpointing,
    set_heldout,
    set_packing,
    set_schedule,
    template_of,
)

OWN_TEMPLATES = (
    "llama3", "llama3_2_vision", "llama4", "gemma", "gemma3", "mistral_v1", "mistral_v2v3",
    "mistral_v3_tekken", "cohere", "phi_3", "phi_35", "phi_4", "deepseek_v2", "deepseek_v3", "qwen_25",
    "qwen3", "jamba", "exaone", "falcon_h1", "tokenizer_default_fallback_chatml",
)  # fmt: skip
OTHER_TRAINING: Mapping[str, str] = dict.fromkeys(
    (
        "relora_steps", "lisa_n_layers", "unfrozen_parameters", "tokens", "added_tokens_overrides",
        "rope_scaling", "overrides_of_model_config", "lora_model_dir", "lora_layers_to_transform",
        "qat", "kd_trainer", "reward_model", "process_reward_model", "curriculum_sampling",
        "torchao", "gptq", "peft_layers_to_transform", "s2_attention",
    ),
    "it changes what is trained, and the trainer does not have it",
)  # fmt: skip
NO_EFFECT = (
    "model_type", "tokenizer_type", "tokenizer_config", "is_llama_derived_model", "trust_remote_code",
    "strict", "dataset_prepared_path", "output_dir", "wandb_project", "wandb_entity", "wandb_watch",
    "wandb_name", "wandb_log_model", "wandb_run_id", "mlflow_tracking_uri", "group_by_length", "tf32",
    "early_stopping_patience", "resume_from_checkpoint", "auto_resume_from_checkpoints", "local_rank",
    "logging_steps", "xformers_attention", "flash_attention", "sdp_attention", "eager_attention",
    "attn_implementation", "evals_per_epoch", "eval_steps", "eval_table_size", "eval_max_new_tokens",
    "saves_per_epoch", "save_steps", "save_strategy", "save_total_limit", "save_first_step", "debug",
    "lora_fan_in_fan_out", "pad_to_sequence_len", "eval_sample_packing", "hub_model_id", "plugins",
    "gradient_checkpointing_kwargs", "hub_strategy", "dataset_processes",
    "save_safetensors", "eval_batch_size", "lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel",
    "torch_compile", "use_tensorboard", "dataloader_num_workers", "push_dataset_to_hub", "hf_use_auth_token",
    "liger_rope", "liger_rms_norm", "liger_glu_activation", "liger_fused_linear_cross_entropy",
    "low_cpu_mem_usage", "shuffle_merged_datasets", "base_model_config", "type_of_model",
    "processor_type", "eval_strategy", "load_best_model_at_end", "bnb_config_kwargs",
)  # fmt: skip
DEVICES = (
    "deepspeed",
    "fsdp",
    "fsdp_config",
    "fsdp_version",
    "ddp_timeout",
    "tensor_parallel_size",
)


def import_axolotl(file: Path) -> Imported:
    """Return our settings for an axolotl file.

    Raises:
        ConfigError: a value would train something else here.
    """
    draft = load_draft(file)
    draft.refuse_if_on(OTHER_TRAINING)
    stage = draft.take("rl")
    draft.set("stage", str(stage or "sft"), source="rl")
    _method(draft)
    template = _data(draft)
    _numbers(draft)
    _tokens(draft)
    draft.ignore(NO_EFFECT, "no effect on what is learnt")
    draft.ignore(DEVICES, "how devices share the work is said to the launcher")
    return draft.finish(model=draft.take("base_model"), template=template)


def _method(draft: Draft) -> None:
    adapter = draft.take("adapter")
    is_4bit = bool(draft.take("load_in_4bit", False))
    is_8bit = bool(draft.take("load_in_8bit", False))
    methods = {"lora": "qlora" if is_4bit else "lora", "qlora": "qlora", None: "full"}
    if adapter not in methods:
        draft.refuse("adapter", adapter, "the trainer has lora, qlora and full")
    method = methods[adapter]
    if is_8bit and method == "lora":
        draft.change("load_in_8bit", "the base is kept in bfloat16, not in 8 bits: more memory")
    if draft.take("peft_use_dora", False):
        if method != "lora":
            draft.refuse("peft_use_dora", "true", "DoRA is offered over a 16-bit base")
        method = "dora"
    draft.set("method", method, source="adapter")
    if method == "full":
        keys = [key for key in draft.values if key.startswith(("lora_", "peft_", "loraplus_"))]
        draft.ignore(keys, "not used by full training")
        return
    draft.set("lora.r", draft.number("lora_r", 8, int), source="lora_r")
    draft.set("lora.alpha", draft.number("lora_alpha", 16, int), source="lora_alpha")
    draft.set("lora.dropout", draft.number("lora_dropout", 0.0), source="lora_dropout")
    draft.set("lora.rslora", bool(draft.take("peft_use_rslora", False)), source="peft_use_rslora")
    named = draft.take("lora_target_modules")
    is_all = bool(draft.take("lora_target_linear", False))
    targets: Any = "all-linear" if is_all or named in ("all-linear", ["all-linear"]) else named
    if not targets:
        draft.refuse("lora_target_modules", "(none)", "name layers, or set lora_target_linear")
    draft.set("lora.targets", targets, source="lora_target_modules")
    for key, name in (
        ("lora_modules_to_save", "lora.modules_to_save"),
        ("loraplus_lr_ratio", "lora.plus_ratio"),
        ("peft_init_lora_weights", "lora.init"),
    ):
        value = draft.take(key)
        if value is not None and value is not True:
            draft.set(name, value, source=key)


def _data(draft: Draft) -> str:
    """Set the data and return the template that their types ask for."""
    datasets: Any = draft.take("datasets", [])
    if not datasets or not isinstance(datasets, list):
        draft.refuse("datasets", "(none)", "it names no data")
    names: list[str] = []
    for entry in datasets:
        if not isinstance(entry, dict) or not entry.get("path"):
            draft.refuse("datasets", entry, "each needs a `path`")
        trained = entry.get("roles_to_train")
        if trained not in (None, ["assistant"], ["gpt"], ["assistant", "gpt"]):
            draft.refuse("datasets.roles_to_train", trained, "only the assistant is learnt here")
        if entry.get("train_on_eos") in ("none", "all"):
            draft.refuse(
                "datasets.train_on_eos", entry["train_on_eos"], "each turn's end is learnt"
            )
        names.append(str(entry["path"]))
    files = [
        name if name.endswith(".jsonl") else f"{name.rpartition('/')[2]}.jsonl" for name in names
    ]
    draft.set("data", files, source="datasets")
    draft.change("datasets", f"{', '.join(names)}: the files must hold `messages` rows, one a line")
    if draft.take("train_on_inputs", False):
        draft.refuse("train_on_inputs", "true", "only the assistant's words are learnt here")
    if draft.take("sample_packing", False):
        set_packing(draft, "sample_packing")
    kinds = {str(entry.get("type", "")).partition(".")[0] for entry in datasets}
    chosen = draft.take("chat_template")
    if chosen is None and kinds == {"alpaca"}:
        draft.change("datasets.type", "alpaca: our layout of that name; compare with --preview")
        return "alpaca"
    return template_of(draft, "chat_template", str(chosen or "tokenizer_default"), OWN_TEMPLATES)


def _numbers(draft: Draft) -> None:
    draft.set("max_tokens", draft.number("sequence_len", 2048, int), source="sequence_len")
    strategy = str(draft.take("excess_length_strategy", "drop"))
    if strategy not in {"drop", "raise"}:
        draft.change("excess_length_strategy", f"{strategy}: longer rows are dropped, and counted")
    draft.set("over_length", "error" if strategy == "raise" else "drop", source="sequence_len")
    set_batch(draft, "micro_batch_size", micro=1, accumulation=1)
    rate = draft.number("learning_rate", None)
    if rate is None:
        draft.refuse("learning_rate", "(none)", "axolotl asks for it")
    draft.set("learning_rate", rate, source="learning_rate")
    draft.set("epochs", draft.number("num_epochs", 1, int), source="num_epochs")
    steps = draft.number("max_steps", -1, int)
    if steps > 0:
        draft.refuse("max_steps", steps, "the length is given in epochs here")
    set_schedule(draft, "lr_scheduler", "cosine")
    draft.set("weight_decay", draft.number("weight_decay", 0.0), source="weight_decay")
    draft.set("clip", draft.number("max_grad_norm", 1.0), source="max_grad_norm")
    draft.set("seed", draft.number("seed", 42, int), source="seed")
    set_heldout(draft, "val_set_size")
    if draft.take("fp16", False):
        draft.refuse("fp16", "true", "the trainer has bfloat16 and float32")
    is_bf16 = draft.take("bf16", "auto")
    draft.set(
        "dtype", "bfloat16" if is_bf16 in (True, "auto", "full") else "float32", source="bf16"
    )
    optimizer = str(draft.take("optimizer", "adamw_torch_fused"))
    plain = {
        "adamw_torch": "adamw",
        "adamw_torch_fused": "adamw",
        "adamw_bnb_8bit": "adamw_8bit",
        "paged_adamw_32bit": "paged_adamw",
    }
    draft.set("optimizer", plain.get(optimizer, optimizer), source="optimizer")
    is_on = bool(draft.take("gradient_checkpointing", False))
    set_checkpointing(draft, "gradient_checkpointing", is_on=is_on)
    noise = draft.number("neftune_noise_alpha", None)
    if noise is not None:
        draft.set("neftune", noise, source="neftune_noise_alpha")


def _tokens(draft: Draft) -> None:
    """A padding token changes nothing; other special tokens change what ends an answer."""
    special: Any = draft.take("special_tokens", {})
    others = {k: v for k, v in dict(special).items() if k != "pad_token" and v}
    if others:
        listed = ", ".join(f"{key} {value!r}" for key, value in others.items())
        draft.change("special_tokens", f"{listed}: the tokenizer's own are used")
    elif special:
        draft.values["special_tokens"] = special
        draft.ignore(("special_tokens",), "padding is masked by length")
