"""Lengths in tokens, and what a limit would cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.lengths import (
    Length,
    bars,
    by_contents,
    by_template,
    cut_at,
    estimate,
    histogram,
    percentiles,
)
from finetune.encode import encode_row
from harness.templates import encode, load_template
from tests.finetune.data.support import chat, example
from tests.finetune.support import row

TALK = ("What is the maximum dose?", "two tablets a day", "适应症是什么？", "偏头痛。")


def test_a_row_is_as_long_as_the_trainer_makes_it(tokenizer: Any, tmp_path: Path) -> None:
    template = load_template("chatml", tmp_path)
    encoded, _, _ = encode_row(row(*TALK), template, tokenizer)

    length = by_template(tokenizer, template)(example(chat(*TALK)))

    assert length.n_tokens == len(encoded.input_ids)


def test_answers_lie_where_the_trainer_learns_them(tokenizer: Any, tmp_path: Path) -> None:
    template = load_template("chatml", tmp_path)
    encoded, _, _ = encode_row(row(*TALK), template, tokenizer)
    length = by_template(tokenizer, template)(example(chat(*TALK)))

    texts = [tokenizer.decode(list(encoded.input_ids[a:b])) for a, b in length.answers]

    assert texts == ["two tablets a day<|im_end|>", "偏头痛。<|im_end|>"]


def test_the_longer_answer_of_a_pair_counts(tokenizer: Any, tmp_path: Path) -> None:
    measure = by_template(tokenizer, load_template("chatml", tmp_path))
    pair = {"prompt": "dose?", "chosen": "two", "rejected": "two tablets a day"}

    length = measure(example(pair, "preference"))

    assert length == measure(example(chat("dose?", "two tablets a day")))


def test_rows_that_the_template_cannot_show_are_measured_by_their_contents(
    tokenizer: Any, tmp_path: Path
) -> None:
    measure = by_template(tokenizer, load_template("chatml", tmp_path))
    calling = {"messages": [{"role": "user", "content": "dose"}, {"role": "tool", "content": "2"}]}

    n_tokens = measure(example(calling)).n_tokens

    assert n_tokens == len(encode(tokenizer, "dose")) + len(encode(tokenizer, "2"))


def test_raw_text_is_counted_without_a_template(tokenizer: Any) -> None:
    length = by_contents(tokenizer)(example({"text": "two tablets"}, "text"))

    assert length == Length(n_tokens=len(encode(tokenizer, "two tablets")))


def test_an_estimate_counts_chinese_denser_than_english() -> None:
    english = estimate(example({"text": "a" * 38}, "text")).n_tokens
    chinese = estimate(example({"text": "好" * 14}, "text")).n_tokens

    assert (english, chinese) == (10, 10)


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    found = percentiles(list(range(100, 0, -1)))

    assert found == {
        "min": 1, "p5": 5, "p25": 25, "p50": 50, "p75": 75, "p95": 95, "p99": 99, "max": 100,
        "sum": 5050,
    }  # fmt: skip


@given(lengths=st.lists(st.integers(0, 5000), min_size=1, max_size=60))
def test_every_row_is_in_one_bin(lengths: list[int]) -> None:
    bins = histogram(lengths)

    assert sum(n for _, _, n in bins) == len(lengths)
    assert [n for _, _, n in bins] == [
        sum(low <= length < below for length in lengths) for low, below, _ in bins
    ]


def test_bars_show_the_largest_bin_in_full() -> None:
    assert bars([(0, 10, 4), (10, 20, 0), (20, 30, 1)]) == [
        f" 0 – 9   {'█' * 40} 4",
        "10 – 19   0",
        f"20 – 29  {'█' * 10} 1",
    ]


@pytest.mark.parametrize(
    ("limit", "lost", "torn"), [(5, (0,), ()), (10, (0,), ()), (11, (), (0,)), (19, (), (0,))]
)
def test_a_limit_loses_answers_behind_it_and_tears_those_across(
    limit: int, lost: tuple[int, ...], torn: tuple[int, ...]
) -> None:
    lengths = [Length(n_tokens=20, answers=((10, 20),)), Length(n_tokens=4, answers=((2, 4),))]

    cut = cut_at(lengths, limit)

    assert (cut.rows, cut.tokens, cut.lost, cut.torn) == ((0,), 20 - limit, lost, torn)


def test_a_row_as_long_as_the_limit_is_not_cut() -> None:
    assert cut_at([Length(n_tokens=20, answers=((10, 20),))], 20).rows == ()
