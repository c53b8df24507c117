from __future__ import annotations

import choix
import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.ranking import Rank, bradley_terry
from harness.stats.resample import Array
from harness.stats.votes import Votes, fit_all, strengths

# Stigler 1994, as in test_ranking.py: Biometrika, Communications in Statistics, JASA, JRSS B.
CITATIONS = np.asarray(
    [[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]]
)


def votes_of(wins: Array, *, n_raters: int = 10) -> Votes:
    """Return a vote for every win, each on an item of its own."""
    pairs = [(i, j) for i, row in enumerate(wins) for j, n in enumerate(row) for _ in range(int(n))]
    first, second = np.asarray(pairs).T
    n = len(pairs)
    return Votes(
        item=np.arange(n),
        rater=np.arange(n) % n_raters,
        first=first,
        second=second,
        score=np.ones(n),
        n_systems=len(wins),
    )


def simulated(
    truth: Array, rng: np.random.Generator, *, items: int = 80, raters: int = 10
) -> Votes:
    """Draw votes in which items and raters have leanings of their own, 15 % of them ties."""
    m = len(truth)
    by_item, by_rater = (
        rng.normal(scale=0.5, size=(items, m)),
        rng.normal(scale=0.3, size=(raters, m)),
    )
    rows = [(i, r, *rng.choice(m, 2, replace=False)) for i in range(items) for r in range(raters)]
    item, rater, first, second = np.asarray(rows).T
    lean = truth + by_item[item] + by_rater[rater]
    at = np.arange(len(rows))
    wins = rng.random(len(rows)) < 1 / (1 + np.exp(lean[at, second] - lean[at, first]))
    score = np.where(rng.random(len(rows)) < 0.15, 0.5, wins.astype(float))
    return Votes(item=item, rater=rater, first=first, second=second, score=score, n_systems=m)


def test_stiglers_citations_as_votes_give_the_published_strengths() -> None:
    found = strengths(votes_of(CITATIONS), ridge=1e-12, n_draws=200)

    values = np.asarray([interval.value for interval in found.intervals])
    assert values - values[0] == pytest.approx([0, -2.94907, -0.47957, 0.26895], abs=5e-6)
    assert [rank.best for rank in found.ranks] == [2, 4, 3, 1]


def test_many_fits_are_each_that_of_one() -> None:
    rng = np.random.default_rng(2)
    wins = rng.integers(0, 20, size=(40, 5, 5)).astype(float)
    wins[:, np.arange(5), np.arange(5)] = 0

    found = fit_all(wins, start=np.zeros(5))

    assert found == pytest.approx(np.stack([bradley_terry(one) for one in wins]), abs=1e-6)


def test_many_fits_are_those_of_choix() -> None:
    rng = np.random.default_rng(3)
    wins = rng.integers(1, 30, size=(3, 4, 4)).astype(float)
    wins[:, np.arange(4), np.arange(4)] = 0

    found = fit_all(wins, start=np.zeros(4), ridge=1e-9)

    for one, fitted in zip(wins, found, strict=True):
        pairs = [(i, j) for i in range(4) for j in range(4) for _ in range(int(one[i, j]))]
        assert fitted == pytest.approx(choix.ilsr_pairwise(4, pairs), abs=1e-5)


def test_a_system_that_never_lost_stays_finite_in_all_draws() -> None:
    wins = np.zeros((1, 3, 3))
    wins[0, 0, 1] = wins[0, 1, 2] = 5

    found = fit_all(wins, start=np.zeros(3))

    assert found[0] == pytest.approx(bradley_terry(wins[0]), abs=1e-5)


def test_turning_every_vote_round_changes_nothing() -> None:
    votes = simulated(np.asarray([0.0, 1.0, 2.0]), np.random.default_rng(4))
    turned = Votes(
        item=votes.item,
        rater=votes.rater,
        first=votes.second,
        second=votes.first,
        score=1 - votes.score,
        n_systems=3,
    )

    one, other = strengths(votes, n_draws=200), strengths(turned, n_draws=200)

    for left, right in zip(one.intervals, other.intervals, strict=True):
        assert (left.value, left.low, left.high) == pytest.approx(
            (right.value, right.low, right.high), abs=1e-6
        )
    assert one.ranks == other.ranks == [
        Rank(best=3, worst=3), Rank(best=2, worst=2), Rank(best=1, worst=1)
    ]  # fmt: skip


def test_raters_who_disagree_leave_more_open_than_one_voice() -> None:
    n = 60
    score = np.ones(n)
    score[::3] = 0  # one of three raters always prefers the other

    def width(rater: NDArray[np.intp]) -> float:
        votes = Votes(
            item=np.arange(n),
            rater=rater,
            first=np.zeros(n, dtype=int),
            second=np.ones(n, dtype=int),
            score=score,
            n_systems=2,
        )
        interval = strengths(votes, n_draws=500).intervals[0]
        return interval.high - interval.low

    assert width(np.arange(n) % 3) > 1.3 * width(np.zeros(n, dtype=int))


def test_a_few_votes_on_one_item_rank_nothing() -> None:
    votes = Votes(
        item=np.zeros(4, dtype=int),
        rater=np.arange(4),
        first=np.zeros(4, dtype=int),
        second=np.ones(4, dtype=int),
        score=np.asarray([1.0, 1.0, 1.0, 0.5]),
        n_systems=2,
    )

    assert strengths(votes, n_draws=200).ranks == [Rank(best=1, worst=2)] * 2


def test_systems_that_never_met_are_refused() -> None:
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[2, 3] = 1

    with pytest.raises(ValueError, match="never met"):
        strengths(votes_of(wins))


@pytest.mark.slow
@pytest.mark.parametrize("truth", [[0.0] * 5, [-0.5, -0.5, 0.0, 0.5, 0.5]], ids=["level", "three"])
def test_all_ranks_hold_together_when_items_and_raters_vary(truth: list[float]) -> None:
    rng = np.random.default_rng(6)
    values = np.asarray(truth)
    n_held = 0
    for seed in range(300):
        ranks = strengths(simulated(values, rng), n_draws=300, seed=seed).ranks
        n_held += all(
            rank.best <= 1 + (values > own).sum() and rank.worst >= 5 - (values < own).sum()
            for rank, own in zip(ranks, values, strict=True)
        )

    assert n_held / 300 >= 0.93
