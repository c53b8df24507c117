"""Token F1, SQuAD v2 and CMRC 2018 against the official scripts' rules (references.py)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.metrics.base import Setting
from harness.metrics.build import build_metric, suite_metrics
from harness.suite import load_suite
from harness.types import Completion, GoldRecord
from tests.harness.metrics import references
from tests.harness.metrics.support import Pairs, items, one, value

EN, ZH = Setting(language="en"), Setting(language="zh")
SEED = 20260101

F1 = [
    ("en", "the cat sat", ("cat sat down",), 0.8),
    ("en", "cat cat", ("cat",), 2 / 3),
    ("en", "dog", ("cat",), 0.0),
    ("en", "dog", ("cat", "the dog"), 1.0),
    ("en", "", ("cat",), 0.0),
    ("en", "!", ("...",), 0.0),
    ("en", "...", ("...",), 1.0),
    ("en", "A.", ("A",), 1.0),
    ("en", "", ("A",), 0.0),
    ("en", "", (), 1.0),
    ("en", "the", (), 1.0),
    ("en", "dog", (), 0.0),
    ("zh", "每日两片", ("每日一片",), 0.75),
    ("zh", "北京", ("北京市",), 0.8),
    ("zh", "１０ｍｇ", ("10mg",), 1.0),
    ("zh", "用Aspirin", ("aspirin",), 2 / 3),
    ("zh", "", ("药",), 0.0),
    ("zh", "。", ("。",), 1.0),
    ("zh", "", ("。",), 0.0),
]


@pytest.mark.parametrize(("language", "answer", "refs", "expected"), F1)
def test_token_f1_of_a_hand_counted_pair(
    language: str, answer: str, refs: tuple[str, ...], expected: float
) -> None:
    found = value(build_metric("token_f1", Setting(language=language)), [(answer, refs)])

    assert found == pytest.approx(expected, rel=1e-12)


# HF evaluate, metrics/squad and squad_v2 README: two right of three is 66.666…
def test_two_right_of_three_are_two_thirds() -> None:
    pairs: Pairs = [("1976", ("1976",)), ("Beyonce", ("Beyoncé and Bruno Mars",)), ("climate change", ("climate change",))]  # fmt: skip

    assert value(build_metric("squad_em", EN), pairs) == pytest.approx(2 / 3)
    assert value(build_metric("exact_match", EN), pairs) == pytest.approx(2 / 3)


def xquad(data: Path, language: str) -> Iterator[tuple[str, str, int]]:
    found = json.loads((data / "xquad" / f"xquad.{language}.json").read_text(encoding="utf-8"))
    for article in found["data"]:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                (answer,) = qa["answers"]
                yield answer["text"], paragraph["context"], answer["answer_start"]


def cmrc(data: Path) -> Iterator[tuple[tuple[str, ...], str, int]]:
    for file in ("cmrc2018_dev_every4th", "cmrc2018_trial"):
        text = (data / "cmrc2018" / f"{file}.squad.json").read_text(encoding="utf-8")
        for article in json.loads(text)["data"]:
            for paragraph in article["paragraphs"]:
                for qa in paragraph["qas"]:
                    truths = tuple(answer["text"] for answer in qa["answers"])
                    yield truths, paragraph["context"], qa["answers"][0]["answer_start"]


def perturbed(rng: random.Random, truth: str, context: str, start: int) -> str:
    """Return a span near the answer, the answer with other case or marks, or no answer."""
    end = start + len(truth)
    span = context[max(0, start - rng.randrange(25)) : end + rng.randrange(25)]
    return rng.choice(
        [truth, span, span, context[start + rng.randrange(3) : end], truth.upper() + "。", ""]
    )


@pytest.fixture(scope="module")
def data(SHARED: Path) -> Path:
    return SHARED / "data"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_squad_v1_and_v2_on_all_of_xquad_equal_the_official_scripts(
    data: Path, language: str
) -> None:
    # With the English rules in Chinese too: that is what the scripts do (and why F1 becomes EM).
    rng = random.Random(SEED)
    pairs: Pairs = [
        (perturbed(rng, *found), () if rng.random() < 0.3 else (found[0],))
        for found in xquad(data, language)
    ]
    answers, truths = [said for said, _ in pairs], [refs for _, refs in pairs]
    answered = [(said, refs) for said, refs in pairs if refs]

    assert len(pairs) == 1190
    for part, (exact, f1, total) in references.squad2(answers, truths).items():
        for name, expected in (("squad_em", exact), ("squad_f1", f1)):
            metric = build_metric(f"{name}(part={part})", EN)
            scored = [m.stats for m in metric.measure(items(pairs)) if m is not None]
            assert len(scored) == total
            assert 100 * metric.reduce(np.sum(scored, axis=0)) == pytest.approx(expected, rel=1e-14)
    v1 = [references.squad1_f1(said, refs[0]) for said, refs in answered]
    assert value(build_metric("token_f1", EN), answered) == sum(v1) / len(v1)
    exact = [references.squad1_em(said, refs[0]) for said, refs in answered]
    assert value(build_metric("exact_match", EN), answered) == sum(exact) / len(exact)


def test_all_of_cmrc2018_scores_as_its_official_script_does(data: Path) -> None:
    rng = random.Random(SEED)
    pairs: Pairs = [
        (perturbed(rng, truths[0], context, start), truths) for truths, context, start in cmrc(data)
    ]
    em, f1 = references.cmrc([said for said, _ in pairs], [refs for _, refs in pairs])

    assert len(pairs) == 1804
    assert 100 * value(build_metric("cmrc_em", ZH), pairs) == pytest.approx(em, rel=1e-14)
    assert 100 * value(build_metric("cmrc_f1", ZH), pairs) == pytest.approx(f1, rel=1e-14)
    assert 20 < em < 80
    assert em < f1 < 90


def test_chinese_xquad_scores_as_the_cmrc_script_does(data: Path) -> None:
    rng = random.Random(SEED)
    pairs: Pairs = [(perturbed(rng, *found), (found[0],)) for found in xquad(data, "zh")]
    em, f1 = references.cmrc([said for said, _ in pairs], [refs for _, refs in pairs])

    assert 100 * value(build_metric("cmrc_em", ZH), pairs) == pytest.approx(em, rel=1e-14)
    assert 100 * value(build_metric("cmrc_f1", ZH), pairs) == pytest.approx(f1, rel=1e-14)


CMRC_CASES = [
    # The shared run is unbroken: 每日 is 2 of 4, although 每日片 is a common subsequence.
    ("每日两片", "每日一片", 0, 0.5),
    ("北京。", "北京", 1, 1.0),
    ("用Aspirin治疗", "aspirin", 0, 0.4),
    ("COVID-19", "covid 19", 0, 0.0),
    ("a……b", "a……b", 1, 1.0),
    ("。", "。", 1, 0.0),
    ("", "药", 0, 0.0),
]


@pytest.mark.parametrize(("answer", "reference", "em", "f1"), CMRC_CASES)
def test_cmrc_of_a_hand_counted_pair(answer: str, reference: str, em: int, f1: float) -> None:
    pair = [(answer, (reference,))]

    assert value(build_metric("cmrc_em", ZH), pair) == em
    assert value(build_metric("cmrc_f1", ZH), pair) == pytest.approx(f1)


texts = st.text(alphabet="药片每日 aB1.-，。…《", max_size=12)


@given(answer=texts, refs=st.lists(texts, min_size=1, max_size=3).map(tuple))
def test_cmrc_scores_any_text_as_the_official_script(answer: str, refs: tuple[str, ...]) -> None:
    em, f1 = references.cmrc([answer], [refs])

    assert 100 * value(build_metric("cmrc_em", ZH), [(answer, refs)]) == em
    assert 100 * value(build_metric("cmrc_f1", ZH), [(answer, refs)]) == pytest.approx(
        f1, rel=1e-14
    )


english = st.text(alphabet="the an cat.A!é ", max_size=14)


@given(answer=english, refs=st.lists(english, max_size=3).map(tuple))
def test_squad_v2_scores_any_text_as_the_official_script(
    answer: str, refs: tuple[str, ...]
) -> None:
    exact, f1, _ = references.squad2([answer, "", ""], [refs, ("x",), ()])["all"]
    pairs: Pairs = [(answer, refs), ("", ("x",)), ("", ())]

    assert 100 * value(build_metric("squad_em", EN), pairs) == pytest.approx(exact, rel=1e-14)
    assert 100 * value(build_metric("squad_f1", EN), pairs) == pytest.approx(f1, rel=1e-14)


@given(answer=english, reference=english)
def test_token_f1_is_the_official_f1_wherever_the_reference_has_a_word(
    answer: str, reference: str
) -> None:
    # Where it has none the script gives 0 even to the reference itself.
    assume(references.squad_normal(reference))

    found = value(build_metric("token_f1", EN), [(answer, (reference,))])

    assert found == references.squad1_f1(answer, reference)


ABSTENTIONS = [
    ("Unanswerable.", (), 1, 1),
    ("unanswerable", ("Paris",), 0, 0),
    ("no answer", (), 0, 0),
    ("", (), 1, 1),
    ("", ("Paris",), 0, 0),
    ("the", (), 1, 1),
    ("Paris", (), 0, 0),
    ("Paris France", ("Paris",), 0, 2 / 3),
]


@pytest.mark.parametrize(("answer", "refs", "em", "f1"), ABSTENTIONS)
def test_a_declared_phrase_abstains_like_an_empty_answer(
    answer: str, refs: tuple[str, ...], em: float, f1: float
) -> None:
    pair: Pairs = [(answer, refs)]

    assert value(build_metric("squad_em(no_answer=[unanswerable])", EN), pair) == em
    assert value(build_metric("squad_f1(no_answer=[unanswerable])", EN), pair) == pytest.approx(f1)


def test_a_chinese_phrase_abstains_too() -> None:
    metric = build_metric('squad_f1(no_answer=["无法回答"])', ZH)

    assert value(metric, [("无法回答。", ()), ("北京市", ("北京",))]) == pytest.approx(0.9)
    assert "no-answer:无法回答" in metric.signature


READING = """\
name: toy
version: "1"
language: {language}
description: Reading.
tasks:
  read:
    type: extractive_qa
"""
READING_GOLD = [
    {"id": "1", "task": "read", "input": {"context": "…", "question": "?"}, "references": ["北京"]},
    {"id": "2", "task": "read", "input": {"context": "…", "question": "?"}},
]


@pytest.mark.parametrize(
    ("language", "phrase", "names"),
    [
        ("en", "unanswerable", ["squad_em", "squad_f1"]),
        ("zh", "无法回答", ["cmrc_em", "cmrc_f1"]),
    ],
)
def test_what_the_task_asks_to_say_without_an_answer_is_right_there_and_wrong_elsewhere(
    suite_folder: Any, language: str, phrase: str, names: list[str]
) -> None:
    suite = load_suite(suite_folder(READING.format(language=language), READING_GOLD))
    metrics = suite_metrics(suite)

    assert [metric.name for metric in metrics] == names
    for metric in metrics:
        assert f"|no-answer:{phrase}" in metric.signature
        assert value(metric, [(f"{phrase.upper()}。", ()), (phrase, ("北京",))]) == 0.5


@pytest.mark.parametrize(
    "name", ["exact_match", "contains", "starts_with", "token_f1", "squad_em", "cmrc_f1"]
)
def test_a_phrase_for_no_answer_counts_in_every_text_metric(name: str) -> None:
    metric = build_metric(name, Setting(language="en", no_answer=("no answer",)))

    assert value(metric, [("No answer.", ()), ("Paris", ("Paris",))]) == 1.0
    assert value(metric, [("No answer.", ("Paris",)), ("Paris", ())]) == 0.0


@pytest.mark.parametrize("name", ["token_f1", "squad_em", "squad_f1", "cmrc_em", "cmrc_f1"])
def test_a_choice_item_has_no_text_to_score(name: str) -> None:
    gold = GoldRecord(id="g", task="t", input="?", choices=("a", "b"), answer=0)
    chosen = Completion(gold_id="g", finish="stop", prompt_tokens=1, choice_logprobs=(-1.0, -2.0))

    assert one(build_metric(name, EN), gold, chosen) is None


@pytest.mark.parametrize(
    "text", ["患者每日口服两片，共七天。", "服用Aspirin １００ｍｇ，每日1次。"]
)
@pytest.mark.parametrize("name", ["token_f1", "squad_em", "squad_f1", "cmrc_em", "cmrc_f1"])
def test_identical_chinese_texts_score_one(name: str, text: str) -> None:
    assert value(build_metric(name, ZH), [(text, (text,))]) == 1.0


SIGNATURES = {
    "token_f1": "token_f1@2|tok:squad1|refs:max",
    "squad_em": "squad_em@1|tok:squad1|refs:max|part:all",
    "squad_f1(part=no_answer)": "squad_f1@1|tok:squad1|refs:max|part:no_answer",
    "cmrc_em": "cmrc_em@1|norm:cmrc2018|refs:any",
}


@pytest.mark.parametrize(("spec", "signature"), SIGNATURES.items())
def test_the_signature_says_what_decides_the_number(spec: str, signature: str) -> None:
    assert build_metric(spec, EN).signature == signature
    assert build_metric("cmrc_f1", ZH).signature.startswith("cmrc_f1@1|tok:cmrc2018-mixed|run:")
