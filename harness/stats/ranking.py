"""Put many systems in order, and say how much of the order is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from harness.stats.resample import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """Where a system may stand: 1 is best."""

    best: int
    """1 + the number of systems that are significantly better."""
    worst: int
    """The number of systems − those that are significantly worse."""


def rank_intervals(is_better: NDArray[np.bool_]) -> list[Rank]:
    """Return the ranks that pairwise findings leave open.

    Args:
        is_better: Whether system i is significantly better than system j, [m, m]; with p-values
            adjusted over all pairs, all ranks hold together at that level (Mohamad et al. 2019).
    """
    m = len(is_better)
    return [
        Rank(best=1 + int(is_better[:, i].sum()), worst=m - int(is_better[i].sum()))
        for i in range(m)
    ]


def bradley_terry(wins: Array, *, ridge: float = 1e-3) -> Array:
    """Return log-strengths with mean zero, [m] (Bradley and Terry 1952).

    P(i beats j) = 1 / (1 + exp(b_j − b_i)); the log-likelihood less ridge/2·Σb² is maximised. The
    small ridge keeps a system that never lost finite; without such it changes the fifth digit.

    Args:
        wins: How often i beat j, [m, m]; a tie counts half for both.
        ridge: Precision of the normal prior on each strength.

    Raises:
        ValueError: the systems fall into groups that never met, so no common scale exists.
    """
    wins = np.asarray(wins, dtype=np.float64)
    parts = met_groups(wins)
    if len(parts) > 1:
        raise ValueError(
            f"the systems fall into {len(parts)} groups that never met each other: "
            + "; ".join(", ".join(map(str, part)) for part in parts)
        )
    games = wins + wins.T

    def loss(b: Array) -> tuple[float, Array]:
        gaps = b[:, None] - b[None, :]
        value = float((wins * np.logaddexp(0.0, -gaps)).sum() + ridge / 2 * (b**2).sum())
        expected = games / (1.0 + np.exp(-gaps))
        slope = expected.sum(axis=1) - wins.sum(axis=1) + ridge * b
        return value, slope

    found = optimize.minimize(
        loss, np.zeros(len(wins)), jac=True, method="BFGS", options={"gtol": 1e-9}
    )
    return found.x - found.x.mean()


def met_groups(wins: Array) -> list[list[int]]:
    """Return the groups of systems that are linked by comparisons, each in order.

    The connected components of "has met": only inside of one do strengths share a scale (Ford 1957).

    Args:
        wins: How often i beat j, [m, m].
    """
    n, labels = connected_components(
        csr_matrix(np.asarray(wins) + np.asarray(wins).T > 0), directed=False
    )
    return [np.flatnonzero(labels == label).tolist() for label in range(n)]


def mean_win_rate(values: Array) -> Array:
    """Return each system's mean share of the others that it beats, ties half, [m] (HELM's).

    It depends on which systems take part: adding one may change the order of two others.

    Args:
        values: Value of each system on each suite, higher is better, [m, suites].
    """
    m = len(values)
    over = (values[:, None, :] > values[None, :, :]).sum(axis=1)
    level = (values[:, None, :] == values[None, :, :]).sum(axis=1) - 1
    return ((over + level / 2) / max(1, m - 1)).mean(axis=1)


def weight_sensitivity(
    values: Array, weights: Sequence[float], *, n_draws: int = 2000, seed: int = 0
) -> list[Rank]:
    """Return the ranks that each system takes as the weights of a composite vary.

    Args:
        values: Value of each system on each suite, on one scale, higher is better, [m, suites].
        weights: Declared weights, [suites]; drawn around them (Dirichlet, as concentrated as one
            pseudo-count per suite) so that the composite's order is not an accident of one choice.
        n_draws: Weight vectors.
        seed: Of the draws.
    """
    share = np.asarray(weights, dtype=np.float64)
    share = share / share.sum()
    rng = np.random.default_rng(seed)
    drawn = np.vstack(
        [share, np.full(len(share), 1 / len(share)), rng.dirichlet(share * len(share), n_draws)]
    )
    composite = drawn @ values.T
    ranks = 1 + (composite[:, None, :] > composite[:, :, None]).sum(axis=2)
    return [Rank(best=int(r.min()), worst=int(r.max())) for r in ranks.T]
