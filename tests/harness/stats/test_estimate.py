"""One-sample intervals: against closed forms, against the paired bootstrap, and by coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.stats.bootstrap import paired_bootstrap
from harness.stats.estimate import Part, bootstrap, draws_for
from harness.stats.resample import Array


def mean(totals: Array) -> Array:
    return totals[..., 0] / totals[..., 1]


def scores(values: Array) -> Part:
    return Part(stats=np.stack([values, np.ones_like(values)], axis=1), reduce=mean, spread=1.0)


def test_the_interval_of_a_mean_is_that_of_the_normal_law_for_many_items() -> None:
    values = np.random.default_rng(0).exponential(size=5_000)

    [interval] = bootstrap([scores(values)])

    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    assert interval.value == pytest.approx(values.mean(), abs=1e-12)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_few_items_get_students_interval() -> None:
    values = np.random.default_rng(1).normal(size=12)

    [interval] = bootstrap([scores(values)])

    half = stats.t.ppf(0.975, 11) * values.std(ddof=1) / np.sqrt(12)
    assert interval.high - interval.value == pytest.approx(half, rel=0.03)


def test_items_of_one_cluster_are_drawn_together() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(100), 10)
    values = rng.normal(size=100)[groups]

    [alone] = bootstrap([scores(values)])
    [clustered] = bootstrap([scores(values)], groups=groups.tolist())

    assert (clustered.high - clustered.low) / (alone.high - alone.low) == pytest.approx(
        np.sqrt(10), rel=0.1
    )


def test_it_agrees_with_the_interval_that_a_comparison_shows() -> None:
    values = scores(np.random.default_rng(3).random(400))

    [interval] = bootstrap([values])
    paired = paired_bootstrap(values.stats, values.stats, mean, spread=1.0).first

    assert interval.low == pytest.approx(paired.low, abs=1e-12)
    assert interval.high == pytest.approx(paired.high, abs=1e-12)


def test_metrics_side_by_side_get_what_each_gets_alone() -> None:
    rng = np.random.default_rng(4)
    first, second = scores(rng.random(300)), scores(rng.random(300))

    both = bootstrap([first, second])

    assert both == [*bootstrap([first]), *bootstrap([second])]


def test_items_that_are_all_alike_do_not_make_a_value_certain() -> None:
    [interval] = bootstrap([scores(np.ones(50))])

    assert interval.value == 1.0
    assert 0.9 < interval.low < 1.0


@pytest.mark.parametrize("score", [0.1, 0.6, 0.7])
def test_rounding_does_not_make_equal_items_certain(score: float) -> None:
    [interval] = bootstrap([scores(np.full(50, score))])

    assert interval.high - score == pytest.approx(score - interval.low, abs=1e-9)
    assert interval.high - score > 0.05


def test_many_groups_get_fewer_draws() -> None:
    assert draws_for(9_999) == 10 * draws_for(10_000)


@pytest.mark.slow
def test_nineteen_of_twenty_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(6)
    hits = 0
    for seed in range(300):
        [interval] = bootstrap([scores(rng.exponential(size=80))], n_draws=2_000, seed=seed)
        hits += interval.low <= 1.0 <= interval.high

    assert 0.90 <= hits / 300 <= 0.98
