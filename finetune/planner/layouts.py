"""How the known families lay out their matrices: names, sizes and biases, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Size = Literal["width", "query", "kv", "qkv", "mlp", "mlp_pair"]
"""Residual stream; all query heads; all key heads; queries, keys and values; MLP; both branches."""
Matrices = Mapping[str, tuple[Size, Size]]

SPLIT: Matrices = {
    "self_attn.q_proj": ("width", "query"),
    "self_attn.k_proj": ("width", "kv"),
    "self_attn.v_proj": ("width", "kv"),
    "self_attn.o_proj": ("query", "width"),
}
GATED: Matrices = {
    "mlp.gate_proj": ("width", "mlp"),
    "mlp.up_proj": ("width", "mlp"),
    "mlp.down_proj": ("mlp", "width"),
}
PAIRED: Matrices = {"mlp.gate_up_proj": ("width", "mlp_pair"), "mlp.down_proj": ("mlp", "width")}
ALWAYS = "always"
QKV: tuple[str, ...] = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One family."""

    attention: Matrices = field(default_factory=lambda: SPLIT)
    mlp: Matrices = field(default_factory=lambda: GATED)
    biases: Mapping[str, str] = field(default_factory=dict[str, str])
    """Matrix → "always", or the key of config.json that says whether it has a bias."""
    layers: str = "model.layers.{layer}"
    embedding: str = "model.embed_tokens"
    head: str = "lm_head"
    norms: int = 2
    """Normalisations of the residual stream in each layer."""
    norm_has_bias: bool = False
    has_final_norm: bool = True
    head_norm: Literal["none", "head", "width"] = "none"
    """Norms of queries and keys: over each head, or over all heads together."""
    is_tied: bool = False
    """Where config.json does not say."""
    is_gated: bool = True
    head_has_bias: bool = False
    head_width: int | None = None
    """Where config.json does not say; None: width / heads."""
    mlp_key: str = "intermediate_size"
    mlp_divisor: int = 1
    """Qwen 1 writes the width of both branches together."""
    moe: Literal["none", "mixtral", "qwen"] = "none"
    adapts_experts: bool = False
    """Whether "all-linear" reaches experts and router (PEFT from 0.18, transformers from 5)."""


_qkv_bias: Mapping[str, str] = dict.fromkeys(QKV, ALWAYS)
_attention_bias: Mapping[str, str] = dict.fromkeys(SPLIT, "attention_bias")
_qkv_if_said: Mapping[str, str] = dict.fromkeys(QKV, "attention_bias")
_mlp_bias: Mapping[str, str] = dict.fromkeys(GATED, "mlp_bias")

LAYOUTS: Mapping[str, Layout] = {
    "llama": Layout(biases={**_attention_bias, **_mlp_bias}),
    "mistral": Layout(),
    "mixtral": Layout(moe="mixtral", adapts_experts=True),
    "granite": Layout(biases={**_attention_bias, **_mlp_bias}),
    "smollm3": Layout(biases={**_attention_bias, **_mlp_bias}, is_tied=True),
    "qwen2": Layout(biases=_qkv_bias),
    "qwen2_moe": Layout(biases=_qkv_bias, moe="qwen"),
    "qwen3": Layout(biases=_attention_bias, head_norm="head", head_width=128),
    "qwen3_moe": Layout(biases=_attention_bias, head_norm="head", moe="qwen", adapts_experts=True),
    "gemma": Layout(biases=_attention_bias, is_tied=True, head_width=256),
    "gemma2": Layout(biases=_attention_bias, norms=4, is_tied=True, head_width=256),
    "gemma3_text": Layout(
        biases=_attention_bias, norms=4, head_norm="head", is_tied=True, head_width=256
    ),
    "olmo2": Layout(biases=_attention_bias, head_norm="width"),
    "phi3": Layout(
        attention={
            "self_attn.o_proj": ("query", "width"),
            "self_attn.qkv_proj": ("width", "qkv"),
        },
        mlp=PAIRED,
    ),
    "glm": Layout(mlp=PAIRED, biases=_qkv_if_said, norms=2, head_width=128),
    "glm4": Layout(mlp=PAIRED, biases=_qkv_if_said, norms=4, head_width=128),
    "phi": Layout(
        attention={
            "self_attn.q_proj": ("width", "query"),
            "self_attn.k_proj": ("width", "kv"),
            "self_attn.v_proj": ("width", "kv"),
            "self_attn.dense": ("query", "width"),
        },
        mlp={"mlp.fc1": ("width", "mlp"), "mlp.fc2": ("mlp", "width")},
        biases={
            **_qkv_bias,
            "self_attn.dense": ALWAYS,
            "mlp.fc1": ALWAYS,
            "mlp.fc2": ALWAYS,
        },
        norms=1,
        norm_has_bias=True,
        is_gated=False,
        head_has_bias=True,
    ),
    "gpt_neox": Layout(
        attention={
            "attention.query_key_value": ("width", "qkv"),
            "attention.dense": ("query", "width"),
        },
        mlp={"mlp.dense_h_to_4h": ("width", "mlp"), "mlp.dense_4h_to_h": ("mlp", "width")},
        biases={
            "attention.query_key_value": "attention_bias",
            "attention.dense": "attention_bias",
            "mlp.dense_h_to_4h": ALWAYS,
            "mlp.dense_4h_to_h": ALWAYS,
        },
        layers="gpt_neox.layers.{layer}",
        embedding="gpt_neox.embed_in",
        norm_has_bias=True,
        is_gated=False,
    ),
    "gpt2": Layout(
        attention={"attn.c_attn": ("width", "qkv"), "attn.c_proj": ("query", "width")},
        mlp={"mlp.c_fc": ("width", "mlp"), "mlp.c_proj": ("mlp", "width")},
        biases={
            "attn.c_attn": ALWAYS,
            "attn.c_proj": ALWAYS,
            "mlp.c_fc": ALWAYS,
            "mlp.c_proj": ALWAYS,
        },
        layers="transformer.h.{layer}",
        embedding="transformer.wte",
        norm_has_bias=True,
        is_tied=True,
        is_gated=False,
        mlp_key="n_inner",
    ),
    "chatglm": Layout(
        attention={
            "self_attention.query_key_value": ("width", "qkv"),
            "self_attention.dense": ("query", "width"),
        },
        mlp={"mlp.dense_h_to_4h": ("width", "mlp_pair"), "mlp.dense_4h_to_h": ("mlp", "width")},
        biases={
            "self_attention.query_key_value": "add_qkv_bias",
            "self_attention.dense": "add_bias_linear",
            "mlp.dense_h_to_4h": "add_bias_linear",
            "mlp.dense_4h_to_h": "add_bias_linear",
        },
        layers="transformer.encoder.layers.{layer}",
        embedding="transformer.embedding.word_embeddings",
        head="transformer.output_layer",
        mlp_key="ffn_hidden_size",
    ),
    "baichuan": Layout(
        attention={"self_attn.W_pack": ("width", "qkv"), "self_attn.o_proj": ("query", "width")},
    ),
    "qwen": Layout(
        attention={"attn.c_attn": ("width", "qkv"), "attn.c_proj": ("query", "width")},
        mlp={
            "mlp.w1": ("width", "mlp"),
            "mlp.w2": ("width", "mlp"),
            "mlp.c_proj": ("mlp", "width"),
        },
        biases={"attn.c_attn": ALWAYS},
        layers="transformer.h.{layer}",
        embedding="transformer.wte",
        mlp_divisor=2,
    ),
}
"""By `model_type`. Others are built by transformers without weights (see meta.py)."""

LANGUAGE_PARTS: Mapping[str, str] = {"gemma3": "gemma3_text", "mistral3": "mistral"}
"""Models that also see: their language part, under `text_config`."""
