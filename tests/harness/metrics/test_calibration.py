"""Calibration against other implementations of the same formulas."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn import metrics as sk

from harness.errors import ConfigError
from harness.metrics.base import Item, Setting
from harness.metrics.build import build_metric
from harness.types import Completion, GoldRecord

SETTING = Setting(language="en")
LETTERS = ("A", "B", "C", "D")


def item(logprobs: Sequence[float] | None, answer: int) -> Item:
    n = len(logprobs) if logprobs else 2
    return Item(
        gold=GoldRecord(id="g", task="t", input="?", choices=LETTERS[:n], answer=answer),
        completion=Completion(
            gold_id="g",
            finish="stop",
            prompt_tokens=1,
            choice_logprobs=None if logprobs is None else tuple(logprobs),
        ),
    )


def value(spec: str, rows: Sequence[tuple[Sequence[float], int]]) -> float:
    metric = build_metric(spec, SETTING)
    found = metric.measure([item(logprobs, answer) for logprobs, answer in rows])
    return float(metric.reduce(np.sum([m.stats for m in found if m is not None], axis=0)))


def guo(shares: np.ndarray, answers: np.ndarray, n_bins: int) -> float:
    """Guo et al. 2017, eq. 3, as in their code: bins (low, high], weighted by their share."""
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == answers
    edges = np.linspace(0, 1, n_bins + 1)
    total = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gap = abs(confidence[inside].mean() - right[inside].mean())
            total += inside.mean() * gap
    return float(total)


@pytest.fixture(scope="module")
def rows() -> list[tuple[list[float], int]]:
    rng = np.random.default_rng(11)
    logprobs = rng.normal(-20, 3, size=(800, 4))
    return [(row.tolist(), int(answer)) for row, answer in zip(logprobs, rng.integers(0, 4, 800), strict=True)]  # fmt: skip


@pytest.mark.parametrize("n_bins", [1, 10, 15, 100])
def test_ece_equals_the_formula_of_guo(rows: list[tuple[list[float], int]], n_bins: int) -> None:
    shares = softmax(np.asarray([logprobs for logprobs, _ in rows]), axis=1)
    answers = np.asarray([answer for _, answer in rows])

    assert value(f"ece(bins={n_bins})", rows) == pytest.approx(
        guo(shares, answers, n_bins), rel=1e-12
    )


def test_ece_has_fifteen_bins_unless_told(rows: list[tuple[list[float], int]]) -> None:
    assert value("ece", rows) == value("ece(bins=15)", rows)
    assert build_metric("ece", SETTING).signature == "ece@1|bins:15|confidence:softmax"


def test_brier_equals_scikit_learn_and_lm_evals_formula(
    rows: list[tuple[list[float], int]],
) -> None:
    shares = softmax(np.asarray([logprobs for logprobs, _ in rows]), axis=1)
    answers = np.asarray([answer for _, answer in rows])
    lm_eval = np.mean(np.sum((shares - np.eye(4)[answers]) ** 2, axis=1))

    found = value("brier", rows)

    assert found == pytest.approx(lm_eval, rel=1e-12)
    # scikit-learn's annotations take a string here and its documentation a boolean.
    options: dict[str, Any] = {"labels": [0, 1, 2, 3], "scale_by_half": False}
    library = sk.brier_score_loss(answers, shares, **options)
    assert found == pytest.approx(library, rel=1e-12)


def test_nll_equals_scikit_learns_log_loss(rows: list[tuple[list[float], int]]) -> None:
    shares = softmax(np.asarray([logprobs for logprobs, _ in rows]), axis=1)
    answers = [answer for _, answer in rows]

    assert value("nll", rows) == pytest.approx(sk.log_loss(answers, shares), rel=1e-12)


HAND = [
    ("ece", [((0.0, 0.0), 0)], 0.5),
    ("ece", [((0.0, 0.0), 0), ((0.0, 0.0), 1)], 0.0),
    # A confidence of ½ belongs to (0, ½], not to the bin above, where ½ and 0.9 would meet.
    ("ece(bins=2)", [((0.0, 0.0), 0), ((math.log(9), 0.0), 1)], 0.7),
    ("ece", [((0.0, -1000.0), 0)], 0.0),
    ("ece", [((0.0, -1000.0), 1)], 1.0),
    ("brier", [((0.0, 0.0), 0)], 0.5),
    ("brier", [((0.0, -1000.0), 1)], 2.0),
    ("nll", [((0.0, 0.0), 1)], math.log(2)),
    ("nll", [((0.0, -math.inf), 1)], -math.log(np.finfo(float).eps)),
]


@pytest.mark.parametrize(("name", "given_rows", "expected"), HAND)
def test_a_hand_counted_value(
    name: str, given_rows: list[tuple[tuple[float, ...], int]], expected: float
) -> None:
    assert value(name, given_rows) == pytest.approx(expected, rel=1e-12, abs=1e-15)


logprobs = st.lists(st.floats(-300, 0), min_size=2, max_size=4)


@pytest.mark.parametrize("name", ["ece", "brier", "nll"])
@given(rows=st.lists(st.tuples(logprobs, st.integers(0, 1)), min_size=1, max_size=8))
def test_a_value_lies_on_its_scale_in_any_order(
    name: str, rows: list[tuple[list[float], int]]
) -> None:
    scale = build_metric(name, SETTING).scale

    found = value(name, rows)

    assert scale.better == "lower"
    assert scale.low <= found <= scale.high * (1 + 1e-12)
    assert value(name, rows[::-1]) == pytest.approx(found, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", ["ece", "brier", "nll"])
def test_a_right_and_sure_answer_is_best(name: str) -> None:
    assert value(name, [((0.0, -900.0), 0)]) < value(name, [((0.0, -1.0), 0)])


@pytest.mark.parametrize("name", ["ece", "brier", "nll"])
@pytest.mark.parametrize("given_logprobs", [None, (-math.inf, -math.inf)])
def test_without_likelihoods_there_is_nothing_to_score(
    name: str, given_logprobs: tuple[float, ...] | None
) -> None:
    assert build_metric(name, SETTING).measure([item(given_logprobs, 0)]) == [None]


def test_the_number_of_bins_is_checked() -> None:
    with pytest.raises(ConfigError, match="'ece': parameter 'bins'"):
        build_metric("ece(bins=0)", SETTING)
