"""Resample many comparisons together: each draw of items serves all of them.

Comparisons that share items, or a baseline, rise and fall together. Their joint law is what
`harness.stats.multiple.max_t` needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.stats.bootstrap import Reduce, Systems
from harness.stats.resample import CHUNK_CELLS, Array

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two systems on some of the groups of a population."""

    first: Array
    """Statistics of the baseline summed by group, [g, k]."""
    second: Array
    """Of the other system, on the same groups, [g, k]."""
    reduce: Reduce
    """Turns summed statistics [..., k] into values [...]."""
    members: Numbers
    """Which groups of the population these are, [g]."""
    spread: float = 0.0
    """Width of the metric's range, if it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Several contrasts on the same draws."""

    observed: Array
    """difference / standard error, [m]; 0 where neither is anything."""
    drawn: Array
    """The same on each draw, around the observed difference: t under "no difference", [draws, m]."""
    errors: Array
    """Standard error of each difference, [m]."""


def joint_t(
    contrasts: Sequence[Contrast], n_groups: int, *, n_draws: int = 10_000, seed: int = 12345
) -> Joint:
    """Return the studentised differences of all contrasts, observed and on joint draws.

    Each draw is a sequence of groups out of the whole population, with replacement; a contrast on
    g of them takes the first g that are its own (and draws what is then still lacking by itself).
    So each contrast by itself is resampled exactly as by `paired_bootstrap`, and what several of
    them share is drawn for all. Memory: one chunk of weights, and [draws, m].

    Args:
        contrasts: What is compared, m of them.
        n_groups: Groups of the population.
        n_draws: Bootstrap samples.
        seed: Of the draws.
    """
    pairs = [Systems(c.first, c.second, c.reduce, c.spread) for c in contrasts]
    alike: dict[bytes, list[int]] = {}
    for number, contrast in enumerate(contrasts):
        alike.setdefault(contrast.members.tobytes(), []).append(number)
    drawn = np.zeros((n_draws, len(contrasts)))
    rng = np.random.default_rng(seed)
    for rows, sequences in _sequences(n_groups, n_draws, rng):
        for numbers in alike.values():
            weights = _weights(sequences, contrasts[numbers[0]].members, n_groups, rng)
            for i in numbers:
                drawn[rows, i] = pairs[i].draw(weights)[:, 2]
    errors = np.asarray([pair.errors[2] for pair in pairs])
    values = np.asarray([pair.values[2] for pair in pairs])
    observed = np.divide(values, errors, out=np.zeros(len(pairs)), where=errors > 0)
    return Joint(observed=observed, drawn=drawn, errors=errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levelled:
    """Contrasts on one scale: |z| that means the same evidence for each of them."""

    observed: Array
    """[m]."""
    drawn: Array
    """[draws, m]."""
    stretch: Array
    """How much wider than Student's each contrast's tails are, below and above, [2, m]; ≥ 1."""
    n_groups: tuple[int, ...]

    def half_widths(self, which: int, z: float) -> tuple[float, float]:
        """Return how many standard errors an interval of |z| reaches down and up."""
        t = float(stats.t.isf(stats.norm.sf(z), max(self.n_groups[which] - 1, 1)))
        # The lower end uses the upper tail of t, and the other way round.
        return t * float(self.stretch[1, which]), t * float(self.stretch[0, which])


def levelled(joint: Joint, n_groups: Sequence[int], *, confidence: float = 0.95) -> Levelled:
    """Put contrasts on one scale before the largest is taken.

    Otherwise the wide tails of one (few groups, a skewed difference) would be paid for by all
    (Beran 1988, JASA 83:679, balances simultaneous intervals alike). Each side of t is divided by
    what its own quantile is wider than Student's with G − 1 degrees of freedom, never by less
    than 1; then z has the tail of that Student's t.

    Args:
        joint: The contrasts.
        n_groups: Groups of each, [m].
        confidence: Where the tails are measured.
    """
    freedom = np.maximum(np.asarray(n_groups) - 1, 1)
    tail = (1 - confidence) / 2
    quantiles = np.abs(np.quantile(joint.drawn, [tail, 1 - tail], axis=0))
    stretch = np.maximum(quantiles / stats.t.isf(tail, freedom), 1.0)

    def z_of(t: Array) -> Array:
        size = np.abs(t) / np.where(t < 0, stretch[0], stretch[1])
        return stats.norm.isf(stats.t.sf(size, freedom))

    return Levelled(
        observed=z_of(joint.observed),
        drawn=z_of(joint.drawn),
        stretch=stretch,
        n_groups=tuple(n_groups),
    )


def _sequences(
    n_groups: int, n_draws: int, rng: np.random.Generator
) -> Iterator[tuple[slice, Numbers]]:
    """Yield which draws these are, and the groups of each, [rows, n_groups]."""
    size = max(1, CHUNK_CELLS // max(1, n_groups))
    for start in range(0, n_draws, size):
        rows = min(size, n_draws - start)
        yield slice(start, start + rows), rng.integers(n_groups, size=(rows, n_groups))


def _weights(
    sequences: Numbers, members: Numbers, n_groups: int, rng: np.random.Generator
) -> Array:
    """Return how often each member is drawn, [rows, g]; every row sums to g."""
    n = len(members)
    place = np.full(n_groups, -1)
    place[members] = np.arange(n)
    counts = np.empty((len(sequences), n))
    for i, sequence in enumerate(sequences):
        own = place[sequence]
        own = own[own >= 0][:n]
        counts[i] = np.bincount(own, minlength=n)
        if len(own) < n:
            counts[i] += np.bincount(rng.integers(n, size=n - len(own)), minlength=n)
    return counts
