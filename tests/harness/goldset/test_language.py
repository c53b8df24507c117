from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.goldset.language import language_of

TEXTS = {
    "What is the capital of France?": "en",
    "Aspirin 100 mg": "en",
    "中国的首都是哪座城市？": "zh",
    "阿司匹林 aspirin 的剂量是多少": "zh",
    "我在用 Python 写 code 请 help 一下 thanks": "mixed",
    "これは日本語の文章です": "other",
    "한국어 문장입니다": "other",
    "Привет, как дела?": "other",
    "Quelle est la capitale de la France et pourquoi est-ce que les gens y vont": "other",
    "Wie heißt die Hauptstadt von Frankreich und warum fahren die Leute dort hin": "other",
    "1 cup flour, 2 tsp baking soda, 3 tsp salt, black pepper, PVC pipe, water pump": "en",
    "12 + 4 = ?": "none",
    "": "none",
}


@pytest.mark.parametrize("text", TEXTS)
def test_the_language_is_told_by_script_and_common_words(text: str) -> None:
    assert language_of(text) == TEXTS[text]


@pytest.mark.parametrize(
    ("name", "language"), [("mts-dialog", "en"), ("cmrc2018", "zh"), ("lawbench", "zh")]
)
def test_real_gold_sets_are_in_their_language(SHARED: Path, name: str, language: str) -> None:
    lines = (SHARED / "data" / name / "gold.jsonl").read_text(encoding="utf-8").splitlines()

    told = [language_of(json.loads(line)["input"]) for line in lines]

    assert told.count(language) == len(lines)
