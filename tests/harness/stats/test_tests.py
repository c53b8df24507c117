from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.multiple import holm
from harness.stats.tests import mcnemar_exact, paired_difference, wilson

# Twice the binomial tail, by hand: 2 · ½⁶ = .03125, 2 · ½⁵ = .0625, 2 · (1 + 8)/2⁸ = .0703125, …
MCNEMAR = [
    (6, 0, 0.03125),
    (0, 6, 0.03125),
    (5, 0, 0.0625),
    (7, 1, 0.0703125),
    (9, 1, 0.021484375),
    (1, 0, 1.0),
    (0, 0, 1.0),
    (4, 4, 1.0),
    (10, 3, 2 * (1 + 13 + 78 + 286) / 2**13),
]


@pytest.mark.parametrize(("n_gained", "n_lost", "expected"), MCNEMAR)
def test_mcnemar_is_the_exact_binomial(n_gained: int, n_lost: int, expected: float) -> None:
    assert mcnemar_exact(n_gained, n_lost) == pytest.approx(expected, rel=1e-12)


@given(n_gained=st.integers(0, 300), n_lost=st.integers(0, 300))
def test_mcnemar_is_symmetric_and_a_probability(n_gained: int, n_lost: int) -> None:
    p_value = mcnemar_exact(n_gained, n_lost)

    assert 0 < p_value <= 1 or n_gained + n_lost > 500
    assert p_value == mcnemar_exact(n_lost, n_gained)


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(
    ("successes", "n"),
    [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (81, 263), (15, 148), (0, 5000)],
)
def test_wilson_equals_scipy(successes: int, n: int, confidence: float) -> None:
    expected = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")

    found = wilson(successes, n, confidence=confidence)

    assert found.value == successes / n
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


# Newcombe 1998 (Stat. Med. 17:857), table I, method 3, four places.
WILSON_PUBLISHED = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("successes", "n", "low", "high"), WILSON_PUBLISHED)
def test_wilson_meets_newcombes_table(successes: int, n: int, low: float, high: float) -> None:
    found = wilson(successes, n)

    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


# (both, gained, lost, neither), interval. First: Newcombe 1998 (Stat. Med. 17:2635), table II,
# method 10, four places; second: airway hyper-responsiveness (Bentur et al. 2009) in Fagerland,
# Lydersen and Laake 2014, three places.
NEWCOMBE_PUBLISHED = [
    ((36, 12, 2, 0), 4, 0.0569, 0.3404),
    ((1, 7, 1, 12), 3, 0.026, 0.507),
]


@pytest.mark.parametrize(("counts", "places", "low", "high"), NEWCOMBE_PUBLISHED)
def test_the_paired_difference_meets_published_intervals(
    counts: tuple[int, int, int, int], places: int, low: float, high: float
) -> None:
    found = paired_difference(*counts)

    assert (round(found.low, places), round(found.high, places)) == (low, high)


counts = st.integers(0, 60)
tables = st.tuples(counts, counts, counts, counts).filter(lambda table: sum(table) > 0)


@given(table=tables)
def test_the_paired_interval_contains_its_value_and_stays_between_minus_one_and_one(
    table: tuple[int, int, int, int],
) -> None:
    found = paired_difference(*table)

    assert -1 - 1e-12 <= found.low <= found.value <= found.high <= 1 + 1e-12


@given(table=tables)
def test_swapping_before_and_after_mirrors_the_interval(table: tuple[int, int, int, int]) -> None:
    n_both, n_gained, n_lost, n_neither = table

    forward = paired_difference(n_both, n_gained, n_lost, n_neither)
    backward = paired_difference(n_both, n_lost, n_gained, n_neither)

    assert backward.value == -forward.value
    assert (backward.low, backward.high) == pytest.approx((-forward.high, -forward.low), abs=1e-12)


@given(table=tables)
def test_swapping_right_and_wrong_mirrors_the_interval(table: tuple[int, int, int, int]) -> None:
    n_both, n_gained, n_lost, n_neither = table

    right = paired_difference(n_both, n_gained, n_lost, n_neither)
    wrong = paired_difference(n_neither, n_lost, n_gained, n_both)

    assert (wrong.low, wrong.high) == pytest.approx((-right.high, -right.low), abs=1e-12)


@given(table=tables)
def test_more_confidence_is_a_wider_interval(table: tuple[int, int, int, int]) -> None:
    narrow, wide = paired_difference(*table, confidence=0.8), paired_difference(*table)

    assert wide.low <= narrow.low + 1e-12
    assert wide.high >= narrow.high - 1e-12


def test_equal_answers_leave_some_doubt() -> None:
    found = paired_difference(30, 0, 0, 20)

    assert found.value == 0
    assert found.low < 0 < found.high


# By hand: sorted p times (m, m − 1, …), running maximum, at most 1.
HOLM = [
    ([], []),
    ([0.04], [0.04]),
    ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),
    ([0.04, 0.01, 0.03], [0.06, 0.03, 0.06]),
    ([0.5, 0.6], [1.0, 1.0]),
    ([0.02, 0.02], [0.04, 0.04]),
    ([0.001, 0.9, 0.01], [0.003, 0.9, 0.02]),
]


@pytest.mark.parametrize(("p_values", "expected"), HOLM)
def test_holm_by_hand(p_values: list[float], expected: list[float]) -> None:
    assert holm(p_values) == pytest.approx(expected, abs=1e-15)


@given(p_values=st.lists(st.floats(0, 1), max_size=12))
def test_holm_lies_between_the_raw_and_the_bonferroni_p_value(p_values: list[float]) -> None:
    adjusted = holm(p_values)

    assert all(raw <= found for raw, found in zip(p_values, adjusted, strict=True))
    assert all(found <= min(1.0, len(p_values) * max(p_values)) + 1e-12 for found in adjusted)
