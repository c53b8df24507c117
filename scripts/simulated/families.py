"""Whole families of comparisons: how often a gate sees what is not there, and misses what is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from harness.stats.bootstrap import JointDraws, joint_draws, paired_bootstrap, paired_bootstraps
from harness.stats.estimate import Part, bootstrap
from harness.stats.multiple import holm, max_t
from harness.stats.studentised import Interval
from harness.stats.tests import mcnemar_exact, paired_difference, wilson
from scripts.simulated.scenario import N_DRAWS, Array, Rng, mean, rows, seed_of

ALPHA = 0.05
N_CONFIGURATIONS = 20
METRICS = ("exact match", "F1", "ROUGE", "corpus ratio", "clustered F1")
N_FAMILY_DRAWS = 10_000
PER_CLUSTER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """Whether anything was called a difference in one family in which nothing differs."""

    uncorrected: bool
    holm: bool
    max_t: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whether a true gain was found, by ways of looking at the same two runs."""

    paired: bool
    unpaired: bool
    apart: bool
    """The two intervals do not overlap."""


def false_alarms(rng: Rng, n: int) -> Alarms:
    """Judge 20 configurations × 5 metrics against one baseline, all of them equally good.

    Every answer has its item's ease and luck of its own; the metrics of one answer are related.
    A difference counts as found as in a gate: adjusted p below .05 and an interval without zero.
    """
    answers = _answers(rng, n)
    seed = seed_of(rng)
    groups = np.repeat(np.arange(n // PER_CLUSTER), PER_CLUSTER).tolist()
    families = [
        (answers[0], None), (answers[1], None), (answers[2], None), (answers[1], groups),
    ]  # fmt: skip
    p_values, intervals = _exact(answers[3])
    joint = [_joint(answers[3], None, seed)]
    for systems, own in families:
        first, *others = systems
        for one in paired_bootstraps(
            first, others, mean, groups=own, spread=1.0, n_draws=N_FAMILY_DRAWS, seed=seed
        ):
            p_values.append(one.p_value)
            intervals.append(one.difference)
        joint.append(_joint(systems, own, seed))
    observed = np.concatenate([one.observed for one in joint])
    by_max_t = max_t(observed.tolist(), np.concatenate([one.drawn for one in joint], axis=1))
    clear = [interval.excludes_zero for interval in intervals]
    return Alarms(
        uncorrected=_any(p_values, clear),
        holm=_any(holm(p_values), clear),
        max_t=_any(np.maximum(by_max_t, p_values).tolist(), clear),
    )


def gain_found(rng: Rng, n: int, *, is_binary: bool) -> Found:
    """Look for a true gain of .08 where six answers of ten stay as they were.

    Binary answers are right with a chance of their item's own, which is .2 higher for those that
    are given afresh; of other scores it is the mean of the new ones that is .2 higher.
    """
    ease = 0.8 * rng.beta(0.8, 0.8, n)
    is_new = rng.random(n) < 0.4
    if is_binary:
        before = rng.random(n) < ease
        return _binary_found(before, np.where(is_new, rng.random(n) < ease + 0.2, before))
    before = ease
    after = np.where(is_new, 0.2 + 0.8 * rng.beta(0.8, 0.8, n), before)
    paired = paired_bootstrap(rows(before), rows(after), mean, n_draws=N_DRAWS, seed=seed_of(rng))
    parts = [Part(stats=rows(one), reduce=mean, spread=1.0) for one in (before, after)]
    alone = bootstrap(parts, n_draws=N_DRAWS, seed=seed_of(rng))
    return Found(
        paired=paired.p_value < ALPHA and paired.difference.excludes_zero,
        unpaired=_welch(before, after),
        apart=alone[0].high < alone[1].low,
    )


def _answers(rng: Rng, n: int) -> list[list[Array]]:
    """Return F1, ROUGE, a ratio of sums, and right or wrong, for 21 equal systems."""
    ease = rng.beta(0.8, 0.8, n)
    f1, rouge, ratio, right = [], [], [], []
    length = rng.integers(5, 60, n).astype(float)
    for _ in range(N_CONFIGURATIONS + 1):
        is_kept = rng.random(n) < 0.6
        score = np.where(is_kept, ease, rng.beta(0.8, 0.8, n))
        f1.append(rows(score))
        rouge.append(rows(np.clip(score * 0.8 + rng.normal(0, 0.1, n), 0, 1)))
        ratio.append(np.column_stack([score * length, length]))
        right.append(rows((score > 0.7).astype(float)))
    return [f1, rouge, ratio, right]


def _exact(systems: Sequence[Array]) -> tuple[list[float], list[Interval]]:
    first, *others = (one[:, 0] > 0.5 for one in systems)
    p_values, intervals = [], []
    for other in others:
        counts = _counts(first, other)
        p_values.append(mcnemar_exact(counts[1], counts[2]))
        intervals.append(paired_difference(*counts))
    return p_values, intervals


def _joint(systems: Sequence[Array], groups: Sequence[int] | None, seed: int) -> JointDraws:
    first, *others = systems
    return joint_draws(
        first, others, mean, groups=groups, spread=1.0, n_draws=N_FAMILY_DRAWS, seed=seed
    )


def _any(p_values: Sequence[float], clear: Sequence[bool]) -> bool:
    return any(p < ALPHA and one for p, one in zip(p_values, clear, strict=True))


def _binary_found(before: np.ndarray, after: np.ndarray) -> Found:
    n = len(before)
    counts = _counts(before, after)
    alone = [wilson(int(one.sum()), n) for one in (before, after)]
    return Found(
        paired=mcnemar_exact(counts[1], counts[2]) < ALPHA
        and paired_difference(*counts).excludes_zero,
        unpaired=_welch(before.astype(float), after.astype(float)),
        apart=alone[0].high < alone[1].low,
    )


def _counts(before: np.ndarray, after: np.ndarray) -> tuple[int, int, int, int]:
    return (
        int((before & after).sum()),
        int((~before & after).sum()),
        int((before & ~after).sum()),
        int((~before & ~after).sum()),
    )


def _welch(before: Array, after: Array) -> bool:
    """Test two samples as if they were of different items (lm-eval's comparator does, with z)."""
    result: Any = stats.ttest_ind(after, before, equal_var=False)
    return float(result.pvalue) < ALPHA
