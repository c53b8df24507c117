"""config.json of well-known models, as far as the planner reads them."""

from __future__ import annotations

from typing import Any

from finetune.planner.architecture import Architecture
from finetune.planner.reading import architecture_of


def llama(
    width: int, mlp: int, layers: int, heads: int, kv: int, vocabulary: int, **more: Any
) -> dict[str, Any]:
    return {
        "model_type": "llama",
        "hidden_size": width,
        "intermediate_size": mlp,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "vocab_size": vocabulary,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": False,
        **more,
    }


CONFIGS: dict[str, dict[str, Any]] = {
    "Llama-2-7B": llama(4096, 11008, 32, 32, 32, 32000),
    "Llama-2-13B": llama(5120, 13824, 40, 40, 40, 32000),
    "Llama-3-8B": llama(4096, 14336, 32, 32, 8, 128256),
    "Llama-3-70B": llama(8192, 28672, 80, 64, 8, 128256),
    "Llama-3.2-1B": llama(2048, 8192, 16, 32, 8, 128256, head_dim=64, tie_word_embeddings=True),
    "Llama-3.2-3B": llama(3072, 8192, 28, 24, 8, 128256, head_dim=128, tie_word_embeddings=True),
    "SmolLM2-135M": llama(576, 1536, 30, 9, 3, 49152, tie_word_embeddings=True),
    "Mistral-7B": llama(4096, 14336, 32, 32, 8, 32000, model_type="mistral", sliding_window=None),
    "Mixtral-8x7B": llama(4096, 14336, 32, 32, 8, 32000, model_type="mixtral",
                          num_local_experts=8, num_experts_per_tok=2),
    "Qwen2.5-0.5B": llama(896, 4864, 24, 14, 2, 151936, model_type="qwen2",
                          tie_word_embeddings=True, use_sliding_window=False, sliding_window=32768),
    "Qwen2.5-7B": llama(3584, 18944, 28, 28, 4, 152064, model_type="qwen2"),
    "Qwen3-8B": llama(4096, 12288, 36, 32, 8, 151936, model_type="qwen3", head_dim=128),
    "Qwen3-30B-A3B": llama(2048, 6144, 48, 32, 4, 151936, model_type="qwen3_moe", head_dim=128,
                           num_experts=128, num_experts_per_tok=8, moe_intermediate_size=768,
                           decoder_sparse_step=1, mlp_only_layers=[]),
    "Gemma-2B": llama(2048, 16384, 18, 8, 1, 256000, model_type="gemma", head_dim=256,
                      tie_word_embeddings=True),
    "Gemma-2-2B": llama(2304, 9216, 26, 8, 4, 256000, model_type="gemma2", head_dim=256,
                        tie_word_embeddings=True, sliding_window=4096),
    "Gemma-3-270M": llama(640, 2048, 18, 4, 1, 262144, model_type="gemma3_text", head_dim=256,
                          tie_word_embeddings=True, sliding_window=512),
    "Phi-3-mini": llama(3072, 8192, 32, 32, 32, 32064, model_type="phi3"),
    "GPT-2": {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024,
              "vocab_size": 50257},
    "ChatGLM3-6B": {"model_type": "chatglm", "hidden_size": 4096, "ffn_hidden_size": 13696,
                    "num_layers": 28, "num_attention_heads": 32, "kv_channels": 128,
                    "multi_query_attention": True, "multi_query_group_num": 2, "add_qkv_bias": True,
                    "add_bias_linear": False, "padded_vocab_size": 65024, "seq_length": 8192},
    "Qwen-7B": {"model_type": "qwen", "hidden_size": 4096, "intermediate_size": 22016,
                "num_hidden_layers": 32, "num_attention_heads": 32, "kv_channels": 128,
                "vocab_size": 151936, "seq_length": 8192, "tie_word_embeddings": False},
}  # fmt: skip

SMALL: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 112,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 300,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
EXPERTS: dict[str, Any] = {"num_experts": 8, "moe_intermediate_size": 24, "num_experts_per_tok": 2}
MORE: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 128, "n_inner": 96},
    "mixtral": {"num_local_experts": 4},
    "qwen2_moe": {**EXPERTS, "shared_expert_intermediate_size": 48},
    "qwen3_moe": {**EXPERTS, "mlp_only_layers": [1]},
    "llama": {"attention_bias": True, "mlp_bias": True},
}


def model(name: str) -> Architecture:
    """Return one of them."""
    return architecture_of(CONFIGS[name], where=name)
