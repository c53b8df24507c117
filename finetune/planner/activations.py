"""Bytes that the forward pass keeps for the backward pass, counted operation by operation.

For Llama-like layers as transformers writes them (RMSNorm in float32, rotary embeddings, SwiGLU).
Frozen weights need no input for their gradient, so LoRA on few layers keeps less; a float32
adapter beside a 16-bit base keeps a cast copy of its input. The formulas of Korthikanti et al.
(2022) are for GPT layers with all weights trained; with gated MLPs and grouped heads they are
derived anew here.
"""

from __future__ import annotations

from dataclasses import dataclass

from finetune.planner.architecture import Architecture, Matrix
from finetune.planner.shape import TrainingShape, adapted


@dataclass(frozen=True, slots=True, kw_only=True)
class Activations:
    """Bytes at the two moments that can be the peak of a forward and backward pass."""

    saved: float
    """Kept over all layers until the loss: everything, or with checkpointing each layer's input."""
    live: float
    """Additional, while one layer goes backward."""
    logits: float
    """At the loss: logits, copies and gradient."""
    weight_copies: float = 0.0
    """16-bit copies of float32 weights, which autocast makes and the backward pass needs."""

    @property
    def peak(self) -> float:
        """The larger of the two moments."""
        return self.saved + self.weight_copies + max(self.live, self.logits)


def activations_of(architecture: Architecture, shape: TrainingShape) -> Activations:
    """Return the activations of one forward and backward pass."""
    tokens = shape.n_tokens
    width, layers = architecture.width, architecture.n_layers
    layer = layer_bytes(architecture, shape) * tokens
    backward = _gradient_bytes(architecture, shape) * tokens
    ends = (_residual_bytes(shape) + 4 + value_bytes(shape)) * width * tokens
    if shape.checkpointing:
        saved = layers * _residual_bytes(shape) * width * tokens + ends
        live = layer + backward
    else:
        saved = layers * layer + ends
        live = backward
    is_copied = shape.method == "full" and shape.weights != "float32" and not shape.checkpointing
    multiplied = architecture.matrix_parameters + architecture.embedding_parameters
    return Activations(
        saved=saved,
        live=live,
        logits=logit_bytes(architecture, shape),
        weight_copies=2.0 * multiplied if is_copied and shape.is_float32_trained else 0.0,
    )


def layer_bytes(architecture: Architecture, shape: TrainingShape) -> float:
    """Return what one layer keeps for one token."""
    return (
        _norm_bytes(architecture, shape)
        + _attention_bytes(architecture, shape)
        + _mlp_bytes(architecture, shape)
        + _input_bytes(architecture, shape)
        + _dora_bytes(architecture, shape)
    )


def logit_bytes(architecture: Architecture, shape: TrainingShape) -> float:
    """Return the bytes at the loss, when the backward pass goes through it.

    Log-probabilities, the gradient of the picked ones and the gradient of the logits, and the
    logits where something still holds them: 4 + 4 + 4 + 2 beside a 16-bit model. A loss in chunks
    has the two gradients of one chunk only, and 16-bit ones of all.
    """
    stack, c = shape.stack, value_bytes(shape)
    kept = c if stack.keeps_logits else 0
    if stack.loss_chunks > 1:
        each = kept + stack.loss_bytes + c + 2 * stack.loss_bytes / stack.loss_chunks
    else:
        each = kept + 3 * stack.loss_bytes
    return each * architecture.vocabulary * shape.n_tokens * shape.loss_share


def value_bytes(shape: TrainingShape) -> int:
    """Return the bytes of a number between layers' operations."""
    return 4 if shape.weights == "float32" else 2


def _residual_bytes(shape: TrainingShape) -> int:
    is_wide = shape.method == "full" and shape.is_float32_trained
    return 4 if is_wide or shape.weights == "float32" else 2


def _norm_bytes(architecture: Architecture, shape: TrainingShape) -> float:
    """RMSNorm keeps its input in float32, and the normalised values where its weight is trained."""
    each = 4 * architecture.width
    if shape.method == "full":
        each += value_bytes(shape) * architecture.width
    heads = 0
    if architecture.family in {"qwen3", "qwen3_moe", "gemma3_text", "olmo2"}:
        heads = 4 * (architecture.n_heads + architecture.n_kv_heads) * architecture.head_width
    return architecture.n_norms * each + heads


def _attention_bytes(architecture: Architecture, shape: TrainingShape) -> float:
    """Queries, keys, values and output; outside flash attention keys stand once for each head."""
    query = architecture.n_heads * architecture.head_width
    kv = architecture.n_kv_heads * architecture.head_width
    c = value_bytes(shape)
    if shape.attention == "flash":
        return c * (2 * query + 2 * kv) + 4 * architecture.n_heads
    kept = c * 4 * query + 4 * architecture.n_heads
    if shape.attention == "eager":  # float32 probabilities and, in 16 bits, those multiplied
        kept += architecture.n_heads * shape.sequence * (4 + (c if c == 2 else 0))
    return kept


def _mlp_bytes(architecture: Architecture, shape: TrainingShape) -> float:
    """Gate, its activation and the other branch; experts have their tokens copied to them."""
    c = value_bytes(shape)
    kept = 3.0 * c * architecture.mlp_width
    if architecture.active_experts:
        kept += 2.0 * c * architecture.active_experts * architecture.width
        kept += 8.0 * architecture.n_router_outputs
    return kept


def _input_bytes(architecture: Architecture, shape: TrainingShape) -> float:
    """Inputs of trained or adapted matrices; those into attention and MLP are shared."""
    c = value_bytes(shape)
    if shape.method == "full":
        return c * (2 * architecture.width + architecture.mlp_width)
    n_layers = architecture.n_layers
    is_cast = shape.stack.adapter_bytes == 4 and shape.weights != "float32"
    kept = 0.0
    shared: set[tuple[str, int]] = set()
    for matrix in adapted(architecture, shape.targets):
        share = _active(matrix, architecture) / n_layers
        if is_cast:
            kept += share * matrix.n_in * (2 if shape.stack.autocast else 4)
        elif (matrix.part, matrix.n_in) not in shared and not _is_attention_output(matrix):
            shared.add((matrix.part, matrix.n_in))
            kept += share * matrix.n_in * c
        kept += (
            share * shape.rank * matrix.rank_factor * (shape.stack.adapter_bytes if is_cast else c)
        )
    return kept


def _active(matrix: Matrix, architecture: Architecture) -> int:
    """Return how many work on one token, over all layers."""
    return len(matrix.layers) * (architecture.active_experts if matrix.copies > 1 else 1)


def _is_attention_output(matrix: Matrix) -> bool:
    """Its input, the heads' result, is kept by the attention itself."""
    return matrix.part == "attention" and matrix.name in {"o_proj", "dense", "c_proj"}


def _dora_bytes(architecture: Architecture, shape: TrainingShape) -> float:
    """DoRA keeps each adapted layer's result and the update's, for the magnitudes' gradient."""
    if not shape.dora or shape.method == "full":
        return 0.0
    c = value_bytes(shape)
    update = 4 if not shape.stack.autocast or c == 4 else c
    sides = sum(_active(m, architecture) * m.n_out for m in adapted(architecture, shape.targets))
    return sides / architecture.n_layers * (c + update)


def _gradient_bytes(architecture: Architecture, shape: TrainingShape) -> float:
    """Return the gradients that one layer holds at once on its way back, for one token."""
    c = value_bytes(shape)
    mlp = (3 if architecture.is_gated else 2) * architecture.mlp_width
    return c * (mlp + 2 * architecture.width) + 4 * architecture.width
