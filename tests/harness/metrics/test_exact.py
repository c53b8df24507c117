from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Any

import pytest

from harness.metrics.base import Setting
from harness.metrics.exact import contains, exact_match
from tests.harness.metrics.support import one


def official(text: str) -> str:
    """The normalisation of the SQuAD v1.1 evaluation script, in its own order of steps."""
    text = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


EXACT = [
    ("en", "Paris", ("Paris",), 1),
    ("en", "the Paris.", ("paris",), 1),
    ("en", "PARIS!", ("Rome", "Paris"), 1),
    ("en", "Paris, France", ("Paris",), 0),
    ("en", "An apple a day", ("apple day",), 1),
    ("en", "another", ("other",), 0),
    ("en", "", ("Paris",), 0),
    ("en", "U.S.A", ("USA",), 1),
    ("en", "well-known", ("wellknown",), 1),
    ("en", "café", ("cafe",), 0),
    ("zh", "北京", ("北京",), 1),
    ("zh", "北京。", ("北京",), 1),
    ("zh", "北 京", ("北京",), 1),
    ("zh", "《红楼梦》", ("红楼梦",), 1),
    ("zh", "１２３ｍｇ", ("123mg",), 1),
    ("zh", "ＡＢＣ药", ("abc药",), 1),
    ("zh", "两片", ("一片", "两片"), 1),
    ("zh", "三片", ("一片", "两片"), 0),
    ("zh", "", ("北京",), 0),
]


@pytest.mark.parametrize(("language", "answer", "references", "expected"), EXACT)
def test_exact_match_after_normalisation(
    gold: Any, said: Any, language: str, answer: str, references: tuple[str, ...], expected: int
) -> None:
    measurement = one(exact_match(Setting(language=language)), gold(*references), said(answer))

    assert measurement is not None
    assert measurement.stats == (expected, 1.0)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [(answer, reference) for language, answer, refs, _ in EXACT if language == "en" for reference in refs],
)  # fmt: skip
def test_english_exact_match_follows_the_official_script(
    gold: Any, said: Any, answer: str, reference: str
) -> None:
    measurement = one(exact_match(Setting(language="en")), gold(reference), said(answer))

    assert measurement is not None
    assert measurement.stats[0] == float(official(answer) == official(reference))


CONTAINS = [
    ("en", "The answer is Paris, of course.", ("Paris",), 1),
    ("en", "It is 14.", ("14",), 1),
    ("en", "It is 145.", ("14",), 0),
    ("en", "Parisian", ("Paris",), 0),
    ("en", "New York City", ("york city",), 1),
    ("en", "New York, the City", ("york city",), 1),
    ("en", "City York", ("york city",), 0),
    ("en", "", ("x",), 0),
    ("en", "red", ("blue", "red"), 1),
    ("en", "", ("...",), 0),
    ("en", "anything", ("the",), 0),
    ("zh", "答案是北京。", ("北京",), 1),
    ("zh", "北方的京城", ("北京",), 0),
    ("zh", "每日１０ｍｇ口服", ("10mg",), 1),
    ("zh", "每日100mg", ("10mg",), 0),
    ("zh", "", ("。",), 0),
]


@pytest.mark.parametrize(("language", "answer", "references", "expected"), CONTAINS)
def test_contains_finds_whole_tokens(
    gold: Any, said: Any, language: str, answer: str, references: tuple[str, ...], expected: int
) -> None:
    measurement = one(contains(Setting(language=language)), gold(*references), said(answer))

    assert measurement is not None
    assert measurement.stats == (expected, 1.0)


@pytest.mark.parametrize("factory", [exact_match, contains])
def test_the_signature_names_version_and_normalisation(factory: Callable[[Setting], Any]) -> None:
    assert factory(Setting(language="en")).signature == f"{factory.__name__}@1|norm:squad1|refs:any"
    assert (
        factory(Setting(language="zh")).signature
        == f"{factory.__name__}@1|norm:zh-nfkc-nopunct|refs:any"
    )
    assert factory(Setting(language="en")).scale.is_binary
