from __future__ import annotations

import numpy as np
import pytest

from harness.stats.power import minimum_detectable_effect


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
