"""Prompts, letter by letter and token by token (provenance: golden/README.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from harness.models import resolve_model
from harness.templates import encode, load_template, render
from tests.finetune.support import bos_tokenizer, small_tokenizer
from tests.harness.templates.conversations import CASES, CHINESE, conversation
from tests.harness.templates.make_golden import BORDER, FAMILIES, GOLDEN

NAMED = ("alpaca", "chatml", *CHINESE)
WITH_BOS = ("alpaca", *CHINESE)
NOWHERE = Path("no-model-needed")


@pytest.fixture(scope="session")
def small() -> Any:
    """A tokenizer with SmolLM2's special tokens."""
    return small_tokenizer()


@pytest.fixture(scope="session")
def bos() -> Any:
    """A tokenizer with Gemma's special tokens."""
    return bos_tokenizer()


@pytest.fixture(scope="session")
def folders() -> dict[str, Path]:
    """The real models, by the name of their golden files."""
    return {name: resolve_model(family.model).path for name, family in FAMILIES.items()}


@pytest.fixture(scope="session")
def real(folders: dict[str, Path]) -> dict[str, Any]:
    """The real tokenizers, by the name of their golden files."""
    return {name: AutoTokenizer.from_pretrained(folder) for name, folder in folders.items()}


def golden_text(family: str, template: str, case: str) -> tuple[str, str]:
    file = GOLDEN / "texts" / family / f"{template}-{case}.txt"
    prompt, _, answer = file.read_text(encoding="utf-8").partition(BORDER)
    return prompt, answer


def golden_tokens(family: str, template: str, case: str) -> tuple[list[int], list[int]]:
    file = GOLDEN / "tokens" / f"{family}.json"
    tokens = json.loads(file.read_text(encoding="utf-8"))[f"{template}-{case}"]
    return tokens["prompt"], tokens["answer"]


def rendered(folder: Path, template: str, case: str, tokenizer: Any) -> tuple[str, str]:
    """Return the prompt as served and the whole text as trained on."""
    turns = conversation(template, case)
    layout = load_template(template, folder)
    prompt = render(layout, turns[:-1], tokenizer, for_answer=True)
    return prompt, render(layout, turns, tokenizer, for_answer=False)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("template", NAMED)
def test_a_named_template_gives_the_golden_text(small: Any, template: str, case: str) -> None:
    prompt, whole = rendered(NOWHERE, template, case, small)

    expected, answer = golden_text("smollm2", template, case)
    assert prompt == expected
    assert whole == expected + answer


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("template", WITH_BOS)
def test_a_named_template_gives_the_golden_text_with_bos(
    bos: Any, template: str, case: str
) -> None:
    prompt, whole = rendered(NOWHERE, template, case, bos)

    expected, answer = golden_text("gemma", template, case)
    assert prompt == expected
    assert whole == expected + answer


@pytest.mark.model
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("family", "template"),
    [(name, template) for name, family in FAMILIES.items() for template in family.templates],
)
def test_a_real_tokenizer_gives_the_golden_tokens(
    folders: dict[str, Path], real: dict[str, Any], family: str, template: str, case: str
) -> None:
    prompt, whole = rendered(folders[family], template, case, real[family])

    text, answer_text = golden_text(family, template, case)
    ids, answer_ids = golden_tokens(family, template, case)
    assert (prompt, whole) == (text, text + answer_text)
    assert encode(real[family], prompt) == ids
    assert encode(real[family], whole) == ids + answer_ids


@pytest.mark.model
def test_gemma_gets_one_bos(real: dict[str, Any]) -> None:
    gemma = real["gemma"]

    prompt, _ = rendered(NOWHERE, "zh_instruct", "turns", gemma)

    ids = encode(gemma, prompt)
    assert ids.count(gemma.bos_token_id) == 1
    assert ids[0] == gemma.bos_token_id


@pytest.mark.model
def test_smollm2_gets_no_bos_of_its_own(real: dict[str, Any]) -> None:
    smollm2 = real["smollm2"]

    prompt, _ = rendered(NOWHERE, "alpaca", "single", smollm2)

    assert smollm2.bos_token_id not in encode(smollm2, prompt)
