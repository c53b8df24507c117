"""What holds for every text metric and any texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from tests.harness.metrics import support

NAMES = (
    "exact_match", "contains", "token_f1", "bleu", "sentence_bleu", "chrf", "chrf++", "rouge_1",
    "rouge_2", "rouge_l", "rouge_lsum", "starts_with", "squad_em", "squad_f1", "cmrc_em",
    "cmrc_f1",
)  # fmt: skip
TOP = {"bleu": 100.0, "sentence_bleu": 100.0, "chrf": 100.0, "chrf++": 100.0}

words = st.sampled_from(
    ["the", "cat", "sat", "on", "a", "mat", "Dr.", "3.5", "药", "片", "，", "\n"]
)
texts = st.lists(words, max_size=8).map(" ".join)
solid_texts = st.lists(st.sampled_from("abcdefgh 药片每日口服"), min_size=12, max_size=30).map(
    "".join
)
corpora = st.lists(
    st.tuples(texts, st.lists(texts, min_size=1, max_size=3).map(tuple)), min_size=1, max_size=6
)
languages = st.sampled_from(["en", "zh"])
anything = st.text(max_size=20)

Corpus = list[tuple[str, tuple[str, ...]]]


def matrix(name: str, language: str, corpus: Corpus) -> np.ndarray:
    return support.matrix(build_metric(name, Setting(language=language)), corpus)


@pytest.mark.parametrize("name", NAMES)
@given(language=languages, corpus=corpora)
def test_a_value_lies_within_its_bounds(name: str, language: str, corpus: Corpus) -> None:
    metric = build_metric(name, Setting(language=language))
    stats = matrix(name, language, corpus)

    values = np.append(metric.reduce(stats), metric.reduce(stats.sum(axis=0)))

    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert (values <= TOP.get(name, 1.0) * (1 + 1e-12)).all()


@pytest.mark.parametrize("name", NAMES)
@given(language=languages, answer=anything, reference=anything)
def test_any_text_at_all_is_scored_with_a_number(
    name: str, language: str, answer: str, reference: str
) -> None:
    stats = matrix(name, language, [(answer, (reference,))])

    assert np.isfinite(build_metric(name, Setting(language=language)).reduce(stats)).all()


@pytest.mark.parametrize("name", NAMES)
@given(language=languages, corpus=corpora, rng=st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_change_the_value(
    name: str, language: str, corpus: Corpus, rng: object
) -> None:
    metric = build_metric(name, Setting(language=language))
    stats = matrix(name, language, corpus)
    order = np.random.default_rng(len(corpus)).permutation(len(corpus))

    assert metric.reduce(stats[order].sum(axis=0)) == pytest.approx(
        metric.reduce(stats.sum(axis=0)), rel=1e-12, abs=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
@given(language=languages, text=solid_texts)
def test_no_answer_is_better_than_the_reference_itself(name: str, language: str, text: str) -> None:
    metric = build_metric(name, Setting(language=language))

    itself, shortened = metric.reduce(
        matrix(name, language, [(text, (text,)), (text[:7], (text,))])
    )

    assert itself >= shortened


@pytest.mark.parametrize("name", NAMES)
@given(language=languages, answer=texts, references=st.lists(texts, min_size=1, max_size=3))
def test_one_more_reference_never_lowers_an_item(
    name: str, language: str, answer: str, references: list[str]
) -> None:
    # BLEU's reference length may move away from the answer's, and a SQuAD v2 question may become
    # answerable; all others take the best reference.
    metric = build_metric(name, Setting(language=language))
    few = metric.reduce(matrix(name, language, [(answer, tuple(references))]))
    more = metric.reduce(matrix(name, language, [(answer, (*references, answer or "x"))]))

    free = ("bleu", "sentence_bleu", "squad_em", "squad_f1")
    assert name in free or more[0] >= few[0] - 1e-12


@pytest.mark.parametrize("language", ["en", "zh"])
@given(corpus=st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_bleu_and_chrf_over_all_rows_equal_the_librarys_corpus_score(
    language: str, corpus: list[tuple[str, str]]
) -> None:
    pairs = [(answer, (reference,)) for answer, reference in corpus]
    answers, references = [a for a, _ in corpus], [[r for _, r in corpus]]
    bleu, chrf = (
        build_metric("bleu", Setting(language=language)),
        build_metric("chrf", Setting(language=language)),
    )

    found_bleu = bleu.reduce(matrix("bleu", language, pairs).sum(axis=0))
    found_chrf = chrf.reduce(matrix("chrf", language, pairs).sum(axis=0))

    library = BLEU(tokenize="zh" if language == "zh" else "13a")
    assert found_bleu == pytest.approx(library.corpus_score(answers, references).score, rel=1e-9)
    assert found_chrf == pytest.approx(CHRF().corpus_score(answers, references).score, rel=1e-9)


@given(corpus=st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_rouge_over_all_rows_equals_the_mean_of_the_library(corpus: list[tuple[str, str]]) -> None:
    kinds = {
        "rouge_1": "rouge1",
        "rouge_2": "rouge2",
        "rouge_l": "rougeL",
        "rouge_lsum": "rougeLsum",
    }
    library = RougeScorer(list(kinds.values()), use_stemmer=True)
    items = [library.score(reference, answer) for answer, reference in corpus]
    pairs = [(answer, (reference,)) for answer, reference in corpus]

    for name, kind in kinds.items():
        found = build_metric(name, Setting(language="en")).reduce(
            matrix(name, "en", pairs).sum(axis=0)
        )
        assert found == pytest.approx(np.mean([item[kind].fmeasure for item in items]), rel=1e-9)
