from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.stats.bootstrap import (
    Systems,
    bootstrap_values,
    joint_draws,
    paired_bootstrap,
    paired_bootstraps,
)
from harness.stats.resample import group_numbers, sum_by_group, weights
from harness.stats.studentised import influences

Array = NDArray[np.float64]


def mean(totals: Array) -> Array:
    return totals[..., 0] / totals[..., 1]


def rows(scores: Array) -> Array:
    return np.column_stack([scores, np.ones(len(scores))])


@pytest.fixture
def pair() -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    before = rng.beta(2, 3, size=120)
    return rows(before), rows(np.clip(before + rng.normal(0.03, 0.1, size=120), 0, 1))


def test_identical_systems_do_not_differ(pair: tuple[Array, Array]) -> None:
    found = paired_bootstrap(pair[0], pair[0], mean, n_draws=500)

    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    assert found.p_value == 1.0
    assert found.standard_error == 0
    assert not found.difference.excludes_zero


def test_one_differing_segment_of_a_thousand_is_no_evidence() -> None:
    # Riezler and Maxwell 2005: a bootstrap that is not centred calls this significant.
    before = np.full(1000, 0.5)
    after = before.copy()
    after[17] = 1.0

    found = paired_bootstrap(rows(before), rows(after), mean, n_draws=2000)

    assert found.p_value > 0.5
    assert not found.difference.excludes_zero


def test_one_differing_segment_is_no_evidence_in_bleu_either() -> None:
    metric = build_metric("bleu", Setting(language="en"))
    good = np.asarray([7.0, 7.0, 6.0, 5.0, 4.0, 3.0, 7.0, 6.0, 5.0, 4.0])
    better = np.asarray([7.0, 7.0, 7.0, 6.0, 5.0, 4.0, 7.0, 6.0, 5.0, 4.0])
    before = np.tile(good, (1000, 1))
    after = before.copy()
    after[17] = better

    found = paired_bootstrap(before, after, metric.reduce, n_draws=1000)

    assert found.n_changed == 1
    assert found.p_value == 1.0
    assert not found.difference.excludes_zero


@pytest.mark.parametrize("n_groups", range(1, 6))
@pytest.mark.parametrize("gain", [0.3, 1.0])
def test_fewer_than_six_items_prove_nothing(n_groups: int, gain: float) -> None:
    # n independent differences of one sign have an exact two-sided p of at least 2^(1−n).
    before = rows(np.zeros(n_groups))

    found = paired_bootstrap(before, rows(np.full(n_groups, gain)), mean, n_draws=500)

    assert found.p_value >= 2.0 ** (1 - n_groups)


def test_six_items_can_prove_something() -> None:
    found = paired_bootstrap(rows(np.zeros(6)), rows(np.full(6, 0.5)), mean, n_draws=500)

    assert found.p_value < 0.05


def test_equal_seeds_give_equal_results(pair: tuple[Array, Array]) -> None:
    one = paired_bootstrap(*pair, mean, n_draws=300, seed=5)
    two = paired_bootstrap(*pair, mean, n_draws=300, seed=5)
    other = paired_bootstrap(*pair, mean, n_draws=300, seed=6)

    assert one == two
    assert one != other


def test_exchanging_the_systems_mirrors_everything(pair: tuple[Array, Array]) -> None:
    forward = paired_bootstrap(pair[0], pair[1], mean, n_draws=400)
    backward = paired_bootstrap(pair[1], pair[0], mean, n_draws=400)

    assert backward.difference.value == -forward.difference.value
    assert backward.difference.low == pytest.approx(-forward.difference.high, abs=1e-12)
    assert backward.p_value == forward.p_value
    assert backward.first == forward.second


def test_the_order_of_items_does_not_change_the_observed_values(
    pair: tuple[Array, Array],
) -> None:
    order = np.random.default_rng(3).permutation(len(pair[0]))

    one = paired_bootstrap(*pair, mean, n_draws=200)
    two = paired_bootstrap(pair[0][order], pair[1][order], mean, n_draws=200)

    assert two.difference.value == pytest.approx(one.difference.value, abs=1e-12)


def test_the_standard_error_of_a_mean_is_the_analytic_one(pair: tuple[Array, Array]) -> None:
    differences = pair[1][:, 0] - pair[0][:, 0]
    analytic = differences.std() / np.sqrt(len(differences))

    found = paired_bootstrap(*pair, mean, n_draws=20_000)

    # The relative error of a bootstrap SE is about 1/√(2·draws) = 0.5 %; four of them.
    assert found.standard_error == pytest.approx(analytic, rel=0.02)


@pytest.mark.parametrize("n", [12, 120])
def test_no_interval_is_narrower_than_students(pair: tuple[Array, Array], n: int) -> None:
    before, after = pair[0][:n], pair[1][:n]
    differences = after[:, 0] - before[:, 0]
    half = stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)

    found = paired_bootstrap(before, after, mean, n_draws=2000).difference

    assert found.low <= found.value - half * (1 - 1e-9)
    assert found.high >= found.value + half * (1 - 1e-9)


def test_where_nothing_changed_the_interval_says_what_the_set_cannot_exclude() -> None:
    scores = rows(np.linspace(0, 1, 50))

    found = paired_bootstrap(scores, scores, mean, spread=1.0, n_draws=500)

    # As if one imaginary item of the 50 had gained its all and another lost it.
    half = stats.t.ppf(0.975, 49) * np.sqrt(2 / 49 / 50)
    assert found.difference.high == pytest.approx(half)
    assert found.difference.low == pytest.approx(-half)
    assert (found.n_changed, found.p_value) == (0, 1.0)


def test_influences_of_a_mean_are_the_deviations_from_it() -> None:
    scores = np.asarray([0.0, 0.5, 0.25, 1.0])

    assert influences(rows(scores), mean) == pytest.approx(scores - scores.mean())


def test_influences_give_the_jackknifes_standard_error_of_bleu() -> None:
    metric = build_metric("bleu", Setting(language="en"))
    rng = np.random.default_rng(4)
    matches = rng.integers(2, 9, size=(30, 4)).cumsum(axis=1)[:, ::-1].astype(float)
    totals = np.column_stack([np.full((30, 2), 40.0), matches, matches + np.arange(9.0, 5.0, -1)])
    without = metric.reduce(totals.sum(axis=0) - totals)

    found = influences(totals, metric.reduce)

    # Efron and Tibshirani 1993, eq. 11.5, around the whole instead of the mean of the parts.
    jackknife = np.sqrt(29 / 30 * ((without - without.mean()) ** 2).sum())
    assert np.sqrt((found**2).sum() / 29 / 30) == pytest.approx(jackknife, rel=1e-3)


def test_clusters_of_like_items_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(40), 5)
    gains = np.repeat(rng.normal(0, 0.2, size=40), 5) + rng.normal(0, 0.02, size=200)
    before, after = rows(np.full(200, 0.5)), rows(0.5 + gains)

    apart = paired_bootstrap(before, after, mean, n_draws=2000)
    together = paired_bootstrap(before, after, mean, groups=[int(i) for i in groups], n_draws=2000)

    assert together.n_groups == 40
    assert apart.n_groups == 200
    # Five equal copies carry the information of one: the error grows by nearly √5.
    assert together.standard_error / apart.standard_error == pytest.approx(np.sqrt(5), rel=0.1)
    assert together.difference.value == pytest.approx(apart.difference.value, abs=1e-12)


def test_clusters_of_one_are_items(pair: tuple[Array, Array]) -> None:
    apart = paired_bootstrap(*pair, mean, n_draws=300)

    assert paired_bootstrap(*pair, mean, groups=list(range(120)), n_draws=300) == apart


def test_unpaired_statistics_are_a_bug() -> None:
    with pytest.raises(AssertionError, match="unpaired statistics"):
        paired_bootstrap(rows(np.ones(3)), rows(np.ones(4)), mean)


def test_systems_together_get_what_each_gets_alone(pair: tuple[Array, Array]) -> None:
    rng = np.random.default_rng(8)
    others = [rows(np.clip(pair[0][:, 0] + rng.normal(0, 0.2, 120), 0, 1)) for _ in range(4)]

    together = paired_bootstraps(pair[0], others, mean, n_draws=400)

    for other, found in zip(others, together, strict=True):
        alone = paired_bootstrap(pair[0], other, mean, n_draws=400)
        assert found.p_value == alone.p_value
        # A product of more columns adds in another order: the last digits may differ.
        for one, two in ((found.second, alone.second), (found.difference, alone.difference)):
            assert (one.low, one.value, one.high) == pytest.approx((two.low, two.value, two.high))


def test_joint_draws_are_those_of_each_pair(pair: tuple[Array, Array]) -> None:
    other = rows(pair[0][::-1, 0])
    groups = [i // 2 for i in range(120)]
    totals = [sum_by_group(part, groups) for part in (pair[0], pair[1])]

    found = joint_draws(pair[0], [pair[1], other], mean, groups=groups, n_draws=300, seed=4)

    alone = Systems(totals[0], totals[1], mean, 0.0)
    [chunk] = weights(60, 300, 4)
    assert found.drawn.shape == (300, 2)
    assert found.drawn[:, 0] == pytest.approx(alone.draw(chunk)[:, 2], abs=1e-9)
    assert found.errors[0] == pytest.approx(alone.errors[2])
    assert found.observed[0] == pytest.approx(alone.values[2] / alone.errors[2])


def test_the_draws_are_numpys_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = np.stack(
        [
            np.bincount(row, minlength=7)
            for row in np.random.default_rng(5).integers(7, size=(50, 7))
        ]
    )
    monkeypatch.setattr("harness.stats.resample.CHUNK_CELLS", 30)
    monkeypatch.setattr("harness.stats.resample.BLOCK_CELLS", 14)

    found = np.concatenate(list(weights(7, 50, 5)))

    assert found.tolist() == expected.tolist()


def test_the_values_on_joint_draws_are_those_of_the_drawn_items(pair: tuple[Array, Array]) -> None:
    chosen = np.random.default_rng(6).integers(120, size=(40, 120))

    found = bootstrap_values(pair, mean, n_draws=40, seed=6)

    assert found[:, 0] == pytest.approx(pair[0][chosen, 0].mean(axis=1), abs=1e-12)
    assert found[:, 1] == pytest.approx(pair[1][chosen, 0].mean(axis=1), abs=1e-12)


CLUSTERS = [
    ([], []),
    ([None, None, None], [0, 1, 2]),
    (["a", "a", "b"], [0, 0, 1]),
    (["a", None, "a", None, "b"], [0, 1, 0, 2, 3]),
]


@pytest.mark.parametrize(("clusters", "expected"), CLUSTERS)
def test_clusters_are_numbered_and_items_without_one_stand_alone(
    clusters: list[str | None], expected: list[int]
) -> None:
    assert group_numbers(clusters) == expected


@given(clusters=st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=30))
def test_group_numbers_are_dense_from_zero(clusters: list[str | None]) -> None:
    numbers = group_numbers(clusters)

    assert set(numbers) == set(range(max(numbers) + 1))
