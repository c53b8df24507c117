"""A run's scores in its subgroups: exploratory, without correction for many looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import InputError, suggestion
from harness.estimate import Estimate, estimate_all
from harness.scoring import Scores
from harness.types import GoldRecord

NONE = "(none)"
"""Slice of the items that do not name theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceScore:
    """One metric on the items of one subgroup."""

    slice: str
    """Value of the slice, such as "2" for the second turn."""
    estimate: Estimate


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
    parts = [
        (name, scores.only(frozenset(record.id for record in records)))
        for scores in found
        if any(key in record.slices for record in scores.planned)
        for name, records in _groups(scores, key)
    ]
    estimates = estimate_all([scores for _, scores in parts])
    return [
        SliceScore(slice=name, estimate=estimate)
        for (name, _), estimate in zip(parts, estimates, strict=True)
    ]


def _groups(scores: Scores, key: str) -> list[tuple[str, list[GoldRecord]]]:
    groups: dict[str, list[GoldRecord]] = {}
    for record in scores.planned:
        groups.setdefault(record.slices.get(key, NONE), []).append(record)
    return sorted(groups.items(), key=lambda group: _rank(group[0]))


def _rank(name: str) -> tuple[bool, bool, float, str]:
    """Numbers by value, then words; items without a slice last."""
    is_number = name.isdecimal()
    return (name == NONE, not is_number, float(name) if is_number else 0.0, name)
