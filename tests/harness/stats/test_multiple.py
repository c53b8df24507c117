from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from harness.stats.multiple import benjamini_hochberg, holm, max_t, max_t_quantile

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(p_values=p_lists)
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


@given(p_values=p_lists)
def test_benjamini_hochberg_is_that_of_statsmodels(p_values: list[float]) -> None:
    expected = multipletests(p_values, method="fdr_bh")[1]

    assert benjamini_hochberg(p_values) == pytest.approx(expected, abs=1e-12)


def test_nothing_to_correct_is_nothing() -> None:
    assert benjamini_hochberg([]) == []
    assert holm([]) == []


def test_max_t_of_one_comparison_is_its_own_p() -> None:
    drawn = np.random.default_rng(0).normal(size=(9999, 1))

    (p_value,) = max_t([2.0], drawn)

    assert p_value == (1 + int((np.abs(drawn) >= 2.0).sum())) / 10_000


def test_max_t_lies_between_the_raw_and_the_bonferroni_p_value() -> None:
    drawn = np.random.default_rng(0).normal(size=(20_000, 8))
    observed = [3.1, -2.4, 1.9, 0.2, 2.7, -0.5, 1.1, 0.0]
    raw = [
        (1 + int((np.abs(drawn[:, i]) >= abs(t)).sum())) / 20_001 for i, t in enumerate(observed)
    ]

    adjusted = max_t(observed, drawn)

    assert all(one >= two - 1e-12 for one, two in zip(adjusted, raw, strict=True))
    # Of independent comparisons it is Holm's with Šidák's factors.
    assert adjusted == pytest.approx(
        multipletests(np.minimum(raw, 0.999), method="holm-sidak")[1], abs=0.01
    )


def test_max_t_of_equal_comparisons_costs_nothing() -> None:
    one = np.random.default_rng(0).normal(size=(9999, 1))

    adjusted = max_t([2.2] * 20, np.repeat(one, 20, axis=1))

    assert adjusted == pytest.approx(max_t([2.2], one) * 20)


def test_max_t_keeps_the_order_of_evidence() -> None:
    drawn = np.random.default_rng(1).normal(size=(5000, 5))

    adjusted = max_t([0.5, 3.0, 1.0, 2.0, 0.1], drawn)

    assert sorted(adjusted) == [adjusted[i] for i in (1, 3, 2, 0, 4)]


@pytest.mark.slow
def test_max_t_raises_a_false_alarm_in_five_percent_of_families() -> None:
    # 20 configurations × 5 metrics on 80 shared items, nothing differs: 100 comparisons.
    rng = np.random.default_rng(5)
    alarms = 0
    families = 400
    for _ in range(families):
        shared = rng.normal(size=(80, 1, 5))
        gains = rng.normal(size=(80, 20, 5)) - shared
        flat = gains.reshape(80, 100)
        centred = flat - flat.mean(axis=0)
        errors = centred.std(axis=0, ddof=1) / np.sqrt(80)
        weights = rng.multinomial(80, np.full(80, 1 / 80), size=500).astype(float)
        means = weights @ centred / 80
        spread = np.sqrt(np.maximum(weights @ centred**2 / 80 - means**2, 0) / 79)
        adjusted = max_t((flat.mean(axis=0) / errors).tolist(), means / spread)
        alarms += min(adjusted) < 0.05

    # The Monte Carlo error of 400 families at .05 is .011.
    assert alarms / families <= 0.05 + 2 * 0.011


def test_joint_intervals_are_wider_than_single_ones_and_narrower_than_bonferroni() -> None:
    drawn = np.random.default_rng(2).normal(size=(50_000, 10))

    factor = max_t_quantile(drawn)

    assert 1.96 < factor < 2.82
    # Of ten independent normals: Φ⁻¹((1 + .95^(1/10)) / 2).
    assert factor == pytest.approx(2.80, abs=0.03)
