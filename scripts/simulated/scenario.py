"""One kind of data of which the truth is known, at one size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.stats.studentised import Interval

Array = NDArray[np.float64]
Rng = np.random.Generator

N_DRAWS = 1000
"""Bootstrap draws of one simulated interval; the product takes 10,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A way of drawing data sets, and the interval that the product prints for each."""

    table: str
    data: str
    n: int
    """Independent units: items, clusters or raters."""
    truth: Callable[[], float]
    draw: Callable[[Rng], Interval]
    n_simulations: int = 2000

    @property
    def key(self) -> str:
        """Return what it is called in the results."""
        return f"{self.table} / {self.data} / {self.n}"


def mean(totals: Array) -> Array:
    """Return Σ score / Σ 1, the value of a mean."""
    return totals[..., 0] / totals[..., 1]


def rows(scores: Array) -> Array:
    """Return the statistics of a mean, [n, 2]."""
    return np.column_stack([scores, np.ones(len(scores))])


def seed_of(rng: Rng) -> int:
    """Draw a seed, so that the bootstrap's own noise differs from data set to data set."""
    return int(rng.integers(2**31))
