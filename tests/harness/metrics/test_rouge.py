"""ROUGE against rouge-score: equal to the last bit, on any texts and on public data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer

from harness.errors import ConfigError
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.metrics.normalise import CharacterTokenizer
from harness.spec import Spec
from tests.harness.metrics.corpora import CORPORA
from tests.harness.metrics.support import Pairs, matrix, value

EN, ZH = Setting(language="en"), Setting(language="zh")
KINDS = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL", "rouge_lsum": "rougeLsum"}
NAMES = tuple(KINDS)


def scores(library: RougeScorer, name: str, pairs: Pairs) -> list[float]:
    return [library.score_multi(list(r), a)[KINDS[name]].fmeasure for a, r in pairs]


def ours(name: str, setting: Setting, pairs: Pairs, **params: object) -> list[float]:
    metric = build_metric(Spec(name=name, params=params), setting)
    return matrix(metric, pairs)[:, 0].tolist()


words = st.sampled_from(
    [
        "the",
        "cats",
        "cat",
        "running",
        "runs",
        "Dr.",
        "3.5",
        "药",
        "片",
        "，",
        "\n",
        "\n\n",
        "é",
        "ſ",
    ]
)
texts = st.lists(words, max_size=14).map(" ".join) | st.text(max_size=20)
corpora = st.lists(
    st.tuples(texts, st.lists(texts, min_size=1, max_size=3).map(tuple)), min_size=1, max_size=5
)


@pytest.mark.parametrize("stemmer", [True, False])
@pytest.mark.parametrize("name", NAMES)
@given(corpus=corpora)
def test_every_score_equals_rouge_scores_to_the_last_bit(
    name: str, stemmer: bool, corpus: Pairs
) -> None:
    library = RougeScorer([KINDS[name]], use_stemmer=stemmer)

    assert ours(name, EN, corpus, stemmer=stemmer) == scores(library, name, corpus)


@pytest.mark.parametrize("name", NAMES)
@given(corpus=corpora)
def test_every_score_by_characters_equals_rouge_scores_to_the_last_bit(
    name: str, corpus: Pairs
) -> None:
    library = RougeScorer([KINDS[name]], tokenizer=CharacterTokenizer())

    assert ours(name, ZH, corpus) == scores(library, name, corpus)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_rouge_scores_tokenizer_can_be_asked_for_in_chinese(pairs: Pairs, name: str) -> None:
    library = RougeScorer([KINDS[name]], use_stemmer=True)

    assert ours(name, ZH, pairs, tokenize="rouge-score") == scores(library, name, pairs)


def test_rouge_scores_own_cases_are_met(SHARED: Path) -> None:
    file = SHARED / "data" / "metric-cases" / "rouge_score_small.json"
    cases = json.loads(file.read_text(encoding="utf-8"))["cases"]
    names = {kind: name for name, kind in KINDS.items()}

    found = [
        ours(names[case["type"]], EN, [(case["prediction"], (case["target"],))])[0]
        for case in cases
    ]

    assert len(cases) == 8
    assert found == pytest.approx([case["f"] for case in cases], abs=5e-5)


def test_the_best_of_several_references_counts() -> None:
    pairs: Pairs = [("first text", ("first something", "first text in", "zzz"))]

    assert ours("rouge_1", EN, pairs) == [0.8]


def pltrdy(SHARED: Path) -> list[dict[str, Any]]:
    file = SHARED / "data" / "metric-cases" / "pltrdy_rouge_data.json"
    return json.loads(file.read_text(encoding="utf-8"))


def test_pltrdys_variant_is_another_metric(SHARED: Path) -> None:
    # pltrdy/rouge counts *sets* of words (each once) and adds 1e-8: on its own cases the two agree
    # only where no word repeats. The difference is theirs, not an error here.
    cases = pltrdy(SHARED)
    repeated = next(case for case in cases if "nelson" in case["hyp"])

    (found,) = ours("rouge_1", EN, [(repeated["hyp"], (repeated["ref"],))], stemmer=False)

    hyp, ref = set(repeated["hyp"].split()), set(repeated["ref"].split())
    by_sets = 2 * len(hyp & ref) / (len(hyp) + len(ref))
    assert repeated["scores"]["rouge-1"]["f"] == pytest.approx(by_sets, abs=1e-7)
    assert abs(found - by_sets) > 0.01


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shift", [0, 1])
def test_scores_on_clinical_notes_equal_rouge_scores(SHARED: Path, shift: int, name: str) -> None:
    lines = (SHARED / "data/mts-dialog/train.jsonl").read_text(encoding="utf-8").splitlines()
    notes = [json.loads(line)["output"] for line in lines[:500]]
    pairs: Pairs = [(said, (ref,)) for said, ref in zip(notes, notes[shift:], strict=False)]
    library = RougeScorer([KINDS[name]], use_stemmer=True)

    assert ours(name, EN, pairs) == scores(library, name, pairs)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_scores_on_thousands_of_rows_equal_rouge_scores(SHARED: Path, name: str) -> None:
    lines = (SHARED / "data/mts-dialog/train.jsonl").read_text(encoding="utf-8").splitlines()
    turns = [turn for line in lines for turn in json.loads(line)["input"].split("\n")][:6000]
    english: Pairs = [("\n".join(turns[i : i + 3]), ("\n".join(turns[i + 1 : i + 4]),))
                      for i in range(len(turns) - 4)]  # fmt: skip
    articles = (SHARED / "data/cmrc2018/gold.jsonl").read_text(encoding="utf-8").splitlines()
    sentences = [s for line in articles for s in json.loads(line)["input"].split("，")][:2000]
    chinese: Pairs = [("\n".join(sentences[i : i + 2]), ("\n".join(sentences[i + 1 : i + 3]),))
                      for i in range(len(sentences) - 3)]  # fmt: skip
    library = RougeScorer([KINDS[name]], use_stemmer=True)
    by_character = RougeScorer([KINDS[name]], tokenizer=CharacterTokenizer())

    assert len(english) > 5000
    assert ours(name, EN, english) == scores(library, name, english)
    assert ours(name, ZH, chinese) == scores(by_character, name, chinese)


class JiebaTokenizer:
    def tokenize(self, text: str) -> list[str]:
        import jieba

        from harness.metrics.normalise import chinese

        return [word for word in jieba.lcut(chinese(text)) if word != " "]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pairs", CORPORA.values(), ids=CORPORA)
def test_words_cut_by_jieba_equal_rouge_score_with_that_tokenizer(pairs: Pairs, name: str) -> None:
    pytest.importorskip("jieba", reason="the extra zh is not installed")
    library = RougeScorer([KINDS[name]], tokenizer=JiebaTokenizer())

    assert ours(name, ZH, pairs, tokenize="jieba") == scores(library, name, pairs)


@pytest.mark.slow
def test_jieba_counts_words_where_the_default_counts_characters() -> None:
    pytest.importorskip("jieba", reason="the extra zh is not installed")
    pairs: Pairs = [("北京大学的学生", ("北京大学的老师",))]

    assert ours("rouge_1", ZH, pairs, tokenize="jieba") == pytest.approx([2 / 3])
    assert ours("rouge_1", ZH, pairs) == pytest.approx([5 / 7])


def test_words_are_stemmed_as_nltk_does() -> None:
    assert PorterStemmer().stem("injections") == PorterStemmer().stem("injection")

    assert ours("rouge_1", EN, [("injections", ("injection",))]) == [1.0]
    assert ours("rouge_1", EN, [("injections", ("injection",))], stemmer=False) == [0.0]


def test_stemming_without_rouge_scores_tokenizer_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"stemmer=true goes with tokenize=rouge-score"):
        build_metric("rouge_1(stemmer=true)", ZH)


SIGNATURES = [
    ("rouge_1", EN, "rouge_1@1|tok:rouge-score|stem:porter|nltk:"),
    ("rouge_l(stemmer=false)", EN, "rouge_l@1|tok:rouge-score|stem:no|refs:max"),
    ("rouge_lsum", ZH, "rouge_lsum@1|tok:zh-char|stem:no|refs:max"),
    ("rouge_2(tokenize=char)", EN, "rouge_2@1|tok:zh-char|stem:no|refs:max"),
]


@pytest.mark.parametrize(("spec", "setting", "start"), SIGNATURES)
def test_the_signature_says_all_that_decides_the_number(
    spec: str, setting: Setting, start: str
) -> None:
    assert build_metric(spec, setting).signature.startswith(start)


@pytest.mark.parametrize("name", NAMES)
def test_a_text_of_many_pages_is_scored(name: str) -> None:
    answer = "\n".join(f"line {n} of a long answer" for n in range(500))

    assert value(build_metric(name, EN), [(answer, (answer + "\nmore",))]) > 0.99
