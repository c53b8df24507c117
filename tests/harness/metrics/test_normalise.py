from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.normalise import CharacterTokenizer, normalise, tokens

TOKENS = [
    ("en", "The cat's  hat, and a dog", ["cats", "hat", "and", "dog"]),
    ("en", "theatre then", ["theatre", "then"]),
    ("en", "“quoted”", ["“quoted”"]),
    ("en", "!!!", []),
    ("zh", "北京大学", ["北", "京", "大", "学"]),
    ("zh", "用COVID-19疫苗", ["用", "covid", "19", "疫", "苗"]),
    ("zh", "１２３ｍｇ　每日", ["123mg", "每", "日"]),
    ("zh", "（口服），３次／日", ["口", "服", "3", "次", "日"]),
    ("zh", "㎎", ["mg"]),
    ("zh", "かな漢字", ["か", "な", "漢", "字"]),
    ("zh", "𠀀𠀁", ["𠀀", "𠀁"]),
    ("zh", "。，！", []),
    ("zh", "", []),
]


@pytest.mark.parametrize(("language", "text", "expected"), TOKENS)
def test_a_text_is_cut_into_tokens(language: str, text: str, expected: list[str]) -> None:
    assert tokens(text, language) == expected


@pytest.mark.parametrize("language", ["en", "zh"])
@given(text=st.text())
def test_the_tokens_of_a_text_are_the_tokens_of_its_normal_form(language: str, text: str) -> None:
    assert tokens(text, language) == tokens(" ".join(tokens(text, language)), language) or (
        language == "en"
    )
    assert all(not token.isspace() for token in tokens(text, language))


@given(text=st.text(alphabet=st.characters(codec="ascii")))
def test_a_normalised_ascii_text_has_no_punctuation_and_single_spaces(text: str) -> None:
    found = normalise(text, "zh")

    assert found == " ".join(found.split())
    assert all(char.isalnum() or char == " " or ord(char) < 32 or char == "\x7f" for char in found)


def test_the_tokenizer_for_rouge_keeps_chinese_characters() -> None:
    assert CharacterTokenizer().tokenize("药品A") == ["药", "品", "a"]
