from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.compare import compare
from harness.metrics.base import BINARY, UNIT, Array, CorpusMetric, MeanMetric, Metric
from harness.scoring import Scores
from harness.seeds import NoiseFloor, mean_of_seeds, noise_floor, noise_warnings
from harness.types import GoldRecord
from tests.harness.test_advice import found

RECORDS = tuple(GoldRecord(id=f"g{i}", task="t", input="?") for i in range(6))
RIGHT = MeanMetric(name="right", signature="right@1", score=lambda g, c: 0.0, scale=BINARY)
FRACTION = CorpusMetric(
    name="ratio",
    signature="ratio@1",
    statistics=lambda g, c: None,
    formula=lambda totals: totals[..., 0] / totals[..., 1],
    scale=UNIT,
)


def scores(stats: list[tuple[float, ...]], metric: Metric = RIGHT, **fields: Any) -> Scores:
    return Scores(
        run="x",
        suite="s",
        metric=metric,
        gold_digest="g",
        template_digest="t",
        stats={record.id: row for record, row in zip(RECORDS, stats, strict=False)},
        planned=RECORDS,
        **fields,
    )


def right(*values: float) -> Scores:
    return scores([(value, 1.0) for value in values])


def test_the_mean_of_seeds_is_the_mean_of_their_values() -> None:
    seeds = [right(1, 0, 0, 0, 0, 0), right(1, 1, 0, 0, 0, 0), right(1, 1, 1, 0, 0, 0)]

    merged = mean_of_seeds(seeds, "lora")

    assert merged.run == "lora"
    assert merged.value() == pytest.approx(2 / 6)
    assert merged.item_scores()["g1"] == pytest.approx(2 / 3)


def test_a_corpus_metric_is_taken_of_all_answers_together() -> None:
    seeds = [scores([(1, 2)] * 6, FRACTION), scores([(3, 4)] * 6, FRACTION)]

    merged = mean_of_seeds(seeds, "lora")

    assert merged.value() == pytest.approx(4 / 6)
    totals: Array = merged.matrix(list(merged.stats)).sum(axis=0)
    assert totals == pytest.approx(np.array([12.0, 18.0]))  # the size of one run


def test_an_item_counts_where_every_seed_has_a_score() -> None:
    merged = mean_of_seeds([right(1, 1, 1, 1, 1, 1), right(0, 0, 0)], "lora")

    assert list(merged.stats) == ["g0", "g1", "g2"]
    assert merged.coverage == 0.5


def test_an_answer_that_one_seed_lacks_is_counted() -> None:
    one = replace(right(1, 0, 0), not_extracted=frozenset({"g1"}))
    other = replace(right(1, 1, 0), not_extracted=frozenset({"g2"}))

    assert mean_of_seeds([one, other], "lora").not_extracted == {"g1", "g2"}


def test_means_of_right_and_wrong_are_compared_by_bootstrap_one_seed_by_mcnemar() -> None:
    base = replace(right(0, 0, 0, 0, 1, 1), run="base")
    seeds = [right(1, 1, 1, 1, 1, 0), right(1, 0, 1, 1, 1, 0)]

    several = compare(base, mean_of_seeds(seeds, "lora"), n_draws=200)
    one = compare(base, mean_of_seeds(seeds[:1], "lora"), n_draws=200)

    assert several.method == "paired bootstrap"
    assert several.difference.value == pytest.approx((3 / 6 + 2 / 6) / 2)
    assert one.method == "exact McNemar, score interval"


def test_equal_seeds_compare_as_one_of_them_would_by_bootstrap() -> None:
    plain = MeanMetric(name="right", signature="right@1", score=lambda g, c: 0.0, scale=UNIT)
    stats = [(value, 1.0) for value in (0.2, 0.9, 0.4, 0.0, 1.0, 0.3)]
    base = replace(scores([(0.1, 1.0)] * 6, plain), run="base")
    seed = scores(stats, plain)

    merged = compare(base, mean_of_seeds([seed, seed, seed], "x"), n_draws=500)

    alone = compare(base, seed, n_draws=500)
    assert merged.difference.low == pytest.approx(alone.difference.low, abs=1e-12)
    assert merged.p_value == alone.p_value


def test_the_noise_floor_is_the_standard_deviation_between_seeds() -> None:
    seeds = [right(1, 0, 0, 0, 0, 0), right(1, 1, 1, 0, 0, 0), right(1, 1, 0, 0, 0, 0)]

    floor = noise_floor(seeds, [0, 1, 7], "lora")

    assert floor is not None
    assert floor.seeds == (0, 1, 7)
    assert floor.values == pytest.approx((1 / 6, 3 / 6, 2 / 6))
    assert floor.deviation == pytest.approx(1 / 6)
    assert floor.mean == pytest.approx(2 / 6)


def test_one_seed_has_no_noise_floor() -> None:
    assert noise_floor([right(1, 0, 0, 0, 0, 0)], [0], "lora") is None


def test_seeds_that_are_not_scored_have_no_noise_floor() -> None:
    assert noise_floor([right(), right(1, 1)], [0, 1], "lora") is None


def floor_of(name: str, *values: float) -> NoiseFloor:
    return NoiseFloor(
        configuration=name,
        suite="clinic",
        metric="token_f1",
        seeds=tuple(range(len(values))),
        values=values,
    )


def test_a_difference_below_the_noise_floor_is_warned_about() -> None:
    comparisons = [
        found("a", "clinic", "improved", 0.20),
        found("b", "clinic", "improved", 0.21),
        found("c", "clinic", "improved", 0.40),
    ]

    (warning,) = noise_warnings(comparisons, [floor_of("a", 0.43, 0.45, 0.47)])

    assert warning == (
        "clinic token_f1: the difference is smaller than what the seed of training alone changes "
        "(standard deviation between seeds): a and b (0.01 < 0.02)"
    )


def test_a_gain_over_the_baseline_below_the_noise_floor_is_warned_about() -> None:
    (warning,) = noise_warnings(
        [found("a", "clinic", "improved", 0.01)], [floor_of("a", 0.20, 0.26, 0.32)]
    )

    assert "base and a (0.01 < 0.06)" in warning


def test_many_pairs_below_the_noise_floor_are_counted() -> None:
    comparisons = [found(name, "clinic", "improved", 0.3) for name in "abcd"]

    (warning,) = noise_warnings(comparisons, [floor_of("a", 0.3, 0.5), floor_of("b", 0.3, 0.5)])

    assert warning.count("<") == 3
    assert warning.endswith(" and 2 more pairs")


@pytest.mark.parametrize("is_primary", [True, False])
def test_differences_above_the_noise_floor_or_not_primary_are_not_warned_about(
    is_primary: bool,
) -> None:
    gain = 0.3 if is_primary else 0.001
    comparison = found("a", "clinic", "improved", gain, is_primary=is_primary)

    assert noise_warnings([comparison], [floor_of("a", 0.5, 0.52)]) == []
