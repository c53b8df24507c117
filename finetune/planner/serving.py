"""Memory of a server: weights, and what is left for the KV cache."""

from __future__ import annotations

from dataclasses import dataclass

from finetune.planner.architecture import Architecture
from finetune.planner.states import BYTES

UTILISATION = 0.9
"""Share of the GPU that vLLM takes (gpu_memory_utilization)."""
BLOCK_TOKENS = 16
"""vLLM's cache is cut into blocks of so many tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPlan:
    """How many tokens and requests a server can hold."""

    weight_bytes: float
    working_bytes: float
    """Activations of a prefill, CUDA context."""
    cache_bytes: float
    bytes_per_token: int
    tokens: int
    """That the KV cache can hold."""
    requests: int
    """Of full length, at once."""
    length: int
    """Tokens of such a request."""


def kv_bytes_per_token(architecture: Architecture, cache_bytes: int = 2) -> int:
    """Return the KV cache's bytes for a token: 2 × layers × KV heads × head width × bytes.

    Sliding-window layers keep no more than their window; here they count in full.
    """
    return architecture.kv_values_per_token * cache_bytes


def kv_bytes(architecture: Architecture, length: int, cache_bytes: int = 2) -> int:
    """Return the cache of one request of `length` tokens, windows respected."""
    each = 2 * architecture.n_kv_heads * architecture.head_width * cache_bytes
    sliding = architecture.sliding_layers if architecture.window else 0
    short = min(length, architecture.window or length)
    return each * ((architecture.n_layers - sliding) * length + sliding * short)


def serving_plan(
    architecture: Architecture,
    gpu: float,
    *,
    length: int,
    weights: str = "bfloat16",
    cache_bytes: int = 2,
    gpus: int = 1,
    adapters: int = 0,
    rank: int = 16,
    context_bytes: float = 0.8e9,
) -> ServingPlan:
    """Return what fits on GPUs of `gpu` bytes, side by side in tensor parallel.

    Args:
        architecture: The model.
        gpu: Bytes of one.
        length: Tokens of a request, prompt and answer.
        weights: How they are kept.
        cache_bytes: Of a number in the cache: 2, or 1 for fp8.
        gpus: How many.
        adapters: LoRA adapters held at once, on all linear layers.
        rank: Theirs.
        context_bytes: CUDA context of each GPU.
    """
    width = BYTES[weights]
    if weights in {"float32", "float16", "bfloat16"}:
        weight_bytes = architecture.n_parameters * width
    else:
        linear = architecture.linear_parameters
        weight_bytes = linear * width + 2.0 * (architecture.n_parameters - linear)
    lora = sum(m.count * (m.n_in + m.n_out) for m in architecture.matrices if m.is_linear)
    weight_bytes += 2.0 * adapters * rank * lora
    prefill = min(8192, max(2048, length))
    working = prefill * (2.0 * (architecture.mlp_width * 3 + 4 * architecture.width))
    working += 256 * architecture.vocabulary * 4.0 + context_bytes * gpus
    cache = max(0.0, UTILISATION * gpu * gpus - weight_bytes - working)
    each = kv_bytes_per_token(architecture, cache_bytes)
    tokens = int(cache // each) // BLOCK_TOKENS * BLOCK_TOKENS
    padded = -(-length // BLOCK_TOKENS) * BLOCK_TOKENS
    return ServingPlan(
        weight_bytes=weight_bytes,
        working_bytes=working,
        cache_bytes=cache,
        bytes_per_token=each,
        tokens=tokens,
        requests=int(cache // kv_bytes(architecture, padded, cache_bytes)),
        length=length,
    )
