"""Read an architecture out of a config.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.planner.architecture import Architecture, Matrix
from finetune.planner.experts import (
    Sizes,
    active_width,
    expert_layers,
    expert_matrices,
    n_experts,
    top_k,
)
from finetune.planner.layouts import ALWAYS, LANGUAGE_PARTS, LAYOUTS, Layout, Size
from harness.config import read_text
from harness.errors import ModelError
from harness.models import CONTEXT_NAMES

ALIASES: Mapping[str, tuple[str, ...]] = {
    "width": ("hidden_size", "n_embd"),
    "layers": ("num_hidden_layers", "n_layer", "num_layers"),
    "heads": ("num_attention_heads", "n_head"),
    "vocabulary": ("padded_vocab_size", "vocab_size"),
    "head_width": ("head_dim", "kv_channels"),
}

UNGROUPED = ("gpt2", "gpt_neox", "qwen", "baichuan")
"""Families in which every query head has its own keys."""


def read_architecture(file: Path) -> Architecture:
    """Return the architecture that a config.json (or a folder with one) describes.

    Raises:
        ModelError: no such file, not a model's config, or a family that is not known.
    """
    path = file / "config.json" if file.is_dir() else file
    try:
        value = json.loads(read_text(path, ModelError))
    except ValueError as error:
        raise ModelError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise ModelError(f"{path}: expected a model's config.json, an object")
    return architecture_of(value, where=str(path))


def architecture_of(config: Mapping[str, Any], *, where: str) -> Architecture:
    """Return the architecture that a config describes.

    Args:
        config: The content of config.json.
        where: For messages.

    Raises:
        ModelError: a size is missing, or the family is not known here nor to transformers.
    """
    family = config.get("model_type")
    if (
        isinstance(family, str)
        and family in LANGUAGE_PARTS
        and isinstance(config.get("text_config"), Mapping)
    ):
        config = {**config["text_config"], "model_type": LANGUAGE_PARTS[family]}
        family = config["model_type"]
    if not isinstance(family, str):
        raise ModelError(f"{where}: no `model_type`: this is not a model's config.json")
    if family not in LAYOUTS:
        from finetune.planner.meta import architecture_by_building

        return architecture_by_building(config, where=where)
    try:
        return _Reading(config, LAYOUTS[family], where).architecture()
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(f"{where}: a {family} model with sizes that cannot be: {error}") from None


class _Reading:
    """The sizes of one config, by the words that layouts use."""

    def __init__(self, config: Mapping[str, Any], layout: Layout, where: str) -> None:
        self._config = config
        self._layout = layout
        self._where = where
        self.width = self._size("width")
        self.n_layers = self._size("layers")
        self.n_heads = self._size("heads")
        self.head_width = self._optional("head_width") or layout.head_width or self._even_heads()
        self.n_kv_heads = self._kv_heads()
        self.mlp_width = self._mlp_width()

    def architecture(self) -> Architecture:
        layout, config = self._layout, self._config
        experts = expert_layers(config, layout)
        matrices = [
            *self._matrices(layout.attention, "attention", range(self.n_layers)),
            *self._mlp_matrices(experts),
        ]
        n_positions = int(config["n_positions"]) if config.get("model_type") == "gpt2" else 0
        window = config.get("sliding_window") if _uses_window(config) else None
        tied = config.get("tie_word_embeddings", layout.is_tied)
        return Architecture(
            family=str(config["model_type"]),
            n_layers=self.n_layers,
            width=self.width,
            vocabulary=self._size("vocabulary"),
            n_heads=self.n_heads,
            n_kv_heads=self.n_kv_heads,
            head_width=self.head_width,
            mlp_width=active_width(config, experts, self.mlp_width),
            is_gated=layout.is_gated,
            has_tied_head=bool(tied),
            matrices=tuple(matrices),
            n_norms=layout.norms,
            n_other=self._n_other(n_positions),
            embedding_path=layout.embedding,
            head_path=layout.head,
            context=_context(config),
            sliding_layers=_sliding_layers(config, self.n_layers) if window else 0,
            window=window,
            n_positions=n_positions,
            active_experts=top_k(config) if experts else 0,
            n_router_outputs=n_experts(config) if experts else 0,
        )

    def _matrices(
        self, table: Mapping[str, tuple[Size, Size]], part: Any, layers: range | tuple[int, ...]
    ) -> list[Matrix]:
        return [
            Matrix(
                path=f"{self._layout.layers}.{name}",
                n_in=self._sized(n_in),
                n_out=self._sized(n_out),
                has_bias=self._has_bias(name),
                layers=tuple(layers),
                part=part,
            )
            for name, (n_in, n_out) in table.items()
        ]

    def _mlp_matrices(self, experts: tuple[int, ...]) -> list[Matrix]:
        dense = tuple(i for i in range(self.n_layers) if i not in set(experts))
        found = self._matrices(self._layout.mlp, "mlp", dense) if dense else []
        if not experts:
            return found
        sizes = Sizes(width=self.width, mlp_width=self.mlp_width, layers=experts)
        prefix = f"{self._layout.layers}.mlp"
        return [*found, *expert_matrices(self._config, self._layout, sizes, prefix)]

    def _n_other(self, n_positions: int) -> int:
        layout = self._layout
        norm = self.width * (2 if layout.norm_has_bias else 1)
        n = self.n_layers * layout.norms * norm + norm * layout.has_final_norm
        if layout.head_norm == "head":
            n += self.n_layers * 2 * self.head_width
        elif layout.head_norm == "width":
            n += self.n_layers * (self.n_heads + self.n_kv_heads) * self.head_width
        if layout.head_has_bias:
            n += self._size("vocabulary")
        return n + n_positions * self.width

    def _sized(self, size: Size) -> int:
        query, kv = self.n_heads * self.head_width, self.n_kv_heads * self.head_width
        sizes = {
            "width": self.width,
            "query": query,
            "kv": kv,
            "qkv": query + 2 * kv,
            "mlp": self.mlp_width,
            "mlp_pair": 2 * self.mlp_width,
        }
        return sizes[size]

    def _has_bias(self, name: str) -> bool:
        key = self._layout.biases.get(name)
        default = self._config.get("model_type") == "gpt_neox"
        return key == ALWAYS or (key is not None and bool(self._config.get(key, default)))

    def _kv_heads(self) -> int:
        config = self._config
        if config.get("model_type") == "chatglm":
            grouped = config.get("multi_query_attention")
            return int(config["multi_query_group_num"]) if grouped else self.n_heads
        if config.get("model_type") in UNGROUPED:
            return self.n_heads
        return int(config.get("num_key_value_heads") or self.n_heads)

    def _mlp_width(self) -> int:
        value = self._config.get(self._layout.mlp_key)
        if value is None:
            if self._layout.mlp_key == "n_inner":
                return 4 * self.width
            raise ModelError(f"{self._where}: missing key {self._layout.mlp_key!r}")
        return int(value) // self._layout.mlp_divisor

    def _even_heads(self) -> int:
        return self.width // self.n_heads

    def _optional(self, word: str) -> int | None:
        for key in ALIASES[word]:
            value = self._config.get(key)
            if isinstance(value, int):
                return value
        return None

    def _size(self, word: str) -> int:
        found = self._optional(word)
        if found is None or found <= 0:
            names = " or ".join(ALIASES[word])
            raise ModelError(f"{self._where}: missing key {names} (a whole number above 0)")
        return found


def _context(config: Mapping[str, Any]) -> int | None:
    found = [config[name] for name in (*CONTEXT_NAMES, "seq_length") if config.get(name)]
    return int(found[0]) if found else None


def _uses_window(config: Mapping[str, Any]) -> bool:
    """Qwen 2 names a window that it does not use."""
    return bool(config.get("use_sliding_window", True)) and bool(config.get("sliding_window"))


def _sliding_layers(config: Mapping[str, Any], n_layers: int) -> int:
    kinds = config.get("layer_types")
    if kinds:
        return sum(kind == "sliding_attention" for kind in kinds)
    family = config["model_type"]
    if family == "gemma2":
        return (n_layers + 1) // 2
    if family == "gemma3_text":
        step = int(config.get("sliding_window_pattern") or 6)
        return n_layers - n_layers // step
    return n_layers
