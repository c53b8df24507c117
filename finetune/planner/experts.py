"""Matrices of layers with experts (mixture of experts)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetune.planner.architecture import Matrix
from finetune.planner.layouts import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What the matrices of experts are made of."""

    width: int
    mlp_width: int
    layers: tuple[int, ...]
    """Numbers of the layers with experts."""


def expert_matrices(
    config: Mapping[str, Any], layout: Layout, sizes: Sizes, prefix: str
) -> list[Matrix]:
    """Return experts, router and shared expert, as transformers keeps them: experts in one tensor.

    Args:
        config: The model's config.json.
        layout: Its family's.
        sizes: Its sizes.
        prefix: Module path of the MLP.
    """
    n, width = n_experts(config), sizes.width
    inner = int(config.get("moe_intermediate_size") or sizes.mlp_width)
    found = [
        Matrix(
            path=f"{prefix}.experts.{name}",
            n_in=n_in,
            n_out=n_out,
            layers=sizes.layers,
            copies=n,
            part="expert",
            is_linear=False,
            adapter_path=f"{prefix}.experts{inside}" if layout.adapts_experts else None,
            rank_factor=factor,
        )
        for name, n_in, n_out, inside, factor in (
            ("gate_up_proj", width, 2 * inner, ".base_layer", 2),
            ("down_proj", inner, width, "", 1),
        )
    ]
    router = Matrix(
        path=f"{prefix}.gate",
        n_in=width,
        n_out=n,
        layers=sizes.layers,
        part="router",
        is_linear=False,
        adapter_path=f"{prefix}.gate" if layout.adapts_experts else None,
    )
    return [*found, router, *_shared(config, sizes, prefix)]


def _shared(config: Mapping[str, Any], sizes: Sizes, prefix: str) -> list[Matrix]:
    shared = int(config.get("shared_expert_intermediate_size") or 0)
    if not shared:
        return []
    table = {
        "shared_expert.gate_proj": (sizes.width, shared),
        "shared_expert.up_proj": (sizes.width, shared),
        "shared_expert.down_proj": (shared, sizes.width),
        "shared_expert_gate": (sizes.width, 1),
    }
    return [
        Matrix(path=f"{prefix}.{name}", n_in=a, n_out=b, layers=sizes.layers, part="mlp")
        for name, (a, b) in table.items()
    ]


def expert_layers(config: Mapping[str, Any], layout: Layout) -> tuple[int, ...]:
    """Return the numbers of the layers that have experts."""
    n = int(config.get("num_hidden_layers", 0))
    if layout.moe == "mixtral":
        return tuple(range(n))
    if layout.moe == "qwen" and n_experts(config):
        step = int(config.get("decoder_sparse_step") or 1)
        dense: set[int] = set(config.get("mlp_only_layers") or ())
        return tuple(i for i in range(n) if i not in dense and (i + 1) % step == 0)
    return ()


def n_experts(config: Mapping[str, Any]) -> int:
    """Return how many experts a layer has, 0 without."""
    return int(config.get("num_local_experts") or config.get("num_experts") or 0)


def top_k(config: Mapping[str, Any]) -> int:
    """Return how many of them work on a token."""
    return int(config.get("num_experts_per_tok") or 0)


def active_width(config: Mapping[str, Any], experts: tuple[int, ...], dense: int) -> int:
    """Return the values between the MLP's matrices for one token, all active experts together."""
    if not experts:
        return dense
    inner = int(config.get("moe_intermediate_size") or dense)
    return top_k(config) * inner + int(config.get("shared_expert_intermediate_size") or 0)
