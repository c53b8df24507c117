from __future__ import annotations

import choix
import numpy as np
import pytest

from harness.stats.ranking import (
    Rank,
    bradley_terry,
    mean_win_rate,
    met_groups,
    rank_intervals,
    weight_sensitivity,
)

# Stigler 1994: citations between four journals of statistics (rows cited by columns).
# Biometrika, Communications in Statistics, JASA, JRSS B.
CITATIONS = np.asarray(
    [[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]], dtype=float
)


def test_stiglers_citations_give_the_published_strengths() -> None:
    # Published with Biometrika as zero: −2.94907, −0.47957, 0.26895.
    strengths = bradley_terry(CITATIONS, ridge=0)

    assert strengths - strengths[0] == pytest.approx([0, -2.94907, -0.47957, 0.26895], abs=5e-6)


def test_strengths_are_those_of_choix() -> None:
    rng = np.random.default_rng(3)
    wins = rng.integers(1, 30, size=(6, 6)).astype(float)
    np.fill_diagonal(wins, 0)
    pairs = [(i, j) for i in range(6) for j in range(6) for _ in range(int(wins[i, j]))]

    assert bradley_terry(wins, ridge=0) == pytest.approx(choix.ilsr_pairwise(6, pairs), abs=1e-5)


def test_the_ridge_is_choixs_penalty() -> None:
    pairs = [(0, 1)] * 8 + [(1, 2)] * 5 + [(2, 1)] * 2 + [(0, 2)] * 3
    wins = np.zeros((3, 3))
    for i, j in pairs:
        wins[i, j] += 1

    expected = choix.opt_pairwise(3, pairs, alpha=0.5)

    # choix adds α·Σb², we ridge/2·Σb².
    assert bradley_terry(wins, ridge=1.0) == pytest.approx(expected - expected.mean(), abs=1e-5)


def test_a_system_that_never_lost_stays_finite() -> None:
    strengths = bradley_terry(np.asarray([[0.0, 5.0], [0.0, 0.0]]))

    assert np.isfinite(strengths).all()
    assert strengths[0] > strengths[1]


def test_systems_that_never_met_have_no_common_scale() -> None:
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[2, 3] = 1

    assert met_groups(wins) == [[0, 1], [2, 3]]
    with pytest.raises(ValueError, match="2 groups that never met"):
        bradley_terry(wins)


def test_ties_are_half_a_win_for_both() -> None:
    level = np.asarray([[0.0, 2.5], [2.5, 0.0]])

    assert bradley_terry(level) == pytest.approx([0, 0], abs=1e-9)


def test_ranks_are_as_wide_as_what_is_not_known() -> None:
    is_better = np.zeros((4, 4), dtype=bool)
    is_better[0, 2] = is_better[0, 3] = is_better[1, 3] = True

    assert rank_intervals(is_better) == [
        Rank(best=1, worst=2), Rank(best=1, worst=3), Rank(best=2, worst=4), Rank(best=3, worst=4)
    ]  # fmt: skip


def test_nothing_known_leaves_every_rank_open() -> None:
    assert rank_intervals(np.zeros((3, 3), dtype=bool)) == [Rank(best=1, worst=3)] * 3


def test_the_mean_win_rate_counts_ties_half() -> None:
    values = np.asarray([[0.9, 0.5], [0.8, 0.5], [0.1, 0.7]])

    # Suite 1: 1, ½, 0. Suite 2: ¼, ¼, 1.
    assert mean_win_rate(values) == pytest.approx([0.625, 0.375, 0.5])


def test_a_dominating_system_is_first_whatever_the_weights() -> None:
    values = np.asarray([[0.9, 0.9], [0.8, 0.2], [0.2, 0.8]])

    ranks = weight_sensitivity(values, [1, 1])

    assert ranks[0] == Rank(best=1, worst=1)
    assert ranks[1] == Rank(best=2, worst=3)
