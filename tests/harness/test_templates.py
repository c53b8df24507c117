from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ModelError, UnknownNameError
from harness.templates import STOPS, load_template, render
from harness.types import Message

TURNS = [
    Message(role="system", content="S"),
    Message(role="user", content="Do it.\n\nwith this"),
    Message(role="assistant", content="A"),
    Message(role="user", content="Again."),
]

# Written out by hand from the layouts' own documentation.
RENDERED = {
    "chatml": "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nDo it.\n\nwith this<|im_end|>\n"
    "<|im_start|>assistant\nA<|im_end|>\n<|im_start|>user\nAgain.<|im_end|>\n"
    "<|im_start|>assistant\n",
    "alpaca": "S\n\n### Instruction:\nDo it.\n\n### Input:\nwith this\n\n### Response:\nA<end>\n\n"
    "### Instruction:\nAgain.\n\n### Response:\n",
    "zh_instruct": "S\n### 指令：Do it. ### 输入：with this ### 回答：A<end>\n### 指令：Again. ### 回答：",
    "zh_dialog": "S\n用户：Do it.\n\nwith this\n助手：A<end>\n用户：Again.\n助手：",
}


@pytest.mark.parametrize(("name", "expected"), RENDERED.items())
def test_a_conversation_is_rendered(
    name: str, expected: str, tokenizer: Any, tmp_path: Path
) -> None:
    assert render(load_template(name, tmp_path), TURNS, tokenizer, for_answer=True) == expected


@pytest.mark.parametrize("name", STOPS)
def test_a_prompt_is_the_beginning_of_the_whole_conversation(
    name: str, tokenizer: Any, tmp_path: Path
) -> None:
    template = load_template(name, tmp_path)

    prompt = render(template, TURNS[:2], tokenizer, for_answer=True)

    assert render(template, TURNS[:3], tokenizer, for_answer=False).startswith(prompt + "A")


def test_an_unknown_template_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown template 'chatlm' \(did you mean 'chatml'"
    ):
        load_template("chatlm", tmp_path)


def test_a_model_without_template_is_told_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"no chat template of its own .* set `template:` to one of"
    ):
        load_template("tokenizer", tmp_path)


OWN = {
    "text": "{{ 'x' }}",
    "several": [{"name": "tool", "template": "t"}, {"name": "default", "template": "{{ 'x' }}"}],
}


@pytest.mark.parametrize("stored", OWN.values(), ids=OWN)
def test_a_models_own_template_is_read_from_its_tokenizer(tmp_path: Path, stored: object) -> None:
    text = json.dumps({"chat_template": stored})
    (tmp_path / "tokenizer_config.json").write_text(text, encoding="utf-8")

    assert load_template("tokenizer", tmp_path).source == "{{ 'x' }}"


def test_a_template_file_goes_before_the_tokenizers(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "old"}', encoding="utf-8")
    (tmp_path / "chat_template.jinja").write_text("new", encoding="utf-8")

    assert load_template("tokenizer", tmp_path).source == "new"


def test_the_digest_of_a_template_depends_on_its_text_and_not_on_its_name(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text("same", encoding="utf-8")
    one = load_template("tokenizer", tmp_path).digest
    (tmp_path / "chat_template.jinja").write_text("other", encoding="utf-8")

    assert load_template("tokenizer", tmp_path).digest != one
