"""The matrices of a decoder-only transformer, counted from its config.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Part = Literal["attention", "mlp", "expert", "router"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """One weight matrix, once for each layer that has it."""

    path: str
    """Module name; {layer} stands for the layer's number."""
    n_in: int
    n_out: int
    has_bias: bool = False
    layers: tuple[int, ...]
    """Numbers of the layers that have it."""
    copies: int = 1
    """In a layer: one for each expert."""
    part: Part = "mlp"
    is_linear: bool = True
    """Whether it is a linear layer of its own, which LoRA adapts by name and on "all-linear"."""
    adapter_path: str | None = None
    """Where PEFT keeps the adapter of a matrix that is no layer of its own, on "all-linear" only."""
    rank_factor: int = 1
    """Multiple of the rank there: PEFT gives two fused branches twice the rank."""

    @property
    def name(self) -> str:
        """Last part of the module name, by which LoRA targets are given."""
        return self.path.rpartition(".")[2]

    @property
    def count(self) -> int:
        """How many there are in the whole model."""
        return len(self.layers) * self.copies

    @property
    def n_parameters(self) -> int:
        """Of all of them, biases included."""
        return self.count * (self.n_in * self.n_out + self.n_out * self.has_bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """All that decides a model's memory."""

    family: str
    """`model_type` in config.json."""
    n_layers: int
    width: int
    """Of the residual stream."""
    vocabulary: int
    n_heads: int
    n_kv_heads: int
    head_width: int
    mlp_width: int
    """Of the values between the MLP's matrices, for one token: all active experts together."""
    is_gated: bool
    """Whether the MLP multiplies two branches (SwiGLU, GeGLU)."""
    has_tied_head: bool
    """Whether the output head is the embedding."""
    matrices: tuple[Matrix, ...]
    n_norms: int
    """Normalisations of the residual stream in a layer."""
    n_other: int
    """Parameters in norms, position embeddings and such."""
    embedding_path: str
    head_path: str
    context: int | None
    """Tokens it can read at once."""
    sliding_layers: int = 0
    """Layers that attend to the last `window` tokens only."""
    window: int | None = None
    n_positions: int = 0
    """Learnt position embeddings."""
    active_experts: int = 0
    """Experts that work on a token; 0 without experts."""
    n_router_outputs: int = 0

    @property
    def embedding_parameters(self) -> int:
        """Of the input embedding."""
        return self.vocabulary * self.width

    @property
    def head_parameters(self) -> int:
        """Of the output head where it is a matrix of its own."""
        return 0 if self.has_tied_head else self.vocabulary * self.width

    @property
    def matrix_parameters(self) -> int:
        """Of all matrices in the layers, biases included."""
        return sum(matrix.n_parameters for matrix in self.matrices)

    @property
    def linear_parameters(self) -> int:
        """Weights of linear layers, without biases: what quantisation to 4 bits shrinks."""
        return sum(m.count * m.n_in * m.n_out for m in self.matrices if m.is_linear)

    @property
    def n_parameters(self) -> int:
        """Of the whole model; a tied head counts once."""
        return (
            self.matrix_parameters + self.embedding_parameters + self.head_parameters + self.n_other
        )

    @property
    def kv_values_per_token(self) -> int:
        """Numbers that the KV cache keeps for a token, over all layers."""
        return 2 * self.n_layers * self.n_kv_heads * self.head_width
