from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from harness.stats.board import Panel, openness, rank_jointly, tie_groups
from harness.stats.bootstrap import paired_bootstrap
from harness.stats.estimate import Part, bootstrap
from harness.stats.ranking import Rank
from harness.stats.resample import Array


def mean(totals: Array) -> Array:
    return totals[..., 0] / totals[..., 1]


def ratio(totals: Array) -> Array:
    """A corpus value that is no mean of items."""
    return np.sqrt(totals[..., 0] / totals[..., 1])


def correlated(
    rates: Array, n: int, rng: np.random.Generator, *, rho: float = 0.6, per_cluster: int = 1
) -> Array:
    """Draw right (1) and wrong (0) answers of systems that find the same items hard: [m, n, 2]."""
    hard = np.repeat(rng.normal(size=n // per_cluster), per_cluster)
    own = rng.normal(size=(len(rates), n))
    skill = np.sqrt(rho) * hard + np.sqrt(1 - rho) * own
    right = (skill < norm.ppf(rates)[:, None]).astype(float)
    return np.stack([right, np.ones_like(right)], axis=2)


def holds(ranks: list[Rank], truth: Array) -> bool:
    """Whether every rank interval has all ranks that the true values allow."""
    m = len(truth)
    return all(
        rank.best <= 1 + int((truth > truth[i]).sum())
        and rank.worst >= m - int((truth < truth[i]).sum())
        for i, rank in enumerate(ranks)
    )


RNG = np.random.default_rng(5)
STATS = correlated(np.asarray([0.3, 0.5, 0.5, 0.9]), 300, RNG)


def test_intervals_are_those_of_each_system_by_itself() -> None:
    found = rank_jointly([Panel(stats=STATS, reduce=mean, spread=1.0)], seed=7)

    alone = [bootstrap([Part(stats=own, reduce=mean, spread=1.0)], seed=7)[0] for own in STATS]
    for joint, single in zip(found.intervals, alone, strict=True):
        assert (joint.value, joint.low, joint.high) == pytest.approx(
            (single.value, single.low, single.high), abs=1e-12
        )


def test_two_systems_have_the_p_value_of_a_comparison() -> None:
    both = STATS[[0, 1]]

    found = rank_jointly([Panel(stats=both, reduce=mean, spread=1.0)], n_draws=10_000, seed=7)

    pair = paired_bootstrap(both[0], both[1], mean, spread=1.0, seed=7)
    assert found.p_values[0, 1] == pytest.approx(pair.p_value, abs=0.002)


def test_clear_differences_are_ranked_and_level_systems_are_not() -> None:
    found = rank_jointly([Panel(stats=STATS, reduce=mean, spread=1.0)])

    assert found.ranks == [
        Rank(best=4, worst=4), Rank(best=2, worst=3), Rank(best=2, worst=3), Rank(best=1, worst=1)
    ]  # fmt: skip


def test_ranks_do_not_depend_on_the_order_of_systems_or_items() -> None:
    first = rank_jointly([Panel(stats=STATS, reduce=mean, spread=1.0)])
    turned = rank_jointly([Panel(stats=STATS[::-1], reduce=mean, spread=1.0)])
    shuffled = rank_jointly([Panel(stats=STATS[:, RNG.permutation(300)], reduce=mean, spread=1.0)])

    assert turned.ranks == first.ranks[::-1]
    assert turned.p_values[::-1, ::-1] == pytest.approx(first.p_values)
    assert shuffled.ranks == first.ranks


def test_equal_systems_are_never_told_apart() -> None:
    found = rank_jointly([Panel(stats=STATS[[1, 1, 1]], reduce=mean, spread=1.0)], n_draws=1000)

    assert (found.p_values == 1).all()
    assert found.ranks == [Rank(best=1, worst=3)] * 3


def test_five_items_of_one_mind_are_not_enough_and_seven_are() -> None:
    def ranks(n_better: int) -> list[Rank]:
        base = np.stack([np.zeros(400), np.ones(400)], axis=1)
        better = base.copy()
        better[:n_better, 0] = 1
        panel = Panel(stats=np.stack([better, base]), reduce=mean, spread=1.0)
        return rank_jointly([panel], n_draws=2000).ranks

    assert ranks(5)[0] == Rank(best=1, worst=2)
    assert ranks(7)[0] == Rank(best=1, worst=1)


def test_less_is_better_with_a_negative_scale() -> None:
    found = rank_jointly([Panel(stats=STATS, reduce=mean, spread=1.0, scale=-1.0)])

    assert found.ranks[0] == Rank(best=1, worst=1)
    assert found.intervals[0].value == pytest.approx(-mean(STATS[0].sum(axis=0)))


def test_a_corpus_value_is_resampled_as_a_whole() -> None:
    found = rank_jointly([Panel(stats=STATS, reduce=ratio)], n_draws=1000)

    assert found.intervals[3].value == pytest.approx(float(ratio(STATS[3].sum(axis=0))))
    assert found.ranks[3] == Rank(best=1, worst=1)


def test_items_of_one_cluster_count_as_one() -> None:
    copies = np.repeat(STATS[:, :20], 15, axis=1)
    groups = np.repeat(np.arange(20), 15).tolist()

    alone = rank_jointly([Panel(stats=copies, reduce=mean, spread=1.0)])
    clustered = rank_jointly([Panel(stats=copies, reduce=mean, groups=groups, spread=1.0)])
    single = rank_jointly([Panel(stats=STATS[:, :20], reduce=mean, spread=1.0)])

    assert clustered.n_groups == 20
    assert clustered.ranks == single.ranks
    assert openness(clustered.ranks) > openness(alone.ranks)


def test_nothing_is_known_from_one_independent_unit() -> None:
    found = rank_jointly([Panel(stats=STATS, reduce=mean, groups=[0] * 300, spread=1.0)])

    assert found.ranks == [Rank(best=1, worst=4)] * 4
    assert np.isinf([found.resolution, found.intervals[0].low, found.intervals[0].high]).all()


def test_one_system_is_first_of_one() -> None:
    found = rank_jointly([Panel(stats=STATS[:1], reduce=mean, spread=1.0)], n_draws=1000)

    assert found.ranks == [Rank(best=1, worst=1)]


def test_panels_add_up_with_their_scales_and_offsets() -> None:
    panels = [
        Panel(stats=STATS, reduce=mean, spread=1.0, scale=0.25),
        Panel(stats=STATS[:, :100], reduce=mean, spread=1.0, scale=-0.75, offset=0.75),
    ]

    found = rank_jointly(panels, n_draws=1000)

    for i, interval in enumerate(found.intervals):
        first, second = mean(STATS[i].sum(axis=0)), mean(STATS[i, :100].sum(axis=0))
        assert interval.value == pytest.approx(0.25 * first + 0.75 * (1 - second))
        assert interval.low < interval.value < interval.high
    assert found.n_groups == 100


def test_very_many_systems_get_fewer_draws_and_not_more_memory() -> None:
    many = correlated(np.full(120, 0.5), 50, np.random.default_rng(1))

    found = rank_jointly([Panel(stats=many, reduce=mean, spread=1.0)])

    assert found.n_draws == 1000
    assert len(found.ranks) == 120


def test_systems_with_equal_ranks_share_a_group() -> None:
    ranks = [Rank(best=1, worst=2), Rank(best=3, worst=3), Rank(best=1, worst=2)]

    assert tie_groups(ranks) == [1, 2, 1]


def test_openness_is_zero_when_all_is_known_and_one_when_nothing_is() -> None:
    assert openness([Rank(best=i, worst=i) for i in (1, 2, 3)]) == 0
    assert openness([Rank(best=1, worst=3)] * 3) == 1


@pytest.mark.slow
@pytest.mark.parametrize("n", [60, 200])
@pytest.mark.parametrize(
    "rates",
    [[0.5] * 6, [0.4, 0.4, 0.4, 0.6, 0.6, 0.6], [0.9] * 4 + [0.95] * 2],
    ids=["all level", "two groups", "near one"],
)
def test_all_ranks_hold_together_on_correlated_systems(n: int, rates: list[float]) -> None:
    truth = np.asarray(rates)
    rng = np.random.default_rng(11)

    share = _share(
        truth, 600, lambda: [Panel(stats=correlated(truth, n, rng), reduce=mean, spread=1.0)]
    )

    assert share >= 0.93


@pytest.mark.slow
def test_all_ranks_hold_together_on_clusters() -> None:
    truth = np.asarray([0.5, 0.5, 0.5, 0.6, 0.6])
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(40), 5).tolist()

    def panels() -> list[Panel]:
        # Each system has its own luck with each cluster.
        luck = np.repeat(rng.normal(scale=0.5, size=(5, 40)), 5, axis=1)
        right = (rng.normal(size=(5, 200)) + luck < norm.ppf(truth)[:, None] * 1.25**0.5) * 1.0
        stats = np.stack([right, np.ones_like(right)], axis=2)
        return [Panel(stats=stats, reduce=mean, groups=groups, spread=1.0)]

    assert _share(truth, 600, panels) >= 0.93


@pytest.mark.slow
def test_all_ranks_of_a_composite_hold_together() -> None:
    first, second = np.asarray([0.5, 0.6, 0.7, 0.4]), np.asarray([0.5, 0.4, 0.3, 0.7])
    truth = np.round(0.5 * first + 0.5 * second, 9)
    rng = np.random.default_rng(13)

    def panels() -> list[Panel]:
        return [
            Panel(stats=correlated(first, 80, rng), reduce=mean, spread=1.0, scale=0.5),
            Panel(stats=correlated(second, 150, rng), reduce=mean, spread=1.0, scale=0.5),
        ]

    assert _share(truth, 600, panels) >= 0.93


def _share(truth, n_boards, panels) -> float:  # pyright: ignore[reportMissingParameterType]
    """Return the share of simulated boards of which all ranks hold."""
    held = [
        holds(rank_jointly(panels(), n_draws=1000, seed=seed).ranks, truth)
        for seed in range(n_boards)
    ]
    return sum(held) / n_boards
