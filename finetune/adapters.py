"""Attach LoRA to a base model, and save it so that equal weights give equal files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model

from finetune.config import LoraSettings
from harness.adapters import CONFIG
from harness.errors import ConfigError


def attach_lora(model: Any, settings: LoraSettings) -> PeftModel:
    """Freeze the base and add trainable low-rank updates, in float32.

    Raises:
        ConfigError: `targets` names no layer of this model.
    """
    targets = settings.targets
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.r,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        use_rslora=settings.rslora,
    )
    try:
        return get_peft_model(model, config)  # pyright: ignore[reportReturnType]
    except ValueError as error:
        raise ConfigError(f"lora.targets: {str(error).splitlines()[0]}") from None


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write adapter_config.json and adapter_model.safetensors, with sorted keys and lists."""
    model.save_pretrained(str(folder))
    file = folder / CONFIG
    config = json.loads(file.read_text(encoding="utf-8"))
    for key in ("target_modules", "modules_to_save", "exclude_modules"):
        if isinstance(config.get(key), list):
            config[key] = sorted(config[key])
    # Where the base lay when it was trained says nothing about the adapter.
    config["base_model_name_or_path"] = Path(config["base_model_name_or_path"]).name
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o644)
    (folder / "README.md").unlink(missing_ok=True)
