"""BLEU against sacrebleu (Post 2018): every parameter, published cases, and public data."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU

from harness.errors import ConfigError, MissingExtraError
from harness.metrics.base import Setting
from harness.metrics.bleu_tokens import tokenizer_of
from harness.metrics.build import build_metric
from harness.spec import Spec
from tests.harness.metrics.corpora import CORPORA, streams
from tests.harness.metrics.support import Pairs, items, matrix, value

EN = Setting(language="en")
DIGITS = 1e-9
"""Relative; the same operations in another order differ in the last one or two of 16 digits."""

TOKENIZERS = ("13a", "intl", "zh", "char", "none")
SMOOTHINGS = [
    ("exp", None), ("none", None), ("floor", None), ("floor", 0.5), ("add-k", None), ("add-k", 2.0)
]  # fmt: skip


def spec(name: str, **params: object) -> Spec:
    return Spec(name=name, params={k: v for k, v in params.items() if v is not None})


@pytest.mark.parametrize("tokenize", TOKENIZERS)
@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_corpus_bleu_equals_sacrebleu(pairs: Pairs, lowercase: bool, tokenize: str) -> None:
    library = BLEU(tokenize=tokenize, lowercase=lowercase)
    metric = build_metric(spec("bleu", tokenize=tokenize, lowercase=lowercase), EN)

    expected = library.corpus_score([answer for answer, _ in pairs], streams(pairs)).score

    assert value(metric, pairs) == pytest.approx(expected, rel=DIGITS)


@pytest.mark.parametrize(("smooth", "k"), SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 4, 6])
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_smoothed_bleu_equals_sacrebleu(
    pairs: Pairs, order: int, smooth: str, k: float | None
) -> None:
    library = BLEU(smooth_method=smooth, smooth_value=k, max_ngram_order=order)
    params = spec("bleu", smooth=smooth, smooth_value=k, max_ngram_order=order)

    expected = library.corpus_score([answer for answer, _ in pairs], streams(pairs)).score

    assert value(build_metric(params, EN), pairs) == pytest.approx(expected, rel=DIGITS)


@pytest.mark.parametrize(("smooth", "k"), SMOOTHINGS)
@pytest.mark.parametrize("tokenize", ["13a", "zh"])
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_sentence_bleu_is_the_mean_of_sacrebleus_sentence_scores(
    pairs: Pairs, tokenize: str, smooth: str, k: float | None
) -> None:
    library = BLEU(smooth_method=smooth, smooth_value=k, tokenize=tokenize, effective_order=True)
    metric = build_metric(
        spec("sentence_bleu", smooth=smooth, smooth_value=k, tokenize=tokenize), EN
    )

    expected = [library.sentence_score(answer, list(refs)).score for answer, refs in pairs]

    assert matrix(metric, pairs)[:, 0] == pytest.approx(expected, rel=DIGITS)
    assert value(metric, pairs) == pytest.approx(np.mean(expected), rel=DIGITS)


# sacrebleu test/test_sentence_bleu.py, published to three places.
ANSWER = "Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;"
REFERENCE = "producţia de zahăr brut se exprimă în zahăr alb;"
PUBLISHED = [
    ({}, 8.493),
    ({"smooth": "none"}, 0.0),
    ({"smooth": "floor"}, 4.51688),
    ({"smooth": "floor", "smooth_value": 0.5}, 10.10),
    ({"smooth": "add-k"}, 14.882),
    ({"smooth": "add-k", "smooth_value": 2}, 21.389),
    ({"tokenize": "none"}, 7.347),
    ({"tokenize": "intl"}, 8.493),
    ({"tokenize": "char"}, 40.8759),
    ({"tokenize": "char", "lowercase": True}, 42.0267),
]


@pytest.mark.parametrize(("params", "expected"), PUBLISHED)
def test_sentence_bleu_meets_the_values_in_sacrebleus_own_tests(
    params: dict[str, Any], expected: float
) -> None:
    metric = build_metric(spec("sentence_bleu", **params), EN)

    assert value(metric, [(ANSWER, (REFERENCE,))]) == pytest.approx(expected, abs=1e-3)


def test_sacrebleus_published_corpus_cases_are_met(SHARED: Path) -> None:
    cases = json.loads(
        (SHARED / "data/metric-cases/sacrebleu_small.json").read_text(encoding="utf-8")
    )["corpus_bleu"]
    references = list(zip(*cases[0]["refs"], strict=True))
    found, expected = list[str](), list[str]()
    for case in cases:
        metric = build_metric(
            spec("bleu", tokenize=case["tokenize"], smooth=case.get("smooth_method")), EN
        )
        answers = case.get("hyps", cases[0]["hyps"])
        found.append(f"{value(metric, list(zip(answers, references, strict=True))):.6f}")
        expected.append(f"{case['score']:.6f}")

    assert len(found) == 5
    assert found == expected


def test_sacrebleus_raw_corpus_cases_are_met(SHARED: Path) -> None:
    # raw_corpus_bleu: no tokenizer, smoothing "floor" with 0.01, effective order.
    cases = json.loads(
        (SHARED / "data/metric-cases/sacrebleu_small.json").read_text(encoding="utf-8")
    )["raw_corpus_bleu_floor_0.01"]
    singles = [case for case in cases if len(case["hyps"]) == 1]
    metric = build_metric(
        spec("sentence_bleu", tokenize="none", smooth="floor", smooth_value=0.01), EN
    )

    found = [value(metric, [(case["hyps"][0], tuple(case["refs"][0]))]) for case in singles]

    assert len(singles) == 4
    assert found == pytest.approx([100 * case["score01"] for case in singles], abs=1e-6)


# metric-cases/SOURCE.md: e2e-metrics' example inputs, recomputed with sacrebleu 2.x.
E2E = [({}, "67.83"), ({"tokenize": "none"}, "64.46"), ({"lowercase": True}, "72.03")]


@pytest.mark.parametrize(("params", "expected"), E2E)
def test_multi_reference_bleu_meets_the_recorded_values(
    SHARED: Path, params: dict[str, Any], expected: str
) -> None:
    folder = SHARED / "data" / "metric-cases"
    blocks = (folder / "e2e_devel-conc.txt").read_text(encoding="utf-8").strip().split("\n\n")
    answers = (folder / "e2e_baseline-output.txt").read_text(encoding="utf-8").splitlines()
    pairs = [
        (answer, tuple(block.split("\n"))) for answer, block in zip(answers, blocks, strict=True)
    ]

    assert f"{value(build_metric(spec('bleu', **params), EN), pairs):.2f}" == expected


def test_unsmoothed_bleu_meets_nlg_evals_values(SHARED: Path) -> None:
    # A second implementation (COCO captions'): the same to the six places it prints.
    case = json.loads(
        (SHARED / "data/metric-cases/nlg_eval_small.json").read_text(encoding="utf-8")
    )["corpus"]
    pairs = list(zip(case["hyps"], zip(*case["refs"], strict=True), strict=True))

    found = [
        value(
            build_metric(spec("bleu", tokenize="none", smooth="none", max_ngram_order=order), EN),
            pairs,
        )
        for order in (1, 2, 3, 4)
    ]

    expected = [100 * case[f"Bleu_{order}"] for order in (1, 2, 3, 4)]
    assert found == pytest.approx(expected, abs=1e-4)


def rows_of(SHARED: Path) -> list[str]:
    data = SHARED / "data"
    clinical = (data / "mts-dialog" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    chinese = (data / "cmrc2018" / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    german = (data / "wmt23-ende" / "ref.de.txt").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)[key] for line in clinical for key in ("input", "output")]
    texts += [json.loads(line)["input"] for line in chinese]
    return [*texts, *german, *(part for text in texts for part in text.split("\n"))]


@pytest.mark.parametrize("name", ["13a", "zh"])
def test_rebuilt_tokenizers_cut_public_texts_as_sacrebleu_does(SHARED: Path, name: str) -> None:
    texts = rows_of(SHARED)[::4]
    library, (ours, _) = BLEU(tokenize=name).tokenizer, tokenizer_of(name)

    differing = [text for text in texts if list(ours(text)) != library(text).split()]

    assert len(texts) > 4000
    assert differing == []


odd = st.lists(
    st.sampled_from([*"ab1.,-'(\"& \n\u3000药，。%/5٣：", "&amp;", "&quot;", "<skipped>", "-\n"])
    | st.characters(),
    max_size=12,
).map("".join)


@pytest.mark.parametrize("name", ["13a", "zh"])
@given(text=odd)
def test_rebuilt_tokenizers_cut_any_text_as_sacrebleu_does(name: str, text: str) -> None:
    library, (ours, _) = BLEU(tokenize=name).tokenizer, tokenizer_of(name)

    assert list(ours(text)) == library(text).split()


@given(
    corpus=st.lists(
        st.tuples(odd, st.lists(odd, min_size=1, max_size=3).map(tuple)), min_size=1, max_size=5
    ),
    tokenize=st.sampled_from(TOKENIZERS),
    smoothing=st.sampled_from(SMOOTHINGS),
)
def test_bleu_of_any_texts_equals_sacrebleu(
    corpus: Pairs, tokenize: str, smoothing: tuple[str, float | None]
) -> None:
    smooth, k = smoothing
    library = BLEU(tokenize=tokenize, smooth_method=smooth, smooth_value=k)
    metric = build_metric(spec("bleu", tokenize=tokenize, smooth=smooth, smooth_value=k), EN)

    expected = library.corpus_score([answer for answer, _ in corpus], streams(corpus)).score

    assert value(metric, corpus) == pytest.approx(expected, rel=DIGITS)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("name", ["bleu", "sentence_bleu"])
def test_many_sums_are_reduced_at_once_as_one_by_one(
    name: str, smoothing: tuple[str, float | None]
) -> None:
    metric = build_metric(spec(name, smooth=smoothing[0], smooth_value=smoothing[1]), EN)
    stats = np.concatenate([matrix(metric, pairs) for pairs in CORPORA.values()])
    sums = (
        np.random.default_rng(1)
        .multinomial(9, [1 / len(stats)] * len(stats), 50)
        .astype(np.float64)
        @ stats
    )

    assert metric.reduce(sums).tolist() == [float(metric.reduce(row)) for row in sums]


@pytest.mark.parametrize("name", ["bleu", "sentence_bleu"])
def test_a_wholly_right_answer_has_exactly_the_highest_value(name: str) -> None:
    text = "every word of this answer is right"

    assert value(build_metric(name, EN), [(text, (text,))]) == 100.0


def test_an_item_without_references_is_not_scored() -> None:
    pairs: Pairs = [("a b", ("a b",)), ("c", ()), ("d e", ("d f",))]

    measured = build_metric("bleu", EN).measure(items(pairs))

    assert [one is None for one in measured] == [False, True, False]


@pytest.mark.parametrize("smooth", ["exp", "none"])
def test_a_value_that_the_smoothing_does_not_take_is_refused(smooth: str) -> None:
    with pytest.raises(ConfigError, match="smooth=floor or smooth=add-k"):
        build_metric(spec("bleu", smooth=smooth, smooth_value=1), EN)


def test_an_unknown_tokenizer_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'tokenize'.*'13a'.*'ja-mecab'"):
        build_metric(spec("bleu", tokenize="spacy"), EN)


@pytest.mark.skipif(find_spec("ipadic") is not None, reason="the dictionary is installed")
def test_japanese_words_need_their_dictionary() -> None:
    with pytest.raises(MissingExtraError, match=r"tunemark\[ja\]"):
        build_metric(spec("bleu", tokenize="ja-mecab"), EN)


@pytest.mark.skipif(find_spec("ipadic") is None, reason="the extra ja is not installed")
def test_japanese_words_are_cut_by_mecab() -> None:
    answer, reference = "私の名前は太郎です。", "私の名前は次郎です。"
    library = BLEU(tokenize="ja-mecab")
    metric = build_metric(spec("bleu", tokenize="ja-mecab"), EN)

    expected = library.corpus_score([answer], [[reference]]).score

    assert value(metric, [(answer, (reference,))]) == pytest.approx(expected, rel=DIGITS)
    assert "|tok:ja-mecab-" in f"|{metric.signature}"


SIGNATURES = [
    ({}, "en", "bleu@1|tok:13a|case:mixed|eff:no|smooth:exp|sacrebleu:"),
    ({}, "zh", "bleu@1|tok:zh|case:mixed|eff:no|smooth:exp|sacrebleu:"),
    ({"tokenize": "intl", "lowercase": True}, "en", "bleu@1|tok:intl|case:lc|eff:no|smooth:exp|"),
    ({"smooth": "floor"}, "en", "bleu@1|tok:13a|case:mixed|eff:no|smooth:floor[0.1]|"),
    ({"max_ngram_order": 2}, "en", "bleu@1|tok:13a|case:mixed|order:2|eff:no|"),
]


@pytest.mark.parametrize(("params", "language", "start"), SIGNATURES)
def test_the_signature_says_all_that_decides_the_number(
    params: dict[str, Any], language: str, start: str
) -> None:
    metric = build_metric(spec("bleu", **params), Setting(language=language))

    assert metric.signature.startswith(start)
