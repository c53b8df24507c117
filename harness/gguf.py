"""Convert a GGUF file into a plain Hugging Face folder (safetensors + tokenizer + template).

Run as a process of its own (`python -m harness.gguf GGUF OUT`): conversion needs several times
the model's size in memory, and gives it all back at exit.
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def convert(gguf: Path, out: Path) -> None:
    """Write `out/{config.json, model.safetensors, tokenizer…}` in bfloat16."""
    folder, name = str(gguf.parent), gguf.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    source = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    # A model read from GGUF is dequantised but still marked as quantised, and then refuses to be
    # saved (transformers 5.19): copy the weights into a fresh one.
    config = copy.deepcopy(source.config)
    if hasattr(config, "quantization_config"):
        delattr(config, "quantization_config")
    config.architectures = [type(source).__name__]
    config.dtype = torch.bfloat16
    model: Any = type(source)(config)
    model.load_state_dict(source.state_dict())
    model.generation_config = copy.deepcopy(source.generation_config)
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    for file in out.iterdir():
        file.chmod(0o644)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
