"""Intervals over items and raters: against analysis of variance, and by what they must not do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from harness.stats.bootstrap import paired_bootstrap
from harness.stats.estimate import Part, bootstrap
from harness.stats.two_way import two_way_bootstrap, two_way_paired

Array = NDArray[np.float64]
NAN = float("nan")


def ratings(n_items: int, n_raters: int, *, taste: float = 0.4, seed: int = 0) -> Array:
    """Draw items of different quality, raters of different severity, and noise."""
    rng = np.random.default_rng(seed)
    quality, severity = rng.normal(0, 0.8, (n_items, 1)), rng.normal(0, taste, (1, n_raters))
    return 3 + quality + severity + rng.normal(0, 0.6, (n_items, n_raters))


def mean(totals: Array) -> Array:
    return totals[..., 0] / totals[..., 1]


def rows(scores: Array) -> Array:
    return np.column_stack([scores, np.ones(len(scores))])


def test_the_standard_error_is_that_of_the_analysis_of_variance() -> None:
    # Two-way random effects without repeats: V(mean) = (MS_items + MS_raters − MS_rest) / (I·J).
    table = ratings(40, 6)
    i, j = table.shape
    by_item, by_rater = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    ms_items = j * ((by_item - table.mean()) ** 2).sum() / (i - 1)
    ms_raters = i * ((by_rater - table.mean()) ** 2).sum() / (j - 1)
    whole = ((table - table.mean()) ** 2).sum()
    expected = (ms_items + ms_raters - whole / (i - 1) / (j - 1)) / (i * j)

    found = two_way_paired(np.zeros_like(table), table, n_draws=200)

    assert found.standard_error**2 == pytest.approx(expected, rel=1e-9)


def test_one_rater_is_an_ordinary_sample_of_items() -> None:
    table = ratings(50, 1)

    found = two_way_bootstrap(table)
    [expected] = bootstrap([Part(stats=rows(table[:, 0]), reduce=mean)])

    assert found.value == pytest.approx(expected.value, abs=1e-12)
    # Both are bootstraps of 10,000 draws of their own: their ends agree to some per cent.
    half = expected.high - expected.value
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.05 * half)


def test_one_rater_compares_two_systems_as_the_paired_bootstrap_does() -> None:
    first, second = ratings(50, 1, seed=1), ratings(50, 1, seed=2)

    found = two_way_paired(first, second)
    expected = paired_bootstrap(rows(first[:, 0]), rows(second[:, 0]), mean)

    assert found.difference.value == pytest.approx(expected.difference.value, abs=1e-12)
    assert found.standard_error == pytest.approx(expected.standard_error, rel=1e-9)
    assert found.p_value == pytest.approx(expected.p_value, abs=0.02)


def test_more_items_do_not_average_out_the_habits_of_three_raters() -> None:
    few, many = (two_way_bootstrap(ratings(n, 3, seed=4)) for n in (50, 5000))
    [as_if_independent] = bootstrap(
        [Part(stats=rows(ratings(5000, 3, seed=4).ravel()), reduce=mean)], n_draws=500
    )

    assert many.high - many.low > 0.5 * (few.high - few.low)
    assert many.high - many.low > 5 * (as_if_independent.high - as_if_independent.low)


def test_severity_and_difficulty_cancel_between_two_systems() -> None:
    first = ratings(30, 5, taste=2.0)
    second = first + np.random.default_rng(9).normal(0.2, 0.1, first.shape)

    found = two_way_paired(first, second)

    assert found.difference.high - found.difference.low < 0.1
    assert found.first.high - found.first.low > 1
    assert found.p_value < 0.01


def test_exchanging_the_systems_mirrors_the_difference() -> None:
    first, second = ratings(20, 4, seed=1), ratings(20, 4, seed=2)

    there, back = two_way_paired(first, second), two_way_paired(second, first)

    assert back.difference.value == pytest.approx(-there.difference.value, abs=1e-12)
    assert back.difference.low == pytest.approx(-there.difference.high, abs=1e-9)
    assert back.p_value == pytest.approx(there.p_value, abs=1e-12)
    assert (back.first, back.second) == (there.second, there.first)


def test_raters_and_items_are_treated_alike() -> None:
    table = ratings(6, 6)

    # The draws of the two sides differ, so the ends agree up to their noise.
    one, two = two_way_bootstrap(table), two_way_bootstrap(table.T)

    assert two.low == pytest.approx(one.low, abs=0.1 * (one.high - one.low))
    assert two.value == pytest.approx(one.value, abs=1e-12)


def test_missing_cells_are_left_out_and_counted() -> None:
    first, second = ratings(20, 4, seed=1), ratings(20, 4, seed=2)
    first[0, 0] = second[3, 2] = first[5] = second[5] = NAN

    found = two_way_paired(first, second, n_draws=500)

    is_pair = ~np.isnan(first) & ~np.isnan(second)
    assert found.difference.value == pytest.approx((second - first)[is_pair].mean(), abs=1e-12)
    assert found.first.value == pytest.approx(np.nanmean(first), abs=1e-12)
    assert (found.n_items, found.n_raters, found.n_pairs, found.n_unpaired) == (19, 4, 74, 2)


def test_an_item_or_rater_without_a_rating_changes_nothing() -> None:
    table = ratings(10, 3)
    padded = np.full((12, 4), NAN)
    padded[1:11, :3] = table

    assert two_way_bootstrap(padded, n_draws=300) == two_way_bootstrap(table, n_draws=300)


def test_equal_systems_do_not_differ_and_the_interval_keeps_a_width() -> None:
    table = np.round(ratings(30, 4))

    found = two_way_paired(table, table, spread=4.0, n_draws=300)

    assert (found.difference.value, found.p_value) == (0.0, 1.0)
    # As if one imaginary item had gained 4 from all raters and another lost it; t with I − 1.
    half = stats.t.ppf(0.975, 29) * 4 * np.sqrt(2) / 30
    assert found.difference.high == pytest.approx(half)
    assert found.difference.low == pytest.approx(-half)


def test_equal_seeds_give_equal_results() -> None:
    table = np.exp(ratings(12, 30))  # skewed, so that the draws decide and not Student's law

    assert two_way_bootstrap(table, n_draws=200) == two_way_bootstrap(table, n_draws=200)
    assert two_way_bootstrap(table, n_draws=200) != two_way_bootstrap(table, n_draws=200, seed=1)


@given(
    table=st.integers(2, 8).flatmap(
        lambda n: st.lists(
            st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0, NAN]), min_size=3, max_size=3),
            min_size=n,
            max_size=n,
        )
    ),
    shift=st.floats(-3, 3),
)
def test_a_shift_of_all_ratings_shifts_the_interval(table: list[list[float]], shift: float) -> None:
    given_ratings = np.asarray(table)
    if (~np.isnan(given_ratings)).sum() < 2:
        return

    one = two_way_bootstrap(given_ratings, spread=4.0, n_draws=100)
    two = two_way_bootstrap(given_ratings + shift, spread=4.0, n_draws=100)

    assert one.low <= one.value <= one.high
    assert (two.low, two.value, two.high) == pytest.approx(
        (one.low + shift, one.value + shift, one.high + shift), abs=1e-6
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.ones(3), "a table of items × raters"),
        (np.full((2, 2), NAN), "0 ratings have no interval"),
        (np.asarray([[3.0, NAN]]), "1 ratings have no interval"),
    ],
)
def test_what_has_no_interval_is_refused(table: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        two_way_bootstrap(table)


def test_ratings_of_other_items_are_not_paired() -> None:
    with pytest.raises(ValueError, match="not of the same items and raters"):
        two_way_paired(np.ones((3, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="only 0 times did a rater rate both"):
        two_way_paired(np.asarray([[1.0, NAN]]), np.asarray([[NAN, 1.0]]))
