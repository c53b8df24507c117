"""Each lint speaks where it should, is silent where it should be, and names its source."""

from __future__ import annotations

from typing import Any

import pytest

from finetune.lints import SERVED_RANKS, Facts, lint_training

GOOD: dict[str, Any] = {
    "method": "lora",
    "batch": 16,
    "epochs": 2,
    "learning_rate": 2e-4,
    "max_tokens": 512,
    "lora": {"r": 16, "targets": "all-linear"},
}
FACTS: dict[str, Any] = {
    "n_parameters": 7_000_000_000,
    "context": 4096,
    "has_chat_template": True,
    "sources": ("clinic.jsonl", "general.jsonl"),
}


def lints(train: dict[str, Any], **facts: Any) -> dict[str, str]:
    """Return the severities by lint."""
    found = lint_training({**GOOD, **train}, Facts(**{**FACTS, **facts}))
    return {finding.lint: finding.severity for finding in found}


def test_usual_settings_raise_nothing() -> None:
    assert lints({}) == {}


@pytest.mark.parametrize(
    ("train", "lint"),
    [
        ({"batch": 3}, "batch"),
        ({"batch": 513}, "batch"),
        ({"epochs": 4}, "epochs"),
        ({"learning_rate": 4e-5}, "learning_rate"),
        ({"learning_rate": 2e-3}, "learning_rate"),
        ({"method": "full"}, "learning_rate"),
        ({"optimizer": "lion", "learning_rate": 9e-4}, "learning_rate"),
        ({"lora": {"r": 16, "targets": ["q_proj", "v_proj"]}}, "targets"),
        ({"lora": {"r": 24}}, "rank"),
    ],
)
def test_unusual_settings_are_noted(train: dict[str, Any], lint: str) -> None:
    assert lints(train) == {lint: "note"}


@pytest.mark.parametrize(
    "train",
    [
        {"batch": 4},
        {"batch": 512},
        {"epochs": 3},
        {"method": "full", "learning_rate": 1e-5},
        {"optimizer": "lion", "learning_rate": 3e-5},
        {"lora": {"r": 16, "targets": ["q_proj", "down_proj"]}},
        {"lora": {"r": 16, "targets": ".*(q|v)_proj"}},
        *({"lora": {"r": rank}} for rank in SERVED_RANKS),
    ],
)
def test_the_edges_of_the_usual_are_usual(train: dict[str, Any]) -> None:
    assert lints(train) == {}


def test_small_models_take_higher_rates() -> None:
    assert lints({"learning_rate": 2e-3}, n_parameters=135_000_000) == {}


@pytest.mark.parametrize(
    ("train", "facts", "lint", "severity"),
    [
        ({}, {"sources": ("clinic.jsonl",)}, "mix", "note"),
        ({}, {"gold_files": ("gold.jsonl",)}, "gold", "warning"),
        ({"max_tokens": 8192}, {}, "context", "warning"),
        ({}, {"template": "alpaca"}, "template", "note"),
        ({}, {"template": "chatml", "has_chat_template": False}, "template", "note"),
        ({"method": "dora"}, {}, "dora", "warning"),
        ({"method": "dora"}, {"lora_mode": "multi"}, "dora", "error"),
        ({"lora": {"r": 16, "modules_to_save": ["lm_head"]}}, {}, "modules_to_save", "warning"),
        ({"modules_to_save": ["lm_head"]}, {"lora_mode": "multi"}, "modules_to_save", "error"),
        ({"trainable_tokens": [5]}, {"lora_mode": "multi"}, "trainable_tokens", "error"),
        ({"lora": {"r": 1024}}, {}, "rank", "error"),
        ({"lora": {"r": 1024}}, {"lora_mode": "merged"}, "rank", "warning"),
        ({"lora": {"r": 1024}, "merge": None}, {}, "rank", "warning"),
        ({"lora": {"r": 1024}, "merge": False}, {}, "rank", "error"),
        ({"method": "dora", "merge": None}, {"lora_mode": "multi"}, "dora", "warning"),
        ({"method": "dora", "merge": False}, {}, "dora", "error"),
        ({"lora": {"r": 16, "init": "pissa"}}, {}, "init", "warning"),
    ],
)
def test_facts_decide_how_severe_it_is(
    train: dict[str, Any], facts: dict[str, Any], lint: str, severity: str
) -> None:
    assert lints(train, **facts) == {lint: severity}


@pytest.mark.parametrize(
    ("train", "facts"),
    [
        ({"method": "dora"}, {"engine": "transformers"}),
        ({"lora": {"r": 1024}}, {"engine": "transformers"}),
        ({"lora": {"r": 16, "modules_to_save": ["score"]}}, {}),
        ({}, {"template": "alpaca", "has_chat_template": False}),
        ({}, {"template": "alpaca", "has_chat_template": None}),
        ({"trainable_tokens": [1], "x": 1}, {"engine": "transformers", "template": "tokenizer"}),
        ({}, {"context": None}),
        ({"general": ["other.jsonl"]}, {"sources": ("clinic.jsonl",)}),
        ({}, {"sources": ()}),
    ],
)
def test_nothing_is_said_where_it_does_not_apply(
    train: dict[str, Any], facts: dict[str, Any]
) -> None:
    assert lints(train, **facts) == {}


def test_errors_come_first_and_all_name_a_source() -> None:
    train = {**GOOD, "batch": 1, "epochs": 9, "lora": {"r": 600, "targets": ["q_proj"]}}

    found = lint_training(train, Facts(sources=("a.jsonl",), gold_files=("g.jsonl",)))

    assert [finding.severity for finding in found] == ["error", "warning", *["note"] * 4]
    assert all(len(finding.source) > 10 for finding in found)


def test_ranks_are_those_of_the_installed_vllm() -> None:
    lora = pytest.importorskip("vllm.config.lora")

    assert lora.MaxLoRARanks.__args__ == SERVED_RANKS
