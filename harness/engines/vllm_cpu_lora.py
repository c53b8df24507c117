"""Correct and speed up multi-LoRA in vLLM's CPU build.

Upstream's CPU kernels index the adapter stack with -1 for rows without an adapter, so base
requests silently get the *last* slot's weights (vllm pull requests 48421 and 49656), and they
gather one weight matrix per token (7× slower than needed). These three functions do one plain
matmul per distinct adapter and skip rows without one.

`install` replaces the upstream functions only where they are known: on the CPU platform and for
the vLLM versions named below. Elsewhere `VllmEngine` keeps a spare empty slot, which avoids the
wrong answers at upstream's speed.
"""

from __future__ import annotations

import importlib

import torch
from vllm import __version__ as vllm_version
from vllm.platforms import current_platform

KNOWN_VERSIONS = ("0.32.",)


def is_known() -> bool:
    """Tell whether this is a CPU build whose kernels can be replaced."""
    return current_platform.is_cpu() and vllm_version.startswith(KNOWN_VERSIONS)


def install() -> bool:
    """Replace the CPU kernels; return False where this build is not one we know."""
    if not is_known():
        return False
    for module_name in ("vllm.lora.ops.torch_ops.lora_ops", "vllm.lora.punica_wrapper.punica_cpu"):
        module = importlib.import_module(module_name)
        for function in (bgmv_shrink, bgmv_expand, bgmv_expand_slice):
            setattr(module, function.__name__, function)
    return True


def bgmv_shrink(
    inputs: torch.Tensor,
    lora_b_weights: torch.Tensor,
    output_tensor: torch.Tensor,
    lora_indices_tensor: torch.Tensor,
    scaling: float = 1.0,
) -> None:
    """Write scaling · x·Aᵀ; inputs [tokens, in], weights [slots, (1,) rank, in]."""
    rows_of = _rows_by_slot(lora_indices_tensor, inputs.shape[0])
    rank = lora_b_weights.shape[-2]
    output_tensor[: inputs.shape[0], :rank] = 0
    for slot, rows in rows_of:
        weight = _slot_weight(lora_b_weights, slot, output_tensor.dtype)
        output_tensor[rows, :rank] = scaling * (inputs[rows].to(output_tensor.dtype) @ weight.T)


def bgmv_expand(
    inputs: torch.Tensor,
    lora_b_weights: torch.Tensor,
    output_tensor: torch.Tensor,
    lora_indices_tensor: torch.Tensor,
    add_inputs: bool = True,
) -> None:
    """Add (or write) h·Bᵀ; inputs [tokens, rank], weights [slots, (1,) out, rank]."""
    width = min(lora_b_weights.shape[-2], output_tensor.shape[1])
    bgmv_expand_slice(
        inputs, lora_b_weights, output_tensor, lora_indices_tensor, 0, width, add_inputs
    )


def bgmv_expand_slice(
    inputs: torch.Tensor,
    lora_b_weights: torch.Tensor,
    output_tensor: torch.Tensor,
    lora_indices_tensor: torch.Tensor,
    slice_offset: int,
    slice_size: int,
    add_inputs: bool = True,
) -> None:
    """Add (or write) h·Bᵀ into columns [slice_offset, slice_offset + slice_size)."""
    columns = slice(slice_offset, slice_offset + slice_size)
    if not add_inputs:
        output_tensor[: inputs.shape[0], columns] = 0
    for slot, rows in _rows_by_slot(lora_indices_tensor, inputs.shape[0]):
        weight = _slot_weight(lora_b_weights, slot, output_tensor.dtype)[:slice_size]
        output_tensor[rows, columns] += inputs[rows].to(output_tensor.dtype) @ weight.T


def _rows_by_slot(indices: torch.Tensor, n_tokens: int) -> list[tuple[int, torch.Tensor | slice]]:
    """Group token rows by adapter slot; negative slots mean "no adapter"."""
    indices = indices[:n_tokens]
    slots = [slot for slot in torch.unique(indices).tolist() if slot >= 0]
    if len(slots) == 1 and bool((indices == slots[0]).all()):
        return [(slots[0], slice(0, len(indices)))]
    return [(slot, (indices == slot).nonzero(as_tuple=True)[0]) for slot in slots]


def _slot_weight(weights: torch.Tensor, slot: int, dtype: torch.dtype) -> torch.Tensor:
    weight = weights[slot]
    return (weight.squeeze(0) if weight.dim() == 3 else weight).to(dtype)
