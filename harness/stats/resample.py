"""Draw items (or clusters of items) with replacement, a bounded number of draws at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CHUNK_CELLS = 4_000_000
"""Cells of one chunk of weights, 32 MB: memory does not grow with draws or items."""
BLOCK_CELLS = 100_000
"""Cells that are drawn and counted at a time: they fit into a core's cache."""


def weights(n_groups: int, n_draws: int, seed: int) -> Iterator[Array]:
    """Yield how often each group is drawn, [draws of this chunk, groups]; rows sum to `n_groups`.

    Equal arguments give equal draws, so that comparisons share their noise. The next chunk is
    drawn while the last one is used: numpy does both without the interpreter's lock.

    Args:
        n_groups: Groups to draw from, and to draw each time.
        n_draws: Bootstrap samples.
        seed: Of the draws.
    """
    chunks = _chunks(n_groups, n_draws, seed)
    if n_groups * n_draws <= CHUNK_CELLS:
        yield from chunks
        return
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(next, chunks, None)
        while (chunk := ahead.result()) is not None:
            ahead = pool.submit(next, chunks, None)
            yield chunk


def sum_by_group(values: Array, groups: Sequence[int]) -> Array:
    """Return the sums of the rows of each group, [groups, k].

    Args:
        values: A row for each item, [n, k].
        groups: Group of each item, numbered from 0 without a gap, [n].
    """
    numbers = np.asarray(groups)
    sums = np.zeros((int(numbers.max()) + 1, values.shape[1]))
    np.add.at(sums, numbers, values)
    return sums


def group_numbers(clusters: Sequence[str | None]) -> list[int]:
    """Return a number from 0 for each item's cluster, [n]; an item without one is its own."""
    known: dict[str, int] = {}
    numbers: list[int] = []
    next_number = 0
    for cluster in clusters:
        if cluster is not None and cluster in known:
            numbers.append(known[cluster])
            continue
        if cluster is not None:
            known[cluster] = next_number
        numbers.append(next_number)
        next_number += 1
    return numbers


def _chunks(n_groups: int, n_draws: int, seed: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    size = max(1, CHUNK_CELLS // max(1, n_groups))
    block = max(1, BLOCK_CELLS // max(1, n_groups))
    for start in range(0, n_draws, size):
        # 64 bits are drawn and counted twice as fast as 16.
        counts = np.empty((min(size, n_draws - start), n_groups))
        for top in range(0, len(counts), block):
            part = counts[top : top + block]
            drawn = rng.integers(n_groups, size=part.shape)
            # Several draws are counted at once, each in a range of numbers of its own.
            drawn += np.arange(len(part))[:, None] * n_groups
            part[:] = np.bincount(drawn.ravel(), minlength=part.size).reshape(part.shape)
        yield counts
