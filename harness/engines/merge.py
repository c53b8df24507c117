"""Add a LoRA adapter to a copy of its base: W' = W + (α/r)·B·A."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from harness.types import Adapter


def merge_adapter(base: Path, adapter: Adapter, out: Path, *, dtype: str) -> None:
    """Write the merged model to `out`; the sum is done in float32 and stored as `dtype`."""
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    merged = PeftModel.from_pretrained(model, str(adapter.path)).merge_and_unload()
    temporary = out.with_name(out.name + ".part")
    merged.to(getattr(torch, dtype)).save_pretrained(temporary)
    temporary.replace(out)
