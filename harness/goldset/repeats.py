"""Items that repeat or contradict each other, and texts that many items share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from harness.goldset.findings import Finding
from harness.goldset.near import near_duplicates
from harness.goldset.texts import fields_of, folded, n_words, right_answers
from harness.suite import Suite
from harness.types import GoldRecord

SHORT_ANSWER = 8
"""Words up to which two different answers to one question contradict each other."""
LONG_FIELD = 30
"""Words from which a field that two items share is a source, not a phrase."""


def repeat_findings(suite: Suite) -> Iterator[Finding]:
    """Yield what is wrong with items that are (nearly) the same."""
    yield from contradiction_findings(suite)
    yield from _copies([(a, b) for a, b in _equal_pairs(suite) if not _is_against(a, b)])
    yield from _near(
        [
            (records[near.earlier], records[near.index])
            for task in suite.config.tasks
            for records in [[record for record in suite.gold if record.task == task]]
            for near in near_duplicates([fields_of(record) for record in records])
            if _key(records[near.earlier]) != _key(records[near.index])
        ]
    )
    yield from _shared_sources(suite)


def contradiction_findings(suite: Suite) -> Iterator[Finding]:
    """Yield the items that ask the same and want different answers."""
    pairs = [(a, b) for a, b in _equal_pairs(suite) if _is_against(a, b)]
    short = [pair for pair in pairs if _is_short(pair[0]) and _is_short(pair[1])]
    long = [pair for pair in pairs if pair not in short]
    if short:
        yield Finding(
            severity="error",
            kind="contradiction",
            text=f"{len(short)} pairs ask the same and want different answers; "
            f"such as {_quoted(short[0][0])} and {_quoted(short[0][1])}",
            mend="decide which is right, or put both answers into the references of one item",
            items=_ids(short),
        )
    if long:
        yield Finding(
            severity="warning",
            kind="split_references",
            text=f"{len(long)} pairs have the same input and different longer answers",
            mend="merge each pair into one item with several references",
            items=_ids(long),
        )


def _copies(pairs: Sequence[tuple[GoldRecord, GoldRecord]]) -> Iterator[Finding]:
    if pairs:
        yield Finding(
            severity="warning",
            kind="duplicate",
            text=f"{len(pairs)} items repeat another: they count twice and make intervals too "
            "narrow",
            mend="delete the later one of each pair",
            items=_ids(pairs),
        )


def _near(pairs: Sequence[tuple[GoldRecord, GoldRecord]]) -> Iterator[Finding]:
    same, other = list[tuple[GoldRecord, GoldRecord]](), list[tuple[GoldRecord, GoldRecord]]()
    for a, b in pairs:
        is_same = not _is_against(a, b)
        is_together = a.cluster is not None and a.cluster == b.cluster
        if not (is_same and is_together):
            (same if is_same else other).append((a, b))
    if same:
        yield Finding(
            severity="warning",
            kind="near_duplicate",
            text=f"{len(same)} items nearly repeat another and have the same answer",
            mend="delete one of each pair, or give both the same `cluster`",
            items=_ids(same),
        )
    if other:
        yield Finding(
            severity="note",
            kind="near_duplicate_other_answer",
            text=f"{len(other)} items nearly repeat another and have another answer",
            mend="fine when they differ on purpose; read them side by side once",
            items=_ids(other),
        )


def _shared_sources(suite: Suite) -> Iterator[Finding]:
    """Find long texts that items share without sharing a cluster."""
    holders: dict[str, list[GoldRecord]] = defaultdict(list)
    for record in suite.gold:
        if isinstance(record.input, dict):
            for value in record.input.values():
                if n_words(value) >= LONG_FIELD:
                    holders[folded(value)].append(record)
    loose = [
        records
        for records in holders.values()
        if len(records) > 1
        and (len({r.cluster for r in records}) > 1 or records[0].cluster is None)
    ]
    if loose:
        n_items = len({record.id for records in loose for record in records})
        yield Finding(
            severity="warning",
            kind="unclustered_source",
            text=f"{n_items} items share {len(loose)} longer texts without sharing a cluster: "
            "they are not independent, so intervals come out too narrow",
            mend="give the items of one text the same `cluster`",
            items=tuple(tuple(record.id for record in records) for records in loose),
        )


def _equal_pairs(suite: Suite) -> list[tuple[GoldRecord, GoldRecord]]:
    """Return the first item of each task that asks something, with every later one that does."""
    first: dict[object, GoldRecord] = {}
    pairs = [(first.setdefault((r.task, _key(r)), r), r) for r in suite.gold]
    return [(a, b) for a, b in pairs if a is not b]


def _key(record: GoldRecord) -> tuple[tuple[str, str], ...]:
    return tuple((name, folded(value)) for name, value in sorted(fields_of(record).items()))


def _is_against(a: GoldRecord, b: GoldRecord) -> bool:
    return _answers(a).isdisjoint(_answers(b))


def _answers(record: GoldRecord) -> set[str]:
    return {folded(answer) for answer in right_answers(record)} or {""}


def _is_short(record: GoldRecord) -> bool:
    return bool(record.choices) or all(
        n_words(answer) <= SHORT_ANSWER for answer in record.references
    )


def _quoted(record: GoldRecord) -> str:
    answers = right_answers(record)
    return f"{record.id} → {answers[0] if answers else 'no answer'!r}"


def _ids(pairs: Sequence[tuple[GoldRecord, GoldRecord]]) -> tuple[tuple[str, ...], ...]:
    return tuple((a.id, b.id) for a, b in pairs)
