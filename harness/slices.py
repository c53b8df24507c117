"""Scores and comparisons in subgroups: exploratory, however they are corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.compare import Comparison, Pair, compare, verdict_of
from harness.errors import InputError, suggestion
from harness.estimate import Estimate, estimate_all
from harness.scoring import Scores
from harness.stats.multiple import benjamini_hochberg
from harness.types import GoldRecord

NONE = "(none)"
"""Slice of the items that do not name theirs."""
FEWEST_ITEMS = 10
"""Smaller slices are listed and not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceScore:
    """One metric on the items of one subgroup."""

    slice: str
    """Value of the slice, such as "2" for the second turn."""
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceComparison:
    """One metric of two configurations on the items of one subgroup."""

    key: str
    """Name of the slice, such as "topic"."""
    slice: str
    """Its value, such as "dose"."""
    comparison: Comparison
    is_judged: bool
    """Whether there are enough items for a verdict."""


def score_slices(found: Sequence[Scores], key: str) -> list[SliceScore]:
    """Return every metric's value in every subgroup, numbers in order.

    Args:
        found: The metrics of a run; those whose items have no such slice are left out.
        key: Name of the slice, such as "turn".

    Raises:
        InputError: no item has such a slice.
    """
    _refuse_unknown(key, found)
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


def compare_slices(
    pairs: Sequence[Pair], keys: Sequence[str] | None = None
) -> list[SliceComparison]:
    """Return every comparison in every subgroup that both runs have scored items in.

    p-values are adjusted over all judged slices, metrics and configurations together by
    Benjamini and Hochberg: of what is then called a difference one in twenty is expected to be
    noise. A finding here is a question for the next gold set, not an answer.

    Args:
        pairs: What is compared on all items.
        keys: Names of slices; None: all that there are.

    Raises:
        InputError: no item has a slice of such a name, or of any.
    """
    found = [pair.after for pair in pairs]
    for key in keys or ():
        _refuse_unknown(key, found)
    chosen = slice_keys(found) if keys is None else list(dict.fromkeys(keys))
    if not chosen:
        raise InputError("no gold item has slices; write them as slices: {topic: dose}")
    shared = [
        one
        for key in chosen
        for alike in _by_metric(pairs)
        for name, records in _groups_with(alike[0].after, key)
        for pair in alike
        if (one := _compare_slice(pair, key, name, frozenset(r.id for r in records))) is not None
    ]
    judged = [number for number, one in enumerate(shared) if one.is_judged]
    adjusted = benjamini_hochberg([shared[i].comparison.p_value for i in judged])
    for i, p_adjusted in zip(judged, adjusted, strict=True):
        changed = replace(
            shared[i].comparison,
            p_adjusted=p_adjusted,
            correction="Benjamini-Hochberg",
            n_family=len(judged),
        )
        shared[i] = replace(shared[i], comparison=replace(changed, verdict=verdict_of(changed)))
    return shared


def slice_keys(found: Sequence[Scores]) -> list[str]:
    """Return the names of all slices, in the order of the gold set."""
    return list(
        dict.fromkeys(
            name for scores in found for record in scores.planned for name in record.slices
        )
    )


def _compare_slice(
    pair: Pair, key: str, name: str, gold_ids: frozenset[str]
) -> SliceComparison | None:
    before, after = pair.before.only(gold_ids), pair.after.only(gold_ids)
    if not before.stats.keys() & after.stats.keys():
        return None
    found = compare(before, after, margin=pair.margin)
    is_judged = found.n >= FEWEST_ITEMS
    return SliceComparison(
        key=key,
        slice=name,
        comparison=found if is_judged else replace(found, verdict="cannot tell"),
        is_judged=is_judged,
    )


def _refuse_unknown(key: str, found: Sequence[Scores]) -> None:
    known = slice_keys(found)
    if key not in known:
        offer = f"; there are: {', '.join(known)}" if known else "; there are none at all"
        raise InputError(f"no gold item has a slice {key!r}{suggestion(key, known)}{offer}")


def _by_metric(pairs: Sequence[Pair]) -> list[list[Pair]]:
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair.after.metric.signature, []).append(pair)
    return list(groups.values())


def _groups_with(scores: Scores, key: str) -> list[tuple[str, list[GoldRecord]]]:
    """Return the subgroups of a metric's items, none where no item has such a slice."""
    has_key = any(key in record.slices for record in scores.planned)
    return _groups(scores, key) if has_key else []


def _groups(scores: Scores, key: str) -> list[tuple[str, list[GoldRecord]]]:
    groups: dict[str, list[GoldRecord]] = {}
    for record in scores.planned:
        groups.setdefault(record.slices.get(key, NONE), []).append(record)
    return sorted(groups.items(), key=lambda group: _rank(group[0]))


def _rank(name: str) -> tuple[bool, bool, float, str]:
    """Numbers by value, then words; items without a slice last."""
    is_number = name.isdecimal()
    return (name == NONE, not is_number, float(name) if is_number else 0.0, name)
