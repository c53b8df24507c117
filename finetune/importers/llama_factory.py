"""LLaMA-Factory's training YAML (examples/train_lora, train_qlora, train_full)."""

from __future__ import annotations

import json
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
    "llama2", "llama3", "llama4", "qwen", "qwen3", "qwen3_nothink", "mistral", "ministral", "gemma",
    "gemma2", "gemma3", "phi", "phi_small", "phi4", "chatglm2", "chatglm3", "glm4", "yi", "deepseek",
    "deepseek3", "baichuan2", "internlm2", "granite3", "smollm", "smollm2", "olmo", "zephyr",
    "command_r", "cohere", "falcon", "minicpm", "hunyuan",
)  # fmt: skip
"""Its templates that restate a chat model's own."""
STAGES = {"sft": "sft", "pt": "cpt", "dpo": "dpo", "kto": "kto"}
OTHER_TRAINING: Mapping[str, str] = dict.fromkeys(
    (
        "use_galore", "use_apollo", "use_badam", "use_adam_mini", "use_muon", "use_llama_pro", "use_dft_loss", "use_asft_loss", "use_eaft_loss", "shift_attn",
        "mixture_of_depths", "resize_vocab", "add_tokens", "add_special_tokens", "new_special_tokens",
        "rope_scaling", "adapter_name_or_path", "freeze_trainable_layers", "ref_model",
        "reward_model", "fp8",
    ),
    "it changes what is trained, and the trainer does not have it",
)  # fmt: skip
NO_EFFECT = (
    "do_train", "do_eval", "do_predict", "trust_remote_code", "overwrite_cache", "output_dir",
    "preprocessing_num_workers", "dataloader_num_workers", "logging_steps", "save_steps", "plot_loss",
    "overwrite_output_dir", "save_only_model", "report_to", "run_name", "ddp_timeout", "save_strategy",
    "per_device_eval_batch_size", "eval_strategy", "eval_steps", "eval_dataset", "flash_attn",
    "save_total_limit", "resume_from_checkpoint", "cache_dir", "hub_model_id", "push_to_hub",
    "tokenized_path", "include_num_input_tokens_seen", "low_cpu_mem_usage", "print_param_status",
    "upcast_layernorm", "use_unsloth", "enable_liger_kernel", "use_kv_cache", "streaming",
    "buffer_size", "quantization_method", "disable_shuffling", "logging_dir", "use_cache",
    "use_fast_tokenizer", "split_special_tokens", "ray_run_name", "ray_storage_path",
    "ray_num_workers", "placement_strategy", "resources_per_worker", "double_quantization",
    "ddp_find_unused_parameters", "group_by_length", "dataset_dir", "use_reentrant_gc", "use_unsloth_gc",
)  # fmt: skip
DEVICES = ("deepspeed", "fsdp", "fsdp_config")


def import_llama_factory(file: Path) -> Imported:
    """Return our settings for a LLaMA-Factory file.

    Its own defaults hold where a key is missing (5e-5, cutoff 2048, rank 8, alpha twice the rank).

    Raises:
        ConfigError: a value would train something else here.
    """
    draft = load_draft(file)
    stage = str(draft.take("stage", "sft"))
    if stage not in STAGES:
        draft.refuse("stage", stage, "the trainer has no such stage")
    draft.set("stage", STAGES[stage], source="stage")
    draft.refuse_if_on(OTHER_TRAINING)
    _method(draft)
    _data(draft)
    _numbers(draft)
    own = str(draft.take("template", "default"))
    template = "tokenizer" if stage == "pt" else template_of(draft, "template", own, OWN_TEMPLATES)
    draft.ignore(NO_EFFECT, "no effect on what is learnt")
    draft.ignore(DEVICES, "how devices share the work is said to the launcher")
    return draft.finish(model=draft.take("model_name_or_path"), template=template)


def _method(draft: Draft) -> None:
    kind = str(draft.take("finetuning_type", "lora"))
    bits = draft.number("quantization_bit", None, int)
    method = {"lora": "lora", "full": "full"}.get(kind)
    if method is None:
        draft.refuse("finetuning_type", kind, "the trainer has lora and full")
    if bits is not None:
        if bits != 4 or kind != "lora":
            draft.refuse("quantization_bit", bits, "the base is trained over in 4 bits or in 16")
        method = "qlora"
    if draft.take("use_dora", False):
        if method == "qlora":
            draft.refuse("use_dora", "true", "DoRA over a 4-bit base is not offered")
        method = "dora"
    draft.set("method", method, source="finetuning_type")
    if kind != "lora":
        lora = ("lora_rank", "lora_alpha", "lora_dropout", "lora_target")
        draft.ignore(lora, "not used by full training")
        return
    rank = draft.number("lora_rank", 8, int)
    draft.set("lora.r", rank, source="lora_rank")
    alpha = draft.number("lora_alpha", 2 * rank, int)
    draft.set("lora.alpha", alpha, source="lora_alpha")
    draft.set("lora.dropout", draft.number("lora_dropout", 0.0), source="lora_dropout")
    draft.set("lora.rslora", bool(draft.take("use_rslora", False)), source="use_rslora")
    targets = _names(draft.take("lora_target", "all"))
    draft.set("lora.targets", "all-linear" if targets == ["all"] else targets, source="lora_target")
    for key, name in (
        ("additional_target", "lora.modules_to_save"),
        ("loraplus_lr_ratio", "lora.plus_ratio"),
    ):
        value = draft.take(key)
        if value is not None:
            draft.set(name, _names(value) if key.startswith("add") else value, source=key)
    if draft.take("pissa_init", False):
        draft.set("lora.init", "pissa", source="pissa_init")


def _data(draft: Draft) -> None:
    names = _names(draft.take("dataset", []))
    if not names:
        draft.refuse("dataset", "(none)", "it names no data")
    folder = str(draft.values.get("dataset_dir") or "data")
    catalogue = _catalogue(draft.where.parent / folder / "dataset_info.json")
    draft.set("data", [_data_file(name, catalogue, folder) for name in names], source="dataset")
    draft.change("dataset", f"{', '.join(names)}: the files must hold `messages` rows, one a line")
    most = draft.number("max_samples", None, int)
    if most is not None:
        if len(names) > 1:
            each = "of each dataset there; here of all together"
            draft.change("max_samples", f"{most} {each}: {most * len(names)} is set")
        draft.set("max_rows", most * len(names), source="max_samples")
    if str(draft.take("mix_strategy", "concat")) != "concat":
        draft.refuse("mix_strategy", "interleave", "mix the files first, with `tunemark data mix`")
    draft.ignore(("interleave_probs",), "only used when interleaving")
    is_packed, is_neat = draft.take("packing", False), draft.take("neat_packing", False)
    if is_packed or is_neat:
        set_packing(draft, "packing")
    if draft.take("train_on_prompt", False):
        draft.refuse("train_on_prompt", "true", "only the assistant's words are learnt here")
    if draft.take("mask_history", False):
        draft.set("train_on", "last", source="mask_history")


def _numbers(draft: Draft) -> None:
    draft.set("max_tokens", draft.number("cutoff_len", 2048, int), source="cutoff_len")
    draft.change("cutoff_len", "longer rows are cut there; here they are dropped, and counted")
    set_batch(draft, "per_device_train_batch_size", micro=8, accumulation=8)
    rate = draft.number("learning_rate", 5e-5)
    draft.set("learning_rate", rate, source="learning_rate")
    draft.set("epochs", draft.number("num_train_epochs", 3, int), source="num_train_epochs")
    steps = draft.number("max_steps", -1, int)
    if steps > 0:
        draft.refuse("max_steps", steps, "the length is given in epochs here")
    set_schedule(draft, "lr_scheduler_type", "linear")
    draft.set("weight_decay", draft.number("weight_decay", 0.0), source="weight_decay")
    draft.set("clip", draft.number("max_grad_norm", 1.0), source="max_grad_norm")
    draft.set("seed", draft.number("seed", 42, int), source="seed")
    set_heldout(draft, "val_size")
    _precision(draft)
    optimizer = str(draft.take("optim", "adamw_torch"))
    plain = {"adamw_torch": "adamw", "adamw_torch_fused": "adamw", "adamw_8bit": "adamw_8bit"}
    draft.set("optimizer", plain.get(optimizer, optimizer), source="optim")
    noise = draft.number("neftune_noise_alpha", None)
    if noise is not None:
        draft.set("neftune", noise, source="neftune_noise_alpha")
    is_off = draft.take("disable_gradient_checkpointing", False)
    set_checkpointing(draft, "disable_gradient_checkpointing", is_on=not is_off)


def _precision(draft: Draft) -> None:
    is_bf16 = bool(draft.take("bf16", False)) or bool(draft.take("pure_bf16", False))
    draft.take("pure_bf16")
    if draft.take("fp16", False):
        draft.refuse("fp16", "true", "the trainer has bfloat16 and float32")
    draft.set("dtype", "bfloat16" if is_bf16 else "float32", source="bf16")


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(part) for part in value]


def _catalogue(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _data_file(name: str, catalogue: dict[str, Any], folder: str) -> str:
    entry = catalogue.get(name)
    if isinstance(entry, dict) and isinstance(entry.get("file_name"), str):
        return f"{folder}/{entry['file_name']}"
    return f"{name}.jsonl"
