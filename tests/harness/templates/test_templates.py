"""What the layouts promise, and where a model's own layout comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ModelError, UnknownNameError
from harness.templates import STOPS, bos_text, encode, load_template, render
from harness.types import Message
from tests.finetune.support import bos_tokenizer, merging_tokenizer, small_tokenizer

NAMED = tuple(STOPS)
NOWHERE = Path("no-model-needed")
END = "<|im_end|>"


@pytest.fixture(scope="session")
def small() -> Any:
    return small_tokenizer()


@pytest.fixture(scope="session")
def bos() -> Any:
    return bos_tokenizer()


def turns(*texts: str) -> list[Message]:
    roles = ("user", "assistant") * len(texts)
    return [Message(role=role, content=text) for role, text in zip(roles, texts, strict=False)]


def text_of(name: str, messages: list[Message], tokenizer: Any, *, for_answer: bool) -> str:
    return render(load_template(name, NOWHERE), messages, tokenizer, for_answer=for_answer)


def test_zh_instruct_is_the_layout_of_its_name(small: Any) -> None:
    text = text_of("zh_instruct", turns("翻译\n\n你好"), small, for_answer=True)

    assert text == "### 指令：翻译 ### 输入：你好 ### 回答："


def test_zh_instruct_without_input_has_no_input_part(small: Any) -> None:
    text = text_of("zh_instruct", turns("你好"), small, for_answer=True)

    assert text == "### 指令：你好 ### 回答："


def test_zh_dialog_is_a_line_a_turn(small: Any) -> None:
    text = text_of("zh_dialog", turns("你好", "您好", "再见"), small, for_answer=True)

    assert text == f"用户：你好\n助手：您好{END}\n用户：再见\n助手："


@pytest.mark.parametrize("name", ["alpaca", "zh_instruct"])
def test_the_input_is_all_after_the_first_blank_line(small: Any, name: str) -> None:
    text = text_of(name, turns("Do this\n\nfirst\n\nsecond"), small, for_answer=True)

    assert "first\n\nsecond" in text
    assert "Do this\n\nfirst" not in text


@pytest.mark.parametrize("name", NAMED)
def test_every_answer_ends_with_the_end_token(small: Any, name: str) -> None:
    text = text_of(name, turns("q1", "a1", "q2", "a2"), small, for_answer=False)

    assert f"a1{END}" in text
    assert text.endswith(f"a2{END}")


@pytest.mark.parametrize("name", NAMED)
def test_a_prompt_is_the_beginning_of_what_is_trained_on(small: Any, name: str) -> None:
    conversation = turns("q1", "a1", "q2", "a2")

    whole = text_of(name, conversation, small, for_answer=False)

    assert whole.startswith(text_of(name, conversation[:1], small, for_answer=True))
    assert whole.startswith(text_of(name, conversation[:3], small, for_answer=True))


@pytest.mark.parametrize("name", NAMED)
def test_bos_is_never_doubled(bos: Any, name: str) -> None:
    ids = encode(bos, text_of(name, turns("q1", "a1", "q2"), bos, for_answer=True))

    assert ids.count(bos.bos_token_id) == 1
    assert ids[0] == bos.bos_token_id


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% raw %}", "<b>&amp;", "a\\nb", "\ttab", "🩺"])
def test_the_users_text_comes_through_unchanged(small: Any, name: str, text: str) -> None:
    assert text in text_of(name, turns(text), small, for_answer=True)


def test_bos_is_written_only_for_tokenizers_that_add_it(small: Any, bos: Any) -> None:
    assert bos_text(bos) == "<bos>"
    assert bos_text(small) == ""


def test_bos_is_nothing_for_a_tokenizer_without_one() -> None:
    tokenizer = merging_tokenizer()
    tokenizer.bos_token = None

    assert bos_text(tokenizer) == ""


def test_an_unknown_template_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(UnknownNameError, match="'zh_instuct' \\(did you mean 'zh_instruct'\\?\\)"):
        load_template("zh_instuct", NOWHERE)


def test_a_models_own_template_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text("from the file", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "x"}', encoding="utf-8")

    assert load_template("tokenizer", tmp_path).source == "from the file"


@pytest.mark.parametrize(
    "chat_template",
    ["the one", [{"name": "tool", "template": "x"}, {"name": "default", "template": "the one"}]],
)
def test_a_models_own_template_comes_from_its_tokenizer_config(
    tmp_path: Path, chat_template: object
) -> None:
    text = json.dumps({"chat_template": chat_template})
    (tmp_path / "tokenizer_config.json").write_text(text, encoding="utf-8")

    assert load_template("tokenizer", tmp_path).source == "the one"


@pytest.mark.parametrize(
    "config", ["", "{", "{}", '{"chat_template": [{"name": "tool", "template": "x"}]}']
)
def test_a_model_without_a_template_is_refused_with_the_named_ones(
    tmp_path: Path, config: str
) -> None:
    folder = tmp_path / "base-model"
    folder.mkdir()
    (folder / "tokenizer_config.json").write_text(config, encoding="utf-8")

    with pytest.raises(ModelError, match=r"base-model: this model has no chat template .* alpaca"):
        load_template("tokenizer", folder)


def test_the_digest_covers_text_and_stops(tmp_path: Path) -> None:
    digests = {load_template(name, NOWHERE).digest for name in NAMED}

    assert len(digests) == len(NAMED)
    assert load_template("alpaca", tmp_path).digest == load_template("alpaca", NOWHERE).digest
