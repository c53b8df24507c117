"""Many comparisons at once: one family of decisions, one error for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.compare.comparison import Comparison, verdict_of
from harness.compare.pair import Shared, compare, shared_items, within_difference
from harness.metrics.base import Scale
from harness.scoring import Scores
from harness.stats.bootstrap import Interval
from harness.stats.joint import Contrast, Joint, joint_t, levelled
from harness.stats.multiple import holm, max_t, max_t_quantile
from harness.stats.resample import Array

FEWEST_GROUPS = 6
"""Fewer independent units can have no p below .05, whatever they say: they take no part in the
largest of the others' t."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two runs to be compared on one metric."""

    before: Scores
    after: Scores
    is_primary: bool = True
    """Whether the comparison belongs to the family that is corrected."""
    margin: float = 0.0


def compare_all(
    pairs: Sequence[Pair],
    *,
    is_simultaneous: bool = False,
    n_draws: int = 10_000,
    seed: int = 12345,
) -> list[Comparison]:
    """Compare every pair, and correct the primary ones for their number.

    Args:
        pairs: What is compared.
        is_simultaneous: Whether the primaries also get intervals that hold all together.
        n_draws: Of the bootstrap.
        seed: Of the draws.

    Raises:
        IncomparableError: see `compare`.
    """
    found = [
        compare(
            pair.before,
            pair.after,
            is_primary=pair.is_primary,
            margin=pair.margin,
            n_draws=n_draws,
            seed=seed,
        )
        for pair in pairs
    ]
    return correct_for_many(
        found, pairs=pairs, is_simultaneous=is_simultaneous, n_draws=n_draws, seed=seed
    )


def correct_for_many(
    comparisons: Sequence[Comparison],
    *,
    pairs: Sequence[Pair] | None = None,
    is_simultaneous: bool = False,
    n_draws: int = 10_000,
    seed: int = 12345,
) -> list[Comparison]:
    """Adjust the primary comparisons for their number and renew their verdicts.

    With the scores behind them the adjustment is max-T, step-down (Westfall and Young 1993): all
    metrics and configurations of a suite are resampled by the same draws of items, independent
    suites by draws of their own. No p becomes smaller than the comparison's own, which for binary
    metrics is McNemar's exact one. Without the scores it is Holm's.

    Args:
        comparisons: All of them; the primary ones are the family.
        pairs: What each of them compares; None: not at hand.
        is_simultaneous: Whether to add the intervals that hold all together; needs `pairs`.
        n_draws: Of the bootstrap.
        seed: Of the draws.
    """
    primaries = [i for i, comparison in enumerate(comparisons) if comparison.is_primary]
    result = list(comparisons)
    if not primaries:
        return result
    family = [comparisons[i] for i in primaries]
    if pairs is None:
        corrected = _by_holm(family)
    else:
        own = [pairs[i] for i in primaries]
        corrected = _by_max_t(
            family, own, is_simultaneous=is_simultaneous, n_draws=n_draws, seed=seed
        )
    for i, comparison in zip(primaries, corrected, strict=True):
        result[i] = replace(comparison, verdict=verdict_of(comparison))
    return result


def _by_holm(family: Sequence[Comparison]) -> list[Comparison]:
    adjusted = holm([comparison.p_value for comparison in family])
    return [
        replace(
            comparison,
            p_adjusted=p,
            correction="Holm" if len(family) > 1 else "none",
            n_family=len(family),
        )
        for comparison, p in zip(family, adjusted, strict=True)
    ]


def _by_max_t(
    family: Sequence[Comparison],
    pairs: Sequence[Pair],
    *,
    is_simultaneous: bool,
    n_draws: int,
    seed: int,
) -> list[Comparison]:
    if len(family) == 1:
        alone = family[0]
        return [replace(alone, simultaneous=alone.difference if is_simultaneous else None)]
    joint = _joint(pairs, n_draws=n_draws, seed=seed)
    level = levelled(joint, [comparison.n_groups for comparison in family])
    can_prove = np.asarray(level.n_groups) >= FEWEST_GROUPS
    drawn = np.where(can_prove, level.drawn, 0.0)
    adjusted = max_t(level.observed.tolist(), drawn)
    z = max_t_quantile(drawn) if is_simultaneous else None
    return [
        replace(
            comparison,
            p_adjusted=max(p, comparison.p_value),
            correction="max-T",
            n_family=len(family),
            simultaneous=None
            if z is None
            else _together(comparison, pair.after.metric.scale, error, level.half_widths(i, z)),
        )
        for i, (comparison, pair, p, error) in enumerate(
            zip(family, pairs, adjusted, joint.errors.tolist(), strict=True)
        )
    ]


def _together(
    comparison: Comparison, scale: Scale, error: float, half_widths: tuple[float, float]
) -> Interval:
    """Return the interval that holds with all others, nowhere narrower than the one alone."""
    alone = comparison.difference
    below, above = half_widths
    together = replace(
        alone,
        low=min(alone.low, alone.value - below * error),
        high=max(alone.high, alone.value + above * error),
    )
    return within_difference(together, scale)


def _joint(pairs: Sequence[Pair], *, n_draws: int, seed: int) -> Joint:
    """Resample the pairs of each suite together, and the suites independently."""
    populations: dict[tuple[str, str], list[int]] = {}
    for number, pair in enumerate(pairs):
        populations.setdefault((pair.after.suite, pair.after.gold_digest), []).append(number)
    drawn: Array = np.empty((n_draws, len(pairs)))
    observed, errors = np.empty(len(pairs)), np.empty(len(pairs))
    for number, members in enumerate(populations.values()):
        found = _population([pairs[i] for i in members], n_draws=n_draws, seed=seed + number)
        drawn[:, members] = found.drawn
        observed[members], errors[members] = found.observed, found.errors
    return Joint(observed=observed, drawn=drawn, errors=errors)


def _population(pairs: Sequence[Pair], *, n_draws: int, seed: int) -> Joint:
    known: dict[tuple[bool, str], int] = {}
    contrasts: list[Contrast] = []
    for pair in pairs:
        shared = shared_items(pair.before, pair.after)
        numbers = [known.setdefault(key, len(known)) for key in _keys(shared)]
        members = list(dict.fromkeys(numbers))
        before, after = shared.by_group()
        # `by_group` numbers clusters in the order in which they first appear, as `members` does.
        contrasts.append(
            Contrast(
                first=before,
                second=after,
                reduce=pair.after.metric.reduce,
                members=np.asarray(members, dtype=np.int64),
                spread=pair.after.metric.scale.spread,
            )
        )
    return joint_t(contrasts, len(known), n_draws=n_draws, seed=seed)


def _keys(shared: Shared) -> list[tuple[bool, str]]:
    """Name each item's independent unit: its cluster, or itself."""
    return [
        (True, record.cluster) if record.cluster is not None else (False, record.id)
        for record in shared.records
    ]
