"""What software keeps in memory while it trains, as named sets of switches.

Two programs that train the same adapter differ by gigabytes, and for reasons that have names: how
often the logits are copied, in what precision adapters live, whether there is a master copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One piece of training software."""

    name: str
    about: str
    adapter_bytes: int = 4
    """Of a number in an adapter: PEFT keeps adapters in float32 beside a 16-bit base."""
    trains_in_float32: bool = False
    """Whether all that is trained is kept in float32: whole models and saved modules too."""
    autocast: bool = True
    """Whether matrix products of float32 values are done in 16 bits."""
    loss_bytes: int = 4
    """Of a number in the loss: float32, whatever the model computes in."""
    keeps_logits: bool = True
    """Whether the logits themselves live until the backward pass is through the loss."""
    loss_chunks: int = 1
    """Parts that the loss goes through one at a time."""
    master: bool = False
    """Whether fully trained 16-bit weights have float32 copies (ZeRO's 16 bytes a parameter)."""
    optimizer_copies: float = 1.0
    """Copies of the trained weights that an optimizer step makes meanwhile (foreach kernels)."""
    zero_stage: Literal[0, 1, 2, 3] = 0
    """DeepSpeed's, where the stack is used through it even on one device."""
    bucket_bytes: float = 0.0
    """Buffers in which gradients are reduced: DeepSpeed's 2e8 numbers, twice with overlap_comm."""
    attention: Literal["eager", "sdpa", "flash"] = "sdpa"


_DEEPSPEED_BUCKETS = 2 * 2e8 * 2

_ALL = (
    Stack(
        name="tunemark",
        about="Tunemark's trainer: what is trained is float32, bf16 autocast, logits let go before "
        "the backward pass",
        trains_in_float32=True,
        keeps_logits=False,
    ),
    Stack(
        name="transformers",
        about="transformers' Trainer or TRL with PEFT, since 2024: float32 adapters beside a bf16 "
        "model",
        autocast=False,
    ),
    Stack(
        name="transformers-2023",
        about="transformers' Trainer with PEFT before 0.12: adapters in 16 bits",
        adapter_bytes=2,
    ),
    Stack(
        name="deepspeed-fp16",
        about="DeepSpeed ZeRO-2 in pure fp16, as for GPTQ models: the loss too; adapters with "
        "float32 masters",
        adapter_bytes=2,
        loss_bytes=2,
        master=True,
        zero_stage=2,
        bucket_bytes=_DEEPSPEED_BUCKETS,
    ),
    Stack(
        name="amp",
        about="mixed precision with float32 masters: ZeRO's 16 bytes a parameter",
        master=True,
    ),
    Stack(
        name="deepspeed",
        about="DeepSpeed ZeRO-3 in bf16: 16 bytes a parameter, partitioned, buffers to gather them",
        adapter_bytes=2,
        master=True,
        zero_stage=3,
        bucket_bytes=_DEEPSPEED_BUCKETS,
    ),
    Stack(
        name="torchtune",
        about="torchtune: everything in bf16, the loss in eight chunks",
        adapter_bytes=2,
        autocast=False,
        loss_chunks=8,
    ),
)

STACKS: Mapping[str, Stack] = {stack.name: stack for stack in _ALL}
