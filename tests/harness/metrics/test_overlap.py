"""Goldens from the reference implementations, computed by them on the same texts here.

BLEU and chrF: sacrebleu (Post 2018). ROUGE: google-research rouge-score.
Numbers that others published stand in tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.metrics.normalise import CharacterTokenizer
from tests.harness.metrics.corpora import CORPORA, SACREBLEU, streams
from tests.harness.metrics.support import Pairs, one, value

DIGITS = 1e-9
"""Relative; the same operations in another order differ in the last one or two of 16 digits."""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_bleu_equals_sacrebleu(language: str, pairs: Pairs) -> None:
    library = BLEU(tokenize="zh" if language == "zh" else "13a")

    expected = library.corpus_score([answer for answer, _ in pairs], streams(pairs)).score

    assert value(build_metric("bleu", Setting(language=language)), pairs) == pytest.approx(
        expected, rel=DIGITS
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_chrf_equals_sacrebleu(language: str, pairs: Pairs) -> None:
    expected = CHRF().corpus_score([answer for answer, _ in pairs], streams(pairs)).score

    assert value(build_metric("chrf", Setting(language=language)), pairs) == pytest.approx(
        expected, rel=DIGITS
    )


KINDS = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL", "rouge_lsum": "rougeLsum"}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_english_rouge_equals_the_mean_of_rouge_score(name: str, kind: str, pairs: Pairs) -> None:
    library = RougeScorer([kind], use_stemmer=True)

    items = [library.score_multi(list(refs), answer)[kind].fmeasure for answer, refs in pairs]

    assert value(build_metric(name, Setting(language="en")), pairs) == pytest.approx(
        np.mean(items), rel=DIGITS
    )


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_chinese_rouge_equals_rouge_score_on_characters(name: str, kind: str, pairs: Pairs) -> None:
    library = RougeScorer([kind], tokenizer=CharacterTokenizer())

    items = [library.score_multi(list(refs), answer)[kind].fmeasure for answer, refs in pairs]

    assert value(build_metric(name, Setting(language="zh")), pairs) == pytest.approx(
        np.mean(items), rel=DIGITS
    )


def test_bleu_meets_the_value_in_sacrebleus_own_tests() -> None:
    # sacrebleu test/test_bleu.py, 13a: 48.530827, published to six places.
    assert value(build_metric("bleu", Setting(language="en")), SACREBLEU) == pytest.approx(
        48.530827, abs=5e-7
    )


def test_bleu_of_empty_answers_is_zero_as_in_sacrebleus_own_tests() -> None:
    assert (
        value(build_metric("bleu", Setting(language="en")), [("", refs) for _, refs in SACREBLEU])
        == 0.0
    )


# rouge-score 0.1.2, rouge_scorer_test.py; the published digits are compared.
ROUGE_PUBLISHED = [
    ("rouge_1", "testing", "testing one two", 0.5),
    ("rouge_2", "testing one", "testing one two", 0.6666666666666666),
    ("rouge_l", "testing one", "testing one two", 0.8),
    ("rouge_l", "testing two", "testing one two", 0.8),
    ("rouge_1", "", "testing one two", 0.0),
    ("rouge_lsum", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w2 w3 w4 w5", 0.5333333333333333),
    ("rouge_lsum", "/", "w1 w2 w3 w4 w5", 0.0),
]


@pytest.mark.parametrize(("name", "answer", "reference", "expected"), ROUGE_PUBLISHED)
def test_rouge_meets_the_values_in_rouge_scores_own_tests(
    name: str, answer: str, reference: str, expected: float
) -> None:
    found = value(build_metric(name, Setting(language="en")), [(answer, (reference,))])

    assert found == pytest.approx(expected, abs=1e-12)


TOP = {"bleu": 100.0, "sentence_bleu": 100.0, "chrf": 100.0, "chrf++": 100.0}
TEXT_METRICS = (
    "exact_match", "contains", "token_f1", "bleu", "sentence_bleu", "chrf", "chrf++", "rouge_1",
    "rouge_2", "rouge_l", "rouge_lsum",
)  # fmt: skip


@pytest.mark.parametrize("name", TEXT_METRICS)
@pytest.mark.parametrize(
    "text", ["患者每日口服两片，共七天。", "服用Aspirin １００ｍｇ，每日1次。", "他今天没有发烧"]
)
def test_identical_chinese_texts_get_the_highest_value(name: str, text: str) -> None:
    # rouge-score's own tokenizer keeps only a-z and 0-9 and gives such texts 0.
    found = value(build_metric(name, Setting(language="zh")), [(text, (text,))])

    assert found == pytest.approx(TOP.get(name, 1.0), rel=DIGITS)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["bleu", "chrf", *KINDS])
def test_the_signature_names_version_and_tokenizer(name: str, language: str) -> None:
    signature = build_metric(name, Setting(language=language)).signature

    assert signature.startswith(f"{name}@1|")
    assert (
        build_metric(name, Setting(language="en")).signature
        == build_metric(name, Setting(language="zh")).signature
    ) == (name == "chrf")


def test_measuring_says_nothing_on_the_log(caplog: pytest.LogCaptureFixture) -> None:
    value(build_metric("bleu", Setting(language="en")), SACREBLEU)

    assert caplog.records == []


def test_measurements_are_plain_numbers(gold: Any, said: Any) -> None:
    for name in TEXT_METRICS:
        measurement = one(
            build_metric(name, Setting(language="en")), gold("a b c d"), said("a b c e")
        )
        assert measurement is not None
        assert {type(x) for x in measurement.stats} <= {int, float}, name
