from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.power import (
    design_effect,
    exact_items_for_mcnemar,
    expected_discordance,
    items_for_mcnemar,
    items_for_mean,
    least_significant,
    mcnemar_detectable,
    mcnemar_power,
    minimum_detectable_effect,
    power_of_mean,
)
from harness.stats.tests import mcnemar_exact


def test_the_smallest_effect_is_2_80_standard_errors() -> None:
    # z(.975) + z(.8) = 1.959964 + 0.841621, any table of the normal distribution.
    assert minimum_detectable_effect(1.0) == pytest.approx(1.959964 + 0.841621, abs=1e-6)


def test_it_grows_with_the_power_and_falls_with_alpha() -> None:
    assert minimum_detectable_effect(1.0, power=0.9) == pytest.approx(1.959964 + 1.281552, abs=1e-6)
    assert minimum_detectable_effect(1.0, alpha=0.1) == pytest.approx(1.644854 + 0.841621, abs=1e-6)


def test_an_effect_of_that_size_is_found_in_four_of_five_studies() -> None:
    rng = np.random.default_rng(7)
    effect = minimum_detectable_effect(1.0)

    found = np.abs(rng.normal(effect, 1.0, size=20_000)) > 1.959964

    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_few_groups_need_a_larger_effect() -> None:
    # t(.975, 9) + t(.8, 9) = 2.262157 + 0.883404, any table of Student's t.
    assert minimum_detectable_effect(1.0, n_groups=10) == pytest.approx(3.145561, abs=1e-6)
    assert minimum_detectable_effect(1.0, n_groups=10_000) == pytest.approx(2.801585, abs=1e-3)


def test_connor_s_sample_size_is_the_textbook_s() -> None:
    # Chow, Shao & Wang, Sample Size Calculations in Clinical Research, 6.4: p01 .2, p10 .5.
    assert items_for_mcnemar(0.3, 0.7) == 59


def test_the_exact_test_needs_a_few_more_items_than_connor_says() -> None:
    assert items_for_mcnemar(0.1, 0.25) == 194
    assert 194 < exact_items_for_mcnemar(0.1, 0.25) < 220


@pytest.mark.parametrize(("n", "effect", "discordance"), [(40, 0.2, 0.25), (150, 0.12, 0.3)])
def test_the_power_of_mcnemar_is_what_simulation_finds(
    n: int, effect: float, discordance: float
) -> None:
    rng = np.random.default_rng(11)
    shares = [(discordance + effect) / 2, (discordance - effect) / 2, 1 - discordance]
    tables = rng.multinomial(n, shares, size=4000)

    found = np.mean([g > lost and mcnemar_exact(int(g), int(lost)) < 0.05 for g, lost, _ in tables])

    # Three standard errors of 4,000 draws.
    assert mcnemar_power(n, effect, discordance) == pytest.approx(found, abs=0.024)


@pytest.mark.parametrize("n", [10, 30, 100, 1000])
def test_the_detectable_difference_is_found_with_the_wanted_power(n: int) -> None:
    effect = mcnemar_detectable(n, 0.2)

    assert effect is not None
    assert mcnemar_power(n, effect, 0.2) == pytest.approx(0.8, abs=1e-6)
    assert mcnemar_power(n, 0.95 * effect, 0.2) < 0.8


def test_five_items_show_nothing_whatever_changes() -> None:
    # Six discordant items are needed for an exact p < .05.
    assert mcnemar_detectable(5, 0.5) is None
    assert mcnemar_detectable(6, 0.5) is not None


@given(st.integers(1, 300), st.floats(0.001, 0.1))
def test_the_fewest_gains_for_significance_are_the_exact_test_s(
    discordant: int, alpha: float
) -> None:
    (fewest,) = least_significant(np.asarray([discordant]), alpha).astype(int).tolist()

    if fewest <= discordant:
        assert mcnemar_exact(fewest, discordant - fewest) < alpha
    assert fewest == 1 or mcnemar_exact(fewest - 1, discordant - fewest + 1) >= alpha


@pytest.mark.parametrize(("effect", "discordance"), [(0.05, 0.1), (0.1, 0.25), (-0.3, 0.4)])
def test_the_items_needed_are_the_fewest_that_do(effect: float, discordance: float) -> None:
    n = exact_items_for_mcnemar(effect, discordance)

    assert mcnemar_power(n, effect, discordance) >= 0.8
    assert mcnemar_power(n - 1, effect, discordance) < 0.8


def test_items_for_a_mean_and_its_detectable_effect_are_each_other_s_inverse() -> None:
    n = items_for_mean(0.05, 0.35)

    assert n == 385  # (2.801585 · 0.35 / 0.05)² = 384.6
    assert minimum_detectable_effect(0.35 / n**0.5) == pytest.approx(0.05, rel=0.002)


def test_the_power_of_a_mean_is_what_simulation_finds_with_few_groups() -> None:
    rng = np.random.default_rng(12)
    means = rng.normal(0.5, 1.0, size=(4000, 12))

    p_values = np.asarray(stats.ttest_1samp(means, 0.0, axis=1))[1]
    found = ((p_values < 0.05) & (means.mean(axis=1) > 0)).mean()

    # The shifted t only approximates the non-central one (here by 2 points), plus noise.
    assert power_of_mean(0.5, 1 / 12**0.5, n_groups=12) == pytest.approx(found, abs=0.05)


def test_the_design_effect_is_how_much_the_variance_grows() -> None:
    rng = np.random.default_rng(13)
    sizes, correlation = [1, 2, 3, 4, 10] * 8, 0.3
    groups = np.repeat(np.arange(len(sizes)), sizes)
    shared = rng.normal(0, correlation**0.5, size=(4000, len(sizes)))[:, groups]
    own = rng.normal(0, (1 - correlation) ** 0.5, size=(4000, len(groups)))

    growth = (shared + own).mean(axis=1).var() * len(groups)

    assert design_effect(sizes, correlation) == pytest.approx(1 + (130 / 20 - 1) * 0.3)
    # A variance from 4,000 draws is known to about 2 %.
    assert design_effect(sizes, correlation) == pytest.approx(growth, rel=0.07)
    assert design_effect([1] * 10, 0.9) == 1


def test_two_equal_systems_differ_on_what_they_do_not_share() -> None:
    assert expected_discordance(0.5, 0.0) == 0.5
    assert expected_discordance(0.5, 1.0) == 0.0
    assert expected_discordance(0.9, 0.5) == pytest.approx(0.09)
