"""Read a LoRA adapter folder and refuse one that does not fit its base or its engine."""

from __future__ import annotations

import json
from pathlib import Path

from harness.digest import files_digest
from harness.errors import AdapterError
from harness.models import ModelSource
from harness.types import Adapter

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PARITY = "parity.json"
"""Prompt token ids as the trainer saw them: proof of one template (see harness/parity.py)."""


def load_adapter(name: str, folder: Path, model: ModelSource, *, max_rank: int) -> Adapter:
    """Check an adapter against its base and return it.

    Raises:
        AdapterError: no adapter here, made for another base, or its rank is above the engine's.
    """
    for file in (CONFIG, WEIGHTS):
        if not (folder / file).is_file():
            raise AdapterError(f"{folder}: no {file}; give the folder of a PEFT LoRA adapter")
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise AdapterError(f"{folder / CONFIG}: not valid JSON: {error}") from None
    if not isinstance(config, dict):
        raise AdapterError(f"{folder / CONFIG}: expected a JSON object")
    if config.get("peft_type") != "LORA":
        raise AdapterError(f"{folder}: a {config.get('peft_type')} adapter; only LORA is served")
    ranks = [int(config.get("r", 0)), *map(int, (config.get("rank_pattern") or {}).values())]
    if max(ranks) > max_rank:
        raise AdapterError(
            f"{folder}: rank {max(ranks)} is above {max_rank}, the engine's limit; "
            "train with a lower rank or merge the adapter"
        )
    _check_shapes(folder, model)
    return Adapter(
        name=name,
        path=folder,
        digest=files_digest(folder, [CONFIG, WEIGHTS]),
        rank=max(ranks),
    )


def _check_shapes(folder: Path, model: ModelSource) -> None:
    """Compare the adapter's matrices with the base's, reading only the files' headers."""
    ours = _shapes(folder / WEIGHTS)
    base: dict[str, list[int]] = {}
    for file in model.path.glob("*.safetensors"):
        base |= _shapes(file)
    if not base:  # weights in another format: their shapes cannot be read without torch
        return
    for name, shape in ours.items():
        if ".lora_A." not in name:
            continue
        layer = name.removeprefix("base_model.model.").split(".lora_A.")[0] + ".weight"
        if layer not in base or (len(base[layer]) == 2 and base[layer][1] != shape[1]):
            found = f"has {base[layer]}" if layer in base else "has no such layer"
            raise AdapterError(
                f"{folder}: made for another base: {layer} takes {shape[1]} inputs here, "
                f"{model.name} {found}"
            )


def _shapes(file: Path) -> dict[str, list[int]]:
    """Return the tensor shapes in a safetensors file: 8 bytes of length, then a JSON header."""
    try:
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if size > file.stat().st_size:  # such as a Git LFS pointer
                raise ValueError("it is cut off, or something else")
            header = json.loads(stream.read(size))
        return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise AdapterError(f"{file}: not a readable safetensors file: {error}") from None
