"""Approximate randomisation: exchange the two systems' answers at random, item by item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.stats.bootstrap import Reduce
from harness.stats.resample import CHUNK_CELLS, Array, sum_by_group


def approximate_randomisation(
    first: Array,
    second: Array,
    reduce: Reduce,
    *,
    groups: Sequence[int] | None = None,
    n_draws: int = 10_000,
    seed: int = 12345,
) -> float:
    """Return the two-sided p-value for "the systems are exchangeable".

    Each draw exchanges the statistics of about half of the items (or whole clusters) between the
    systems; p = (1 + #{|d*| ≥ |d|}) / (draws + 1) (Noreen 1989; Riezler and Maxwell 2005; the
    formula of sacrebleu's `--paired-ar`).

    Args:
        first: Statistics of one system, [n, k].
        second: Statistics of the other on the same items, [n, k].
        reduce: Turns summed statistics [..., k] into values [...].
        groups: Cluster number of each item; a cluster is exchanged as a whole.
        n_draws: Random exchanges.
        seed: Of the draws.
    """
    assert first.shape == second.shape, f"unpaired statistics: {first.shape} and {second.shape}"
    if groups is not None:
        first, second = sum_by_group(first, groups), sum_by_group(second, groups)
    moved = second - first
    totals = first.sum(axis=0), second.sum(axis=0)
    observed = abs(float(reduce(totals[1]) - reduce(totals[0])))
    rng = np.random.default_rng(seed)
    size = max(1, CHUNK_CELLS // max(1, len(first)))
    n_extreme = 0
    for start in range(0, n_draws, size):
        rows = min(size, n_draws - start)
        exchanged = rng.integers(2, size=(rows, len(first)), dtype=np.uint8).astype(np.float64)
        over = exchanged @ moved
        found = np.abs(reduce(totals[1] - over) - reduce(totals[0] + over))
        # Sums in another order differ in the last digits; those draws are ties.
        n_extreme += int((found >= observed - 1e-9 * max(1.0, observed)).sum())
    return (1 + n_extreme) / (n_draws + 1)
