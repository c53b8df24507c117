"""Perplexities equal lm-eval's aggregations (lm_eval 0.4.13, api/metrics.py)."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from harness.metrics.base import Item, Metric, Setting
from harness.metrics.build import build_metric
from harness.types import Completion, GoldRecord

EN = Setting(language="en")
NAMES = ("perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte")
TEXTS = ("The cat sat.", "一只猫坐着。", "two  words\n", "é")
LOGPROBS = ((-4.0, -2.5), (-9.25,), (-0.125, -3.0, -1.0), (-2.0,))
TOKENS = ((3, 2), (7,), (2, 2, 1), (1,))


def item(text: str, logprobs: tuple[float, ...] | None, tokens: tuple[int, ...] | None) -> Item:
    return Item(
        gold=GoldRecord(id="g", task="t", input=text),
        completion=Completion(
            gold_id="g",
            finish="stop",
            prompt_tokens=1,
            choice_logprobs=logprobs,
            choice_tokens=tokens,
        ),
    )


@pytest.fixture(scope="module")
def corpus() -> list[Item]:
    return [item(*row) for row in zip(TEXTS, LOGPROBS, TOKENS, strict=True)]


def corpus_value(metric: Metric, items: list[Item]) -> float:
    rows = [measured.stats for measured in metric.measure(items) if measured is not None]
    assert len(rows) == len(items)
    return float(metric.reduce(np.asarray(rows).sum(axis=0)))


def test_word_and_byte_values_are_lm_evals(corpus: list[Item]) -> None:
    theirs = pytest.importorskip("lm_eval.api.metrics")
    sums = [sum(logprobs) for logprobs in LOGPROBS]
    by_word = list(zip(sums, [len(re.split(r"\s+", text)) for text in TEXTS], strict=True))
    by_byte = list(zip(sums, [len(text.encode()) for text in TEXTS], strict=True))

    ours = {name: corpus_value(build_metric(name, EN), corpus) for name in NAMES}

    assert ours["word_perplexity"] == pytest.approx(theirs.weighted_perplexity(by_word), rel=1e-14)
    assert ours["byte_perplexity"] == pytest.approx(theirs.weighted_perplexity(by_byte), rel=1e-14)
    assert ours["bits_per_byte"] == pytest.approx(theirs.bits_per_byte(by_byte), rel=1e-14)


def test_perplexity_is_the_exponential_of_the_mean_loss_of_a_token(corpus: list[Item]) -> None:
    n_tokens = sum(map(sum, TOKENS))
    loss = -sum(map(sum, LOGPROBS)) / n_tokens

    assert corpus_value(build_metric("perplexity", EN), corpus) == pytest.approx(math.exp(loss))


def test_two_bytes_at_one_bit_each() -> None:
    fair = [item("ab", (2 * math.log(0.5),), (2,))]

    values = {name: corpus_value(build_metric(name, EN), fair) for name in NAMES}

    assert values == pytest.approx(
        {"perplexity": 2, "word_perplexity": 4, "byte_perplexity": 2, "bits_per_byte": 1}
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_certain_text_has_the_best_value(name: str) -> None:
    metric = build_metric(name, EN)

    assert corpus_value(metric, [item("猫 cat", (0.0,), (3,))]) == metric.scale.low


@pytest.mark.parametrize("name", NAMES)
def test_lower_is_better_and_the_order_of_items_does_not_matter(
    corpus: list[Item], name: str
) -> None:
    metric = build_metric(name, EN)

    assert metric.scale.better == "lower"
    assert corpus_value(metric, corpus[::-1]) == pytest.approx(corpus_value(metric, corpus))


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_in_words_is_not_scored(name: str) -> None:
    assert build_metric(name, EN).measure([item("a", None, None)]) == [None]


@pytest.mark.parametrize("name", NAMES)
def test_choices_are_no_text(name: str) -> None:
    gold = GoldRecord(id="g", task="t", input={"question": "?"}, choices=("a", "b"), answer=0)
    scored = item("?", (-1.0, -2.0), (1, 1)).completion

    assert build_metric(name, EN).measure([Item(gold=gold, completion=scored)]) == [None]


def test_without_token_counts_only_the_perplexity_of_tokens_is_missing() -> None:
    replayed = [item("a b", (-1.0,), None)]

    scored = {name: build_metric(name, EN).measure(replayed)[0] is not None for name in NAMES}

    assert [name for name, is_scored in scored.items() if not is_scored] == ["perplexity"]


def test_a_hopeless_text_has_an_infinite_perplexity() -> None:
    hopeless = [item("a", (-1000.0,), (1,))]

    assert corpus_value(build_metric("perplexity", EN), hopeless) == math.inf


def test_fields_may_name_the_text() -> None:
    fields = GoldRecord(id="g", task="t", input={"text": "ab", "title": "ignored"})
    said = item("x", (2 * math.log(0.5),), (2,)).completion

    (measured,) = build_metric("bits_per_byte", EN).measure([Item(gold=fields, completion=said)])

    assert measured is not None
    assert measured.stats[1] == 2
