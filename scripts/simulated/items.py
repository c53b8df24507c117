"""Scores of items, alone and in clusters, of known shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from harness.stats.bootstrap import Interval, paired_bootstrap
from harness.stats.estimate import Part, bootstrap
from harness.stats.tests import paired_difference
from scripts.simulated.scenario import N_DRAWS, Array, Rng, Scenario, mean, rows, seed_of

SIZES = (10, 20, 50, 200)
CLUSTERS = (5, 8, 12, 30, 100)
PER_CLUSTER = 6


def item_scenarios() -> list[Scenario]:
    """Return those of Newcombe's interval and of the bootstrap, single, paired, clustered."""
    return [*_binary(), *_single(), *_paired(), *_clustered()]


def _binary() -> list[Scenario]:
    tables = {
        "half right, gains 20 %, losses 10 %": (0.5, 0.2, 0.1),
        "10 % right, gains 20 %, losses 10 %": (0.1, 0.2, 0.1),
        "95 % right, 60 % of the rest gained": (0.95, 0.6, 0.01),
        "half right, 3 % change each way": (0.5, 0.03, 0.03),
    }
    return [
        _table(name, n, right, gained * (1 - right), lost * right)
        for name, (right, gained, lost) in tables.items()
        for n in SIZES
    ]


def _table(name: str, n: int, right: float, gained: float, lost: float) -> Scenario:
    shares = [right - lost, gained, lost, 1 - right - gained]
    return Scenario(
        table="Newcombe",
        data=name,
        n=n,
        truth=lambda: gained - lost,
        n_simulations=5000,
        draw=lambda rng: paired_difference(*rng.multinomial(n, shares).tolist()),
    )


Sampler = Callable[[Rng, int], Array]


def _bell(rng: Rng, n: int) -> Array:
    return rng.normal(0.1, 1.0, n)


def _exponential(rng: Rng, n: int) -> Array:
    return rng.exponential(1.0, n)


def _lognormal(rng: Rng, n: int) -> Array:
    return rng.lognormal(0.0, 1.0, n)


def _f1(rng: Rng, n: int) -> Array:
    return np.where(rng.random(n) < 0.3, 1.0, rng.beta(0.4, 0.8, n))


def _mostly_nothing(rng: Rng, n: int) -> Array:
    return np.where(rng.random(n) < 0.15, rng.beta(2, 2, n), 0.0)


def _gains_and_losses(rng: Rng, n: int) -> Array:
    kind = rng.random(n)
    return np.select([kind < 0.15, kind < 0.2], [rng.beta(2, 2, n), -rng.beta(2, 2, n)], 0.0)


def _hardly_changed(rng: Rng, n: int) -> Array:
    kind = rng.random(n)
    return np.select([kind < 0.05, kind < 0.1], [rng.beta(2, 2, n), -rng.beta(2, 2, n)], 0.0)


def _new_full_marks(rng: Rng, n: int) -> Array:
    before = rng.beta(0.4, 0.8, n)
    return np.where(rng.random(n) < 0.3, 1.0, before * rng.beta(4, 1, n)) - before


SINGLE: Mapping[str, tuple[Sampler, float]] = {
    "normal": (_bell, 0.1),
    "exponential": (_exponential, 1.0),
    "log-normal (very skewed)": (_lognormal, float(np.exp(0.5))),
    "like F1: 30 % full, many near 0": (_f1, 0.3 + 0.7 / 3),
    "85 % are 0": (_mostly_nothing, 0.075),
}
PAIRED: Mapping[str, tuple[Sampler, float]] = {
    "normal": (_bell, 0.1),
    "exponential": (_exponential, 1.0),
    # .3 · (1 − 1/3) + .7 · (1/3) · (4/5 − 1)
    "like F1: 30 % new full marks": (_new_full_marks, 0.3 * 2 / 3 - 0.7 / 15),
    "gains in 15 %": (_mostly_nothing, 0.075),
    "gains in 15 %, losses in 5 %": (_gains_and_losses, 0.05),
    "hardly changed: 5 % up, 5 % down": (_hardly_changed, 0.0),
}


def _single() -> list[Scenario]:
    return [_one(name, n, *SINGLE[name]) for name in SINGLE for n in SIZES]


def _one(name: str, n: int, sample: Sampler, truth: float) -> Scenario:
    def draw(rng: Rng) -> Interval:
        part = Part(stats=rows(sample(rng, n)), reduce=mean, spread=1.0)
        return bootstrap([part], n_draws=N_DRAWS, seed=seed_of(rng))[0]

    return Scenario(table="One value", data=name, n=n, truth=lambda: truth, draw=draw)


def _paired() -> list[Scenario]:
    return [_pair(name, n, *PAIRED[name]) for name in PAIRED for n in SIZES]


def _pair(name: str, n: int, sample: Sampler, truth: float) -> Scenario:
    zeros = rows(np.zeros(n))

    def draw(rng: Rng) -> Interval:
        after = rows(sample(rng, n))
        return paired_bootstrap(
            zeros, after, mean, spread=1.0, n_draws=N_DRAWS, seed=seed_of(rng)
        ).difference

    return Scenario(table="Paired difference", data=name, n=n, truth=lambda: truth, draw=draw)


def _clustered() -> list[Scenario]:
    kinds: dict[str, Callable[[Rng, int], tuple[Array, Array, list[int]]]] = {
        "6 items each, ICC ½": _even,
        "1 to 16 items each, ICC ½": _uneven,
        "6 right-or-wrong items each": _right_or_wrong,
    }
    truths = {"6 right-or-wrong items each": 0.1}
    return [
        _cluster(name, n, sample, truths.get(name, 0.05))
        for name, sample in kinds.items()
        for n in CLUSTERS
    ]


def _cluster(
    name: str, n: int, sample: Callable[[Rng, int], tuple[Array, Array, list[int]]], truth: float
) -> Scenario:
    def draw(rng: Rng) -> Interval:
        before, after, groups = sample(rng, n)
        return paired_bootstrap(
            rows(before),
            rows(after),
            mean,
            groups=groups,
            spread=1.0,
            n_draws=N_DRAWS,
            seed=seed_of(rng),
        ).difference

    return Scenario(table="Clusters", data=name, n=n, truth=lambda: truth, draw=draw)


def _gains(rng: Rng, sizes: Sequence[int]) -> tuple[Array, Array, list[int]]:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    gains = 0.05 + rng.normal(0, 0.1, len(sizes))[groups] + rng.normal(0, 0.1, len(groups))
    before = rng.beta(2, 2, len(groups))
    return before, before + gains, groups.tolist()


def _even(rng: Rng, n: int) -> tuple[Array, Array, list[int]]:
    return _gains(rng, [PER_CLUSTER] * n)


def _uneven(rng: Rng, n: int) -> tuple[Array, Array, list[int]]:
    return _gains(rng, rng.integers(1, 17, n).tolist())


def _right_or_wrong(rng: Rng, n: int) -> tuple[Array, Array, list[int]]:
    groups = np.repeat(np.arange(n), PER_CLUSTER)
    ease = rng.beta(2, 2, n)[groups]
    before = rng.random(len(groups)) < ease
    # A fifth of all answers becomes right, half of which were wrong: the share rises by .1.
    after = np.where(rng.random(len(groups)) < 0.2, True, before)
    return before.astype(float), after.astype(float), groups.tolist()
