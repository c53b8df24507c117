"""A run's scores in its subgroups: exploratory, without correction for many looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import InputError, suggestion
from harness.scoring import Scores
from harness.stats.bootstrap import Interval, paired_bootstrap
from harness.stats.resample import group_numbers
from harness.stats.tests import wilson
from harness.types import GoldRecord

NONE = "(none)"
"""Slice of the items that do not name theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceScore:
    """One metric on the items of one subgroup."""

    metric: str
    slice: str
    """Value of the slice, such as "2" for the second turn."""
    interval: Interval | None
    """Value with its 95 % interval; None where nothing is scored."""
    n: int
    """Scored items."""
    n_planned: int


def score_slices(found: Sequence[Scores], key: str) -> list[SliceScore]:
    """Return every metric's value in every subgroup, numbers in order.

    Args:
        found: The metrics of a run; those whose items have no such slice are left out.
        key: Name of the slice, such as "turn".

    Raises:
        InputError: no item has such a slice.
    """
    known = dict.fromkeys(
        name for scores in found for record in scores.planned for name in record.slices
    )
    if key not in known:
        offer = f"; there are: {', '.join(known)}" if known else "; there are none at all"
        raise InputError(f"no gold item has a slice {key!r}{suggestion(key, known)}{offer}")
    return [
        _slice_score(scores, name, records)
        for scores in found
        if any(key in record.slices for record in scores.planned)
        for name, records in _groups(scores, key)
    ]


def interval_of(scores: Scores, records: Sequence[GoldRecord]) -> Interval:
    """Return a metric over some scored items with its 95 % interval.

    Wilson's for binary metrics on independent items, else the bootstrap over clusters.
    """
    stats = scores.matrix([record.id for record in records])
    reduce = scores.metric.reduce
    clusters = group_numbers([record.cluster for record in records])
    if scores.metric.scale.is_binary and len(set(clusters)) == len(records):
        return wilson(int((reduce(stats) > 0.5).sum()), len(records))
    if len(set(clusters)) < 2:  # nothing tells how much one unit varies
        value = float(reduce(stats.sum(axis=0)))
        return Interval(value=value, low=-np.inf, high=np.inf)
    return paired_bootstrap(stats, stats, reduce, groups=clusters, n_draws=2000).first


def _groups(scores: Scores, key: str) -> list[tuple[str, list[GoldRecord]]]:
    groups: dict[str, list[GoldRecord]] = {}
    for record in scores.planned:
        groups.setdefault(record.slices.get(key, NONE), []).append(record)
    return sorted(groups.items(), key=lambda group: _rank(group[0]))


def _slice_score(scores: Scores, name: str, records: Sequence[GoldRecord]) -> SliceScore:
    scored = [record for record in records if record.id in scores.stats]
    return SliceScore(
        metric=scores.metric.name,
        slice=name,
        interval=interval_of(scores, scored) if scored else None,
        n=len(scored),
        n_planned=len(records),
    )


def _rank(name: str) -> tuple[bool, bool, float, str]:
    """Numbers by value, then words; items without a slice last."""
    is_number = name.isdecimal()
    return (name == NONE, not is_number, float(name) if is_number else 0.0, name)
