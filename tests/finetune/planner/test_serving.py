"""KV caches by their formula, and GPUs by name."""

from __future__ import annotations

import pytest

from finetune.planner.gpus import gpu_bytes, gpu_named
from finetune.planner.serving import kv_bytes, kv_bytes_per_token, serving_plan
from harness.errors import ConfigError
from harness.machine import GIB
from tests.finetune.planner.configs import model


@pytest.mark.parametrize(
    ("name", "n_bytes"),
    [
        ("Llama-2-7B", 524_288),
        ("Llama-3-8B", 131_072),
        ("Llama-3-70B", 327_680),
        ("Llama-3.2-3B", 114_688),
        ("Llama-3.2-1B", 32_768),
        ("Qwen2.5-7B", 57_344),
        ("Qwen2.5-0.5B", 12_288),
    ],
)
def test_a_token_takes_its_bytes_in_the_cache(name: str, n_bytes: int) -> None:
    assert kv_bytes_per_token(model(name)) == n_bytes


def test_layers_with_a_window_keep_no_more_than_it() -> None:
    gemma = model("Gemma-3-270M")

    each = 2 * 256 * 2
    assert kv_bytes(gemma, 100) == each * 18 * 100
    assert kv_bytes(gemma, 4096) == each * (3 * 4096 + 15 * 512)


def test_the_cache_holds_as_many_requests_as_fit() -> None:
    plan = serving_plan(model("Llama-3-8B"), 24 * GIB, length=1000)

    assert plan.cache_bytes == 0.9 * 24 * GIB - plan.weight_bytes - plan.working_bytes
    assert plan.tokens == plan.cache_bytes // 131_072 // 16 * 16
    assert plan.requests == plan.cache_bytes // (1008 * 131_072)


def test_a_model_that_does_not_fit_serves_nothing() -> None:
    plan = serving_plan(model("Llama-3-70B"), 24 * GIB, length=1000)

    assert (plan.tokens, plan.requests) == (0, 0)


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("24GiB", 24 * GIB), ("24", 24 * GIB), ("80GB", 80e9), ("512 MiB", 512 * 2**20),
     ("A100-40G", 39.5 * GIB), ("a100 40gb", 39.5 * GIB), ("RTX 4090", 23.6 * GIB)],
)  # fmt: skip
def test_gpus_are_given_by_size_or_name(text: str, n_bytes: float) -> None:
    assert gpu_bytes(text) == n_bytes


@pytest.mark.parametrize("text", ["A1000-40G", "0GiB", "much", ""])
def test_other_gpus_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--gpu"):
        gpu_bytes(text)


@pytest.mark.parametrize(
    ("driver", "name"),
    [
        ("NVIDIA A100-SXM4-40GB", "A100-40G"),
        ("NVIDIA A100 80GB PCIe", "A100-80G"),
        ("NVIDIA GeForce RTX 4090", "RTX4090"),
        ("NVIDIA L40S", "L40S"),
        ("Tesla T4", "T4"),
        ("Some Card", None),
    ],
)
def test_a_drivers_name_leads_to_the_table(driver: str, name: str | None) -> None:
    assert gpu_named(driver) == name
