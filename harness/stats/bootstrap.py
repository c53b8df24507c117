"""Paired bootstrap over items or clusters, from summed statistics.

Every system is drawn on the same items, so that one matrix product serves all of them; the
intervals are those of `harness.stats.studentised`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.stats.resample import Array, sum_by_group, weights
from harness.stats.studentised import Interval, Reduce, Series, influences, share_alike, step

__all__ = [
    "FEW_CHANGES",
    "Interval",
    "JointDraws",
    "PairedEstimate",
    "Reduce",
    "Systems",
    "bootstrap_values",
    "influences",
    "joint_draws",
    "paired_bootstrap",
    "paired_bootstraps",
    "share_alike",
    "step",
]

FEW_CHANGES = 10
"""Below this many differing groups an interval rests on little; it is wide, and said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedEstimate:
    """Two systems on the same items."""

    first: Interval
    second: Interval
    difference: Interval
    """second − first."""
    p_value: float
    """Two-sided, for "no difference": that of the interval which just touches zero."""
    standard_error: float
    """Of the difference."""
    n_groups: int
    """Independent units that were resampled."""
    n_changed: int
    """Of these, how many differ between the systems."""


def paired_bootstrap(
    first: Array,
    second: Array,
    reduce: Reduce,
    *,
    groups: Sequence[int] | None = None,
    spread: float = 0.0,
    n_draws: int = 10_000,
    confidence: float = 0.95,
    seed: int = 12345,
) -> PairedEstimate:
    """Resample items (or whole clusters of items) and compare two systems on each draw.

    Args:
        first: Statistics of the baseline, [n, k].
        second: Statistics of the other system on the same items, [n, k].
        reduce: Turns summed statistics [..., k] into values [...].
        groups: Cluster number of each item; items of one cluster are drawn together
            (Miller 2024, arXiv 2411.00640). None: every item by itself.
        spread: Width of the metric's range, if it has one: what a single item could change by.
            Only used where no item changed at all.
        n_draws: Bootstrap samples.
        confidence: Of the intervals.
        seed: Equal seeds draw equal items, so that comparisons share their noise.

    Returns:
        Studentised bootstrap intervals with G − 1 degrees of freedom. p is no less than
        2^(1 − C), C the groups that differ: the smallest exact two-sided p that C differences of
        one sign can have (the sign test; 6 for p < .05).
    """
    return paired_bootstraps(
        first,
        [second],
        reduce,
        groups=groups,
        spread=spread,
        n_draws=n_draws,
        confidence=confidence,
        seed=seed,
    )[0]


def paired_bootstraps(
    first: Array,
    others: Sequence[Array],
    reduce: Reduce,
    *,
    groups: Sequence[int] | None = None,
    spread: float = 0.0,
    n_draws: int = 10_000,
    confidence: float = 0.95,
    seed: int = 12345,
) -> list[PairedEstimate]:
    """Compare several systems with one baseline on the same draws, in one matrix product.

    Arguments and results are those of `paired_bootstrap`, with `others` [systems] of [n, k].
    """
    base, pairs, t_base, t = _resample(first, others, reduce, groups, spread, n_draws, seed)
    alone = base.series.interval(t_base, confidence)
    return [pair.estimate(alone, t[i], confidence) for i, pair in enumerate(pairs)]


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDraws:
    """The differences of several systems from one baseline, in their standard errors."""

    observed: Array
    """difference / SE, [systems]; 0 where nothing differs."""
    drawn: Array
    """(difference* − difference) / SE* on joint draws: t under "no difference", [draws, systems]."""
    errors: Array
    """SE of each difference, in the metric's unit, [systems]."""


def joint_draws(
    first: Array,
    others: Sequence[Array],
    reduce: Reduce,
    *,
    groups: Sequence[int] | None = None,
    spread: float = 0.0,
    n_draws: int = 10_000,
    seed: int = 12345,
) -> JointDraws:
    """Return the t of several comparisons on the same draws: what `multiple.max_t` asks for.

    Equal seeds and groups draw equal items, so that several metrics join by their columns.
    Arguments are those of `paired_bootstraps`.
    """
    _, pairs, _, t = _resample(first, others, reduce, groups, spread, n_draws, seed)
    errors = np.asarray([pair.series.error for pair in pairs])
    values = np.asarray([pair.series.value for pair in pairs])
    observed = np.divide(values, errors, out=np.zeros(len(pairs)), where=errors > 0)
    return JointDraws(observed=observed, drawn=t[:, :, 1].T, errors=errors)


def bootstrap_values(
    parts: Sequence[Array],
    reduce: Reduce,
    *,
    groups: Sequence[int] | None = None,
    n_draws: int = 10_000,
    seed: int = 12345,
) -> Array:
    """Return the value of each system on each joint draw of items, [draws, systems].

    The draws are sacrebleu's (`--paired-bs`, SACREBLEU_SEED) for the same seed and number.

    Args:
        parts: Statistics of each system on the same items, [systems] of [n, k].
        reduce: Turns summed statistics [..., k] into values [...].
        groups: Cluster number of each item; items of one cluster are drawn together.
        n_draws: Bootstrap samples.
        seed: Of the draws.
    """
    totals = np.concatenate(
        [part if groups is None else sum_by_group(part, groups) for part in parts], axis=1
    )
    k = parts[0].shape[1]
    return np.concatenate(
        [
            reduce((chunk @ totals).reshape(len(chunk), len(parts), k))
            for chunk in weights(len(totals), n_draws, seed)
        ]
    )


class Systems:
    """Two systems side by side, for draws that come from elsewhere."""

    def __init__(self, first: Array, second: Array, reduce: Reduce, spread: float) -> None:
        """Take statistics by group, [groups, k] each, and the width of the metric's range."""
        base = _System(first, reduce, spread)
        self._base, self._pair = base, _Pair(base, _System(second, reduce, spread), spread)
        parts = [base.series, self._pair.other.series, self._pair.series]
        self.n = base.series.n
        self.values = np.asarray([part.value for part in parts])
        """Of the first, the second, and their difference, [3]."""
        self.errors = np.asarray([part.error for part in parts])
        """Their standard errors, [3]."""
        self._columns = np.concatenate([base.columns, self._pair.columns], axis=1)

    def draw(self, chunk: Array) -> Array:
        """Return t of both values and of the difference on each draw, [draws, 3].

        Args:
            chunk: How often each group is drawn, [draws, groups].
        """
        own = self._base.columns.shape[1]
        sums = chunk @ self._columns
        values = self._base.values(sums[:, :own])
        t = self._base.series.t_of(values, sums[:, own - 2 : own])
        return np.column_stack([t, self._pair.t_of(values, sums[:, own:])])


def _resample(
    first: Array,
    others: Sequence[Array],
    reduce: Reduce,
    groups: Sequence[int] | None,
    spread: float,
    n_draws: int,
    seed: int,
) -> tuple[_System, list[_Pair], Array, Array]:
    """Return the systems, t of the baseline [draws], and t of the others [systems, draws, 2]."""
    for second in others:
        assert first.shape == second.shape, f"unpaired statistics: {first.shape}, {second.shape}"
    totals = [part if groups is None else sum_by_group(part, groups) for part in (first, *others)]
    base = _System(totals[0], reduce, spread)
    pairs = [_Pair(base, _System(part, reduce, spread), spread) for part in totals[1:]]
    blocks = [base.columns, *(pair.columns for pair in pairs)]
    columns = np.concatenate(blocks, axis=1)
    edges = np.cumsum([block.shape[1] for block in blocks])[:-1]
    t_base, t = np.empty(n_draws), np.empty((len(pairs), n_draws, 2))
    start = 0
    for chunk in weights(len(totals[0]), n_draws, seed):
        rows = slice(start, start + len(chunk))
        sums = np.split(chunk @ columns, edges, axis=1)
        values = base.values(sums[0])
        t_base[rows] = base.series.t_of(values, sums[0][:, -2:])
        for i, pair in enumerate(pairs):
            t[i, rows] = pair.t_of(values, sums[i + 1])
        start = rows.stop
    return base, pairs, t_base, t


class _System:
    """One system's value and what each group adds to it."""

    def __init__(self, totals: Array, reduce: Reduce, spread: float) -> None:
        self.totals = totals
        self.values_of = reduce
        own = influences(totals, reduce)
        self.centred = own - own.mean()
        value = float(reduce(totals.sum(axis=0)))
        self.series = Series(value, self.centred, moved=self.centred, spread=spread)
        self.columns = np.concatenate([totals, self.series.columns], axis=1)
        """Statistics, then the two columns of the series, [groups, k + 2]."""

    def values(self, sums: Array) -> Array:
        return self.values_of(sums[:, : self.totals.shape[1]])


class _Pair:
    """A system beside the baseline."""

    def __init__(self, base: _System, other: _System, spread: float) -> None:
        self.other = other
        value = other.series.value - base.series.value
        centred = other.centred - base.centred
        is_same = (base.totals == other.totals).all(axis=1)
        # What a group adds to the difference: zero where both systems have the same statistics
        # up to the whole's drift, so that "nothing changed" is exactly zero.
        moved = np.where(is_same, 0.0, centred + value)
        self.n_changed = int((moved != 0).sum())
        self.series = Series(value, centred, moved=moved, spread=spread)
        self.columns = np.concatenate([other.columns, self.series.columns], axis=1)

    def t_of(self, base_values: Array, sums: Array) -> Array:
        """Return t of the other system and of the difference on each draw, [draws, 2]."""
        values = self.other.values(sums)
        return np.column_stack(
            [
                self.other.series.t_of(values, sums[:, -4:-2]),
                self.series.t_of(values - base_values, sums[:, -2:]),
            ]
        )

    def estimate(self, base: Interval, t: Array, confidence: float) -> PairedEstimate:
        return PairedEstimate(
            first=base,
            second=self.other.series.interval(t[:, 0], confidence),
            difference=self.series.interval(t[:, 1], confidence),
            p_value=max(self.series.p_value(t[:, 1]), min(1.0, 2.0 ** (1 - self.n_changed))),
            standard_error=self.series.error,
            n_groups=self.series.n,
            n_changed=self.n_changed,
        )
