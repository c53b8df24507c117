from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from harness.stats.bootstrap import paired_bootstrap
from harness.stats.joint import Contrast, Joint, joint_t, levelled

Array = NDArray[np.float64]


def mean(totals: Array) -> Array:
    return totals[..., 0] / totals[..., 1]


def rows(scores: Array) -> Array:
    return np.column_stack([scores, np.ones(len(scores))])


def contrast(gains: Array, members: range) -> Contrast:
    before = np.linspace(0.2, 0.6, len(gains))
    return Contrast(
        first=rows(before),
        second=rows(before + gains),
        reduce=mean,
        members=np.asarray(members, dtype=np.int64),
        spread=1.0,
    )


@pytest.fixture
def gains() -> Array:
    return np.random.default_rng(0).normal(0.05, 0.2, size=80)


def test_alone_a_contrast_is_resampled_as_by_the_paired_bootstrap(gains: Array) -> None:
    one = contrast(gains, range(80))
    found = joint_t([one], 80, n_draws=4000)
    alone = paired_bootstrap(one.first, one.second, mean, n_draws=4000, spread=1.0)

    assert found.errors[0] == pytest.approx(alone.standard_error)
    assert found.observed[0] == pytest.approx(alone.difference.value / alone.standard_error)
    upper = alone.difference.value - alone.difference.low
    assert np.quantile(found.drawn, 0.975) * found.errors[0] == pytest.approx(upper, rel=0.05)


def test_contrasts_on_the_same_items_share_their_draws(gains: Array) -> None:
    found = joint_t([contrast(gains, range(80)), contrast(2 * gains, range(80))], 80, n_draws=300)

    assert found.drawn[:, 0] == pytest.approx(found.drawn[:, 1])


def test_contrasts_on_other_items_are_drawn_by_themselves(gains: Array) -> None:
    pair = [contrast(gains[:40], range(40)), contrast(gains[40:], range(40, 80))]

    found = joint_t(pair, 80, n_draws=4000)

    # The standard error of a correlation of nothing is 1/√4000 = .016.
    assert abs(np.corrcoef(found.drawn.T)[0, 1]) < 0.06


def test_items_in_common_are_drawn_in_common(gains: Array) -> None:
    pair = [contrast(gains, range(80)), contrast(gains[:60], range(60))]

    found = joint_t(pair, 80, n_draws=4000)

    # Means on 80 and on 60 of the same items correlate with √(60/80) = .87, less what has to be
    # drawn again where not exactly 60 of the 80 draws fall on the part.
    assert 0.72 < np.corrcoef(found.drawn.T)[0, 1] < 0.9


def test_a_part_of_the_items_is_always_drawn_in_full(gains: Array) -> None:
    seen: list[float] = []

    def counted(totals: Array) -> Array:
        if totals.ndim == 2 and len(totals) == 50:
            seen.extend(totals[:, 1].tolist())
        return mean(totals)

    part = contrast(gains[:20], range(30, 50))
    whole = contrast(gains, range(80))
    joint_t(
        [
            whole,
            Contrast(first=part.first, second=part.second, reduce=counted, members=part.members),
        ],
        80,
        n_draws=50,
    )

    assert set(seen) == {20.0}


def test_equal_systems_have_no_t() -> None:
    found = joint_t([contrast(np.zeros(30), range(30))], 30, n_draws=50)

    assert found.observed.tolist() == [0.0]
    assert not found.drawn.any()


def test_equal_seeds_draw_alike(gains: Array) -> None:
    one = [contrast(gains, range(80))]

    assert (joint_t(one, 80, n_draws=50, seed=3).drawn == joint_t(one, 80, n_draws=50, seed=3).drawn).all()  # fmt: skip
    assert (joint_t(one, 80, n_draws=50, seed=3).drawn != joint_t(one, 80, n_draws=50, seed=4).drawn).any()  # fmt: skip


def test_students_t_on_any_number_of_groups_becomes_one_normal() -> None:
    groups = [5, 12, 400]
    rng = np.random.default_rng(1)
    drawn = np.column_stack([rng.standard_t(n - 1, size=200_000) for n in groups])
    joint = Joint(observed=np.asarray([2.0, -2.0, 0.0]), drawn=drawn, errors=np.ones(3))

    found = levelled(joint, groups)

    assert np.quantile(found.drawn, 0.95, axis=0) == pytest.approx([1.96] * 3, abs=0.03)
    expected = [stats.norm.isf(stats.t.sf(2.0, n - 1)) for n in groups[:2]]
    assert found.observed == pytest.approx([*expected, 0.0], abs=0.03)


def test_a_wide_side_is_brought_in_and_the_other_is_not() -> None:
    drawn = np.random.default_rng(2).normal(size=(100_000, 1))
    drawn = np.where(drawn < 0, 3 * drawn, drawn)
    joint = Joint(observed=np.asarray([2.5]), drawn=drawn, errors=np.ones(1))

    found = levelled(joint, [1000])

    assert found.stretch[:, 0] == pytest.approx([3.0, 1.0], abs=0.03)
    assert found.observed[0] == pytest.approx(2.5, abs=0.03)
    # The lower end of an interval reaches as far as the upper tail of t, and the other way round.
    assert found.half_widths(0, 1.96) == pytest.approx((1.96, 5.88), rel=0.02)


def test_no_side_is_narrower_than_students() -> None:
    drawn = np.random.default_rng(3).uniform(-0.1, 0.1, size=(1000, 1))

    found = levelled(Joint(observed=np.zeros(1), drawn=drawn, errors=np.ones(1)), [20])

    assert found.stretch.ravel().tolist() == [1.0, 1.0]
