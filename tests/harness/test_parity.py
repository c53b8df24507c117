from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StoreError, TemplateDriftError
from harness.parity import check_echo, check_proof, first_difference, write_proof
from harness.templates import ChatTemplate, encode, render
from harness.types import Message

TURNS = [Message(role="system", content="Be brief."), Message(role="user", content="Was? 什么？")]
CHATML = ChatTemplate(
    name="chatml",
    source="{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>",
    stop=(),
)
OTHER = ChatTemplate(name="alpaca", source="{{ messages[-1].content }} ###", stop=())


@pytest.fixture
def proof(tmp_path: Path, tokenizer: Any) -> Path:
    ids = encode(tokenizer, render(CHATML, TURNS, tokenizer, for_answer=True))
    write_proof(tmp_path / "parity.json", CHATML, [(TURNS, ids), (TURNS[1:], ids[17:])])
    return tmp_path / "parity.json"


def test_the_template_of_training_gives_the_same_tokens(proof: Path, tokenizer: Any) -> None:
    assert check_proof(proof, CHATML, tokenizer, adapter="lora") == 2


def test_another_template_is_refused_with_the_mend(proof: Path, tokenizer: Any) -> None:
    with pytest.raises(TemplateDriftError) as caught:
        check_proof(proof, OTHER, tokenizer, adapter="lora")

    assert "adapter 'lora' was trained with template 'chatml'" in str(caught.value)
    assert "probe 0, token 0: trained on '<sy', served 'Was'" in str(caught.value)
    assert "set `template: chatml`" in str(caught.value)


def test_a_tokenizer_that_adds_a_token_is_refused(proof: Path, tokenizer: Any) -> None:
    class Doubling(type(tokenizer)):  # pyright: ignore[reportUntypedBaseClass] - the fake lives in conftest
        def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
            return {"input_ids": [1, *map(ord, text)]}

    with pytest.raises(TemplateDriftError, match=r"token 0: trained on '<sy', served '\\x01<s'"):
        check_proof(proof, CHATML, Doubling(), adapter="lora")


def test_a_template_that_ends_early_is_refused(proof: Path, tokenizer: Any) -> None:
    shorter = ChatTemplate(name="x", source=CHATML.source.removesuffix("<assistant>"), stop=())

    with pytest.raises(TemplateDriftError, match="served the end"):
        check_proof(proof, shorter, tokenizer, adapter="lora")


def test_the_proof_keeps_the_conversations_and_their_tokens(proof: Path) -> None:
    stored = json.loads(proof.read_text(encoding="utf-8"))

    assert stored["template"] == "chatml"
    assert stored["probes"][0]["messages"][1] == {"role": "user", "content": "Was? 什么？"}


def test_a_damaged_proof_is_told(tmp_path: Path, tokenizer: Any) -> None:
    (tmp_path / "parity.json").write_text("{", encoding="utf-8")

    with pytest.raises(StoreError, match="cannot be read"):
        check_proof(tmp_path / "parity.json", CHATML, tokenizer, adapter="lora")


def test_an_equal_echo_passes() -> None:
    check_echo((1, 2, 3), [1, 2, 3], item="base/toy/q1")


@pytest.mark.parametrize("seen", [(1, 1, 2, 3), (1, 2), (1, 2, 4), ()])
def test_any_other_echo_is_drift(seen: tuple[int, ...]) -> None:
    with pytest.raises(TemplateDriftError, match="base/toy/q1: the engine saw other prompt tokens"):
        check_echo((1, 2, 3), seen, item="base/toy/q1")


@pytest.mark.parametrize(
    ("left", "right", "at"),
    [([1, 2], [1, 3], 1), ([1, 2], [1, 2, 3], 2), ([], [1], 0), ([1], [1], 1)],
)
def test_the_first_difference_of_two_sequences(left: list[int], right: list[int], at: int) -> None:
    assert first_difference(left, right) == at
