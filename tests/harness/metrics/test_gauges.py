"""Gauges of what was said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.base import Item, Setting
from harness.metrics.build import build_metric
from harness.metrics.loops import is_loop
from harness.metrics.refusals import is_refusal
from harness.metrics.scripts import is_in_language
from harness.registry import WHOLE_ANSWER
from harness.types import Completion, GoldRecord
from tests.harness.metrics.support import items, matrix, value

SHARES = ("repetition", "refusal", "empty", "stop_health", "language_match")


GAUGES = sorted(WHOLE_ANSWER - {"human"})
"""What is told from the answer alone; people's ratings are not."""


@pytest.mark.parametrize(
    ("language", "text", "n"),
    [
        ("en", "The cat sat.", 2),
        ("en", "", 0),
        ("zh", "每日两片，共 3 天。", 7),
        ("zh", "CT检查", 3),
    ],
)
def test_the_length_counts_words_and_chinese_characters(language: str, text: str, n: int) -> None:
    assert value(build_metric("length", Setting(language=language)), [(text, ("x",))]) == n


def test_the_length_ratio_is_of_sums_and_takes_the_nearest_reference() -> None:
    metric = build_metric("length_ratio", Setting(language="en"))
    pairs = [("one two three", ("one", "one two three four")), ("", ("one two",))]

    assert value(metric, pairs) == 3 / 6
    assert metric.measure(items([("one", ("...",))])) == [None]


def test_distinct_pairs_are_counted_within_each_answer() -> None:
    metric = build_metric("answer_distinct_2", Setting(language="en"))
    pairs = [("x y x y", ("r",)), ("x y", ("r",))]

    # Of 3 + 1 pairs, 2 + 1 are new in their answer; x y in the second is no repetition.
    assert value(metric, pairs) == 3 / 4
    assert value(build_metric("answer_distinct_1", Setting(language="en")), pairs) == 4 / 6


@pytest.mark.parametrize("text", ["", "一", "."])
def test_what_is_too_short_repeats_nothing(text: str) -> None:
    metric = build_metric("answer_distinct_2", Setting(language="zh"))

    assert value(metric, [(text, ("r",))]) == 1.0


LOOPS = [
    ("the cat " * 10, True),
    ("a b c d " * 4, True),
    ("!" * 20, True),
    ("每日两次。" * 5, True),
    ("He went home. " * 6 + "Then he slept well and rose early.", True),
    ("Yes.\n" * 7, True),
    ("1. Rest\n2. Rest well\n" + "Drink water\n" * 8, True),
    ("I think I think I think I think it", False),
    ("ha ha ha", False),
    ("no no no no no", False),
    ("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12", False),
    ("| a | b | c | d | e |\n|---|---|---|---|---|\n| 1 | 2 | 3 | 4 | 5 |", False),
    ("-" * 60, False),
    ("", False),
]


@pytest.mark.parametrize(("text", "expected"), LOOPS)
def test_a_loop_is_told(text: str, expected: bool) -> None:
    assert is_loop(text) is expected


@given(unit=st.lists(st.sampled_from(["w", "x", "y", "药", "."]), min_size=1, max_size=20))
def test_what_is_said_twenty_times_in_a_row_is_a_loop(unit: list[str]) -> None:
    assert is_loop("It began well. " + " ".join(unit * 20))


REFUSALS = [
    ("I'm sorry, but I can't help with that.", True),
    ("I’m unable to assist with this request.", True),
    ("I cannot provide medical advice.", True),
    ("I am not able to answer that.", True),
    ("Unfortunately, I won't be able to comply.", True),
    ("As an AI language model, I do not have opinions.", True),
    ("That is against my guidelines.", True),
    ("很抱歉，我无法回答这个问题。", True),
    ("对不起，我不能提供医疗建议。", True),
    ("作为一个人工智能助手，我不能诊断疾病。", True),
    ("我无法提供这类信息。", True),
    ("I can't believe how well it works.", False),
    ("Sorry for the delay; the answer is 4.", False),
    ("I'm sorry to hear that. She can't walk; see a doctor.", False),
    ("The patient cannot provide a history.", False),
    ("患者无法行走，建议手术。", False),
    ("抱歉让您久等了，答案是四。", False),
    ("不能与酒精同服。", False),
    ("x" * 300 + " I cannot help with that.", False),
    ("", False),
]


@pytest.mark.parametrize(("text", "expected"), REFUSALS)
def test_a_refusal_is_told_by_how_it_begins(text: str, expected: bool) -> None:
    assert is_refusal(text) is expected


SCRIPTS = [
    ("每日两片", "zh", True), ("每日两片", "en", False), ("Two tablets", "en", True), ("Two tablets", "zh", False),
    ("这是CT检查", "zh", True), ("Take 阿莫西林 twice a day with water", "en", True), ("42", "zh", True), ("42", "en", True),
    ("", "en", True), ("これはペンです", "zh", False), ("Привет", "en", False), ("Crème brûlée", "en", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "language", "expected"), SCRIPTS)
def test_the_language_is_told_by_the_script(text: str, language: str, expected: bool) -> None:
    assert is_in_language(text, language) is expected


def completion(**fields: Any) -> Item:
    values = {"gold_id": "g", "finish": "stop", "prompt_tokens": 1, **fields}
    return Item(
        gold=GoldRecord(id="g", task="t", input="?", references=("r",)),
        completion=Completion.model_validate(values),
    )


def test_what_was_cut_did_not_end_by_itself() -> None:
    metric = build_metric("stop_health", Setting(language="en"))
    said = [completion(text="a"), completion(text="b", finish="length"), completion(finish="error")]

    assert [one and one.stats[0] for one in metric.measure(said)] == [1.0, 0.0, 0.0]


def test_blank_answers_are_empty() -> None:
    metric = build_metric("empty", Setting(language="en"))

    assert value(metric, [("", ("r",)), (" \n", ("r",)), (".", ("r",)), ("a", ("r",))]) == 0.5


@pytest.mark.parametrize("name", GAUGES)
def test_a_choice_by_likelihood_says_nothing_to_gauge(name: str) -> None:
    metric = build_metric(name, Setting(language="en"))

    assert metric.measure([completion(choice_logprobs=(-1.0, -2.0))]) == [None]


@pytest.mark.parametrize("name", GAUGES)
@given(language=st.sampled_from(["en", "zh"]), texts=st.lists(st.text(max_size=30), min_size=1, max_size=4))  # fmt: skip
def test_a_gauge_stays_on_its_scale(name: str, language: str, texts: list[str]) -> None:
    metric = build_metric(name, Setting(language=language))
    rows = matrix(metric, [(text, ("a reference",)) for text in texts])

    values = np.append(metric.reduce(rows), metric.reduce(rows.sum(axis=0)))

    assert np.isfinite(values).all()
    assert (values >= metric.scale.low).all()
    assert (values <= metric.scale.high).all()


@pytest.mark.parametrize("name", SHARES)
def test_a_share_is_the_mean_of_zeros_and_ones(name: str) -> None:
    metric = build_metric(name, Setting(language="en"))

    assert metric.scale.is_binary
    assert set(matrix(metric, [("a b", ("r",)), ("", ("r",))])[:, 0].tolist()) <= {0.0, 1.0}


def test_texts_that_people_wrote_are_neither_loops_nor_refusals(SHARED: Path) -> None:
    folder = SHARED / "data"
    texts: list[str] = []
    for name in ("gsm8k/test.jsonl", "mts-dialog/gold.jsonl", "cmrc2018/gold.jsonl"):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            texts += [
                row[key] for key in ("answer", "input", "output") if isinstance(row.get(key), str)
            ]

    assert len(texts) > 3000
    assert [text for text in texts if is_loop(text)] == []
    assert [text for text in texts if is_refusal(text)] == []
