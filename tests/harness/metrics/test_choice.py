from __future__ import annotations

from typing import Any

import pytest

from harness.metrics.base import Setting
from harness.metrics.choice import acc_norm
from harness.metrics.classify import accuracy
from harness.types import Completion
from tests.harness.metrics.support import one


def scored(*logprobs: float) -> Completion:
    return Completion(gold_id="g", finish="stop", prompt_tokens=1, choice_logprobs=logprobs)


ACCURACY = [
    ((-1.0, -2.0), 0, 1),
    ((-1.0, -2.0), 1, 0),
    ((-3.0, -2.0, -2.5), 1, 1),
    ((-2.0, -2.0), 0, 1),
    ((-2.0, -2.0), 1, 0),
    ((-5.0, -1.0, -1.0), 2, 0),
    ((float("-inf"), -9.0), 1, 1),
]


@pytest.mark.parametrize(("logprobs", "answer", "expected"), ACCURACY)
def test_the_most_likely_choice_counts_and_ties_go_to_the_first(
    gold: Any, logprobs: tuple[float, ...], answer: int, expected: int
) -> None:
    record = gold(choices=[f"choice {i}" for i in range(len(logprobs))], answer=answer)

    measurement = one(accuracy(Setting(language="en")), record, scored(*logprobs))

    assert measurement is not None
    assert measurement.stats == (expected, 1.0)


NORM = [
    # A long choice is not punished for its length: −6/12 bytes beats −4/4 bytes.
    (("abcd", "abcdefghijkl"), (-4.0, -6.0), 1, 1),
    (("abcd", "abcdefghijkl"), (-4.0, -6.0), 0, 0),
    # Chinese characters have three bytes each: −3/3 ties with −2/2, and the first wins.
    (("药", "ab"), (-3.0, -2.0), 0, 1),
    (("ab", "药"), (-2.0, -3.0), 0, 1),
    (("é", "e"), (-3.0, -2.0), 0, 1),
]


@pytest.mark.parametrize(("choices", "logprobs", "answer", "expected"), NORM)
def test_acc_norm_divides_by_the_bytes_of_a_choice(
    gold: Any, choices: tuple[str, ...], logprobs: tuple[float, ...], answer: int, expected: int
) -> None:
    record = gold(choices=choices, answer=answer)

    measurement = one(acc_norm(Setting(language="zh")), record, scored(*logprobs))

    assert measurement is not None
    assert measurement.stats == (expected, 1.0)


@pytest.mark.parametrize("factory", [accuracy, acc_norm])
def test_a_completion_without_likelihoods_is_not_scored(gold: Any, said: Any, factory: Any) -> None:
    record = gold(choices=["a", "b"], answer=0)

    assert one(factory(Setting(language="en")), record, said("a")) is None


def test_a_likelihood_per_choice_is_needed(gold: Any) -> None:
    record = gold(choices=["a", "b", "c"], answer=0)

    with pytest.raises(ValueError, match="longer"):
        one(accuracy(Setting(language="en")), record, scored(-1.0, -2.0))
