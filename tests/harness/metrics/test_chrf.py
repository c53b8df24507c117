"""chrF and chrF++ against sacrebleu: every parameter, published cases, and public data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.chrf import CHRF

from harness.errors import ConfigError
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.spec import Spec, parse_specs
from tests.harness.metrics.corpora import CORPORA, streams
from tests.harness.metrics.support import Pairs, matrix, value

EN = Setting(language="en")
DIGITS = 1e-9
"""Relative; the same operations in another order differ in the last one or two of 16 digits."""

PARAMETERS: list[dict[str, Any]] = [
    {},
    {"word_order": 1},
    {"word_order": 2},
    {"char_order": 2, "beta": 1},
    {"char_order": 9, "beta": 3},
    {"lowercase": True, "word_order": 2},
    {"whitespace": True, "word_order": 3},
]


@pytest.mark.parametrize("params", PARAMETERS, ids=str)
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_corpus_chrf_equals_sacrebleu(pairs: Pairs, params: dict[str, Any]) -> None:
    metric = build_metric(Spec(name="chrf", params=params), EN)

    expected = CHRF(**params).corpus_score([answer for answer, _ in pairs], streams(pairs)).score

    assert value(metric, pairs) == pytest.approx(expected, rel=DIGITS)


@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_chrf_plus_plus_is_sacrebleus_chrf_with_two_words(pairs: Pairs) -> None:
    expected = CHRF(word_order=2).corpus_score([a for a, _ in pairs], streams(pairs)).score

    assert value(build_metric("chrf++", EN), pairs) == pytest.approx(expected, rel=DIGITS)


texts = st.text(max_size=20) | st.lists(
    st.sampled_from([*"ab药(.\n ", "the", "，"]), max_size=15
).map("".join)
corpora = st.lists(
    st.tuples(texts, st.lists(texts, min_size=1, max_size=3).map(tuple)), min_size=1, max_size=5
)


@pytest.mark.parametrize("params", PARAMETERS, ids=str)
@given(corpus=corpora)
def test_statistics_of_any_texts_equal_sacrebleus_own(
    params: dict[str, Any], corpus: Pairs
) -> None:
    library: Any = CHRF(**params)
    metric = build_metric(Spec(name="chrf", params=params), EN)

    # Among several references the same one must be taken, in near ties too.
    expected = library._extract_corpus_statistics([a for a, _ in corpus], streams(corpus))

    assert matrix(metric, corpus).tolist() == expected


# sacrebleu test/test_chrf.py (beta 3), published to six or seven places.
RISK = (
    "risk assessment must be made of those who are qualified and expertise in the sector - these are the scientists .",
    "risk assessment has to be undertaken by those who are qualified and expert in that area - that is the scientists .",
)
BEZIEHUNG = (
    "Die Beziehung zwischen Obama und Netanjahu ist nicht gerade freundlich.",
    "Das Verhältnis zwischen Obama und Netanyahu ist nicht gerade freundschaftlich.",
)
PUBLISHED = [
    (*RISK, {"beta": 3}, 63.361730),
    (*BEZIEHUNG, {"beta": 3}, 64.1302698),
    (*BEZIEHUNG, {"beta": 3, "whitespace": True}, 67.3481606),
    (*RISK, {"beta": 3, "whitespace": True}, 65.2414427),
    ("a", "a", {"beta": 3}, 100.0),
    ("aa", "ab", {"beta": 3}, 25.0),
    ("a b c", "abc", {"beta": 3}, 100.0),
    ("", "reference", {"beta": 3}, 0.0),
]


@pytest.mark.parametrize(("answer", "reference", "params", "expected"), PUBLISHED)
def test_chrf_meets_the_values_in_sacrebleus_own_tests(
    answer: str, reference: str, params: dict[str, Any], expected: float
) -> None:
    metric = build_metric(Spec(name="chrf", params=params), EN)

    assert value(metric, [(answer, (reference,))]) == pytest.approx(expected, abs=1e-4)


# Hugging Face evaluate, metrics/chrf README.
EVALUATE: Pairs = [
    (
        "The relationship between cats and dogs is not exactly friendly.",
        ("The relationship between dogs and cats is not exactly friendly.",),
    ),
    (
        "a good bookshop is just a genteel black hole that knows how to read.",
        ("A good bookshop is just a genteel Black Hole that knows how to read.",),
    ),
]
EVALUATE_VALUES = [
    ({}, 84.64214891738334),
    ({"word_order": 2}, 82.87263732906315),
    ({"word_order": 2, "lowercase": True}, 92.12853119829202),
]


@pytest.mark.parametrize(("params", "expected"), EVALUATE_VALUES)
def test_chrf_meets_the_values_in_the_readme_of_evaluate(
    params: dict[str, Any], expected: float
) -> None:
    metric = build_metric(Spec(name="chrf", params=params), EN)

    assert value(metric, EVALUATE) == pytest.approx(expected, rel=1e-12)


def test_wmt23_systems_keep_sacrebleus_order_with_words_too(SHARED: Path) -> None:
    folder = SHARED / "data" / "wmt23-ende"
    references = folder.joinpath("ref.de.txt").read_text(encoding="utf-8").splitlines()
    answers = folder.joinpath("systems/ONLINE-W.txt").read_text(encoding="utf-8").splitlines()
    pairs: Pairs = [(a, (r,)) for a, r in zip(answers, references, strict=True)]

    expected = CHRF(word_order=2).corpus_score(answers, [references]).score

    assert f"{value(build_metric('chrf++', EN), pairs):.10f}" == f"{expected:.10f}"


def test_many_sums_are_reduced_at_once_as_one_by_one() -> None:
    metric = build_metric("chrf", EN)
    stats = np.concatenate([matrix(metric, pairs) for pairs in CORPORA.values()])
    sums = (
        np.random.default_rng(1)
        .multinomial(9, [1 / len(stats)] * len(stats), 50)
        .astype(np.float64)
        @ stats
    )

    assert metric.reduce(sums).tolist() == [float(metric.reduce(row)) for row in sums]


def test_chrf_plus_plus_can_be_written_on_one_line() -> None:
    (spec,) = parse_specs("chrf++(beta=3)")

    assert (spec.name, spec.params, spec.label) == ("chrf++", {"beta": 3}, "chrf++(beta=3)")
    assert build_metric(spec, EN).signature == (
        "chrf++@1|case:mixed|eff:yes|nc:6|nw:2|beta:3|space:no"
    )


@pytest.mark.parametrize("params", [{"beta": 0}, {"char_order": 0}, {"word_order": -1}], ids=str)
def test_an_impossible_order_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"'{next(iter(params))}'"):
        build_metric(Spec(name="chrf", params=params), EN)
