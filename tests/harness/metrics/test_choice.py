from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.metrics.choice import acc_norm
from harness.metrics.classify import accuracy
from harness.types import Completion
from tests.harness.metrics.support import one

EN = Setting(language="en")


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


def test_characters_or_bytes_decide_between_languages(gold: Any) -> None:
    # −5 for 药片 is −0.83 a byte and −2.5 a character; −4 for abcd is −1 either way.
    record = gold(choices=["药片", "abcd"], answer=0)

    by_bytes = one(build_metric("acc_norm", EN), record, scored(-5.0, -4.0))
    by_characters = one(build_metric("acc_norm(per=characters)", EN), record, scored(-5.0, -4.0))

    assert by_bytes is not None
    assert by_bytes.stats == (1.0, 1.0)
    assert by_characters is not None
    assert by_characters.stats == (0.0, 1.0)
    assert build_metric("acc_norm", EN).signature == "acc_norm@1|by:loglikelihood|norm:bytes"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_accuracies_and_brier_equal_what_lm_eval_makes_of_the_same_likelihoods(gold: Any) -> None:
    metrics = pytest.importorskip("lm_eval.api.metrics")
    task = importlib.import_module("lm_eval.api.task")
    rng = np.random.default_rng(5)
    pool = ["a", "yes", "in the morning", "药", "每日两片", "Ünïcode", "用Aspirin", "😀", "no"]
    ours = ["accuracy", "acc_norm(per=characters)", "acc_norm", "brier"]
    theirs = ["acc", "acc_norm", "acc_bytes", "brier_score"]
    for _ in range(400):
        n = int(rng.integers(2, 5))
        choices = [str(text) for text in rng.choice(pool, size=n, replace=False)]
        answer = int(rng.integers(n))
        # Whole numbers, so that some are equal.
        logprobs = tuple(float(-x) for x in rng.integers(1, 12, size=n))
        fake = SimpleNamespace(
            config=SimpleNamespace(process_results=None),
            _metric_fn_list=dict.fromkeys(theirs),
            OUTPUT_TYPE="multiple_choice",
            multiple_input=False,
            multiple_target=False,
            doc_to_choice=lambda doc: doc["choices"],
            doc_to_target=lambda doc: doc["answer"],
        )
        expected = task.ConfigurableTask.process_results(
            fake, {"choices": choices, "answer": answer}, [(x, False) for x in logprobs]
        )
        record = gold(choices=choices, answer=answer)
        found = [one(build_metric(name, EN), record, scored(*logprobs)) for name in ours]

        values = [measurement.stats[0] for measurement in found if measurement is not None]
        assert values[:3] == [expected[name] for name in theirs[:3]], (choices, logprobs)
        brier = metrics.brier_score([expected["brier_score"]])
        assert values[3] == pytest.approx(brier, rel=1e-12)
