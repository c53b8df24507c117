"""Against lm_eval.api.metrics itself: its aggregations over raw items, ours over sums."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from harness.lmeval.aggregation import MeasuredMetric
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.metrics.imported import imported
from harness.spec import Spec
from harness.types import Completion, GoldRecord
from tests.harness.metrics.support import one

GOLD = GoldRecord(id="g", task="t", input="?")
RANDOM = random.Random(7)
LOGLIKELIHOODS = [-RANDOM.random() * 40 for _ in range(30)]
WEIGHTED = [(value, RANDOM.randrange(3, 90)) for value in LOGLIKELIHOODS]
CLASSES = [(RANDOM.randrange(2), RANDOM.randrange(2)) for _ in range(30)]
FIVE_CLASSES = [(RANDOM.randrange(5), RANDOM.randrange(5)) for _ in range(60)]
TEXTS = [
    ("The cat sat on the mat .", "The cat sat on a mat ."),
    ("It is raining today in London", "It rains in London today"),
    ("我们今天去公园 吧", "我们 去 公园"),
    ("nothing in common", ""),
]
ITEMS: dict[str, list[Any]] = {
    "mean": [0.0, 1.0, 1.0, 0.25, 3.5],
    "perplexity": LOGLIKELIHOODS,
    "weighted_perplexity": WEIGHTED,
    "bits_per_byte": WEIGHTED,
    "f1": CLASSES,
    "matthews_corrcoef": FIVE_CLASSES,
    "bleu": TEXTS,
    "chrf": TEXTS,
    "chrf++": TEXTS,
    "ter": TEXTS,
}


def completion(scores: dict[str, float]) -> Completion:
    return Completion(gold_id="g", finish="stop", prompt_tokens=1, scores=scores)


def totals(aggregation: Any, items: list[Any], classes: int = 2) -> tuple[Any, np.ndarray]:
    kept = MeasuredMetric(
        name="m", filter="none", aggregation=aggregation, how=aggregation, is_binary=False,
        higher_is_better=True, classes=classes,
    )  # fmt: skip
    metric = imported(Setting(language="en"), name="m", aggregation=aggregation, classes=classes)
    rows = [one(metric, GOLD, completion(kept.parts(item, None))) for item in items]
    return metric, np.asarray([row.stats for row in rows if row is not None])


@pytest.mark.parametrize("aggregation", ITEMS)
def test_sums_give_what_lm_eval_gives_over_raw_items(aggregation: str) -> None:
    from lm_eval.api.registry import get_aggregation

    items = ITEMS[aggregation]

    metric, stats = totals(aggregation, items, classes=5)

    theirs: Any = get_aggregation(aggregation)
    assert len(stats) == len(items)
    assert metric.reduce(stats.sum(axis=0)) == pytest.approx(theirs(items), rel=1e-12)


@pytest.mark.parametrize("aggregation", ITEMS)
def test_many_sums_are_reduced_at_once(aggregation: str) -> None:
    metric, stats = totals(aggregation, ITEMS[aggregation], classes=5)

    together = metric.reduce(np.stack([stats.sum(axis=0), stats[:2].sum(axis=0)]))

    assert together[1] == pytest.approx(float(metric.reduce(stats[:2].sum(axis=0))))


def test_two_classes_have_the_binary_coefficient() -> None:
    from sklearn.metrics import matthews_corrcoef

    metric, stats = totals("matthews_corrcoef", CLASSES)

    gold, predicted = zip(*CLASSES, strict=True)
    assert metric.reduce(stats.sum(axis=0)) == pytest.approx(matthews_corrcoef(gold, predicted))


def test_no_positive_at_all_is_an_f1_of_zero() -> None:
    metric, stats = totals("f1", [(0, 0), (0, 0)])

    assert metric.reduce(stats.sum(axis=0)) == 0.0


def test_an_answer_that_was_not_measured_is_not_scored() -> None:
    metric = imported(Setting(language="en"), name="acc")

    assert one(metric, GOLD, completion({"acc_norm": 1.0})) is None


def test_filters_are_told_apart() -> None:
    scores = completion({"exact_match,strict": 1.0, "exact_match,loose": 0.0})
    strict = imported(Setting(language="en"), name="exact_match", filter="strict")

    measured = one(strict, GOLD, scores)

    assert measured is not None
    assert measured.stats == (1.0, 1.0)


def test_the_signature_tells_who_measured_and_how() -> None:
    metric = imported(
        Setting(language="en"), name="ppl", aggregation="perplexity", better="lower",
        by="lm-eval-0.4.13",
    )  # fmt: skip

    expected = "imported@1|by:lm-eval-0.4.13|metric:ppl|filter:none|agg:perplexity"
    assert metric.signature == expected
    assert metric.scale.better == "lower"
    assert not metric.scale.is_binary


def test_only_a_mean_of_zeros_and_ones_is_binary() -> None:
    assert imported(Setting(language="en"), name="acc", binary=True).scale.is_binary
    assert not imported(
        Setting(language="en"), name="acc", binary=True, aggregation="f1"
    ).scale.is_binary


def test_a_metric_is_called_by_its_alias() -> None:
    spec = Spec.model_validate({"imported": {"name": "acc", "as": "acc"}})

    metric = build_metric(spec, Setting(language="en"))

    assert (spec.label, metric.name) == ("acc", "acc")
    assert metric.signature.startswith("imported@1|")
