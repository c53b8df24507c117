"""Lock a gold set: its content, version and history beside suite.yaml, so that a change is seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from harness.config import explain, read_text, telling_fault
from harness.digest import digest_of
from harness.errors import GoldError, StoreError
from harness.goldset.findings import Finding
from harness.store import read_lines, write_json
from harness.suite import Suite
from harness.types import GoldRecord, Record

LOCK_FILE = "gold.lock.json"
SHOWN_IDS = 8


class LockEntry(Record):
    """One locked version."""

    version: str
    digest: str
    """Of the whole gold set, as runs record it."""
    n_items: int
    date: str
    note: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """Gold ids, against the entry before."""


class Lock(Record):
    """gold.lock.json."""

    format: Literal[1] = 1
    suite: str
    history: tuple[LockEntry, ...] = Field(min_length=1)
    """Oldest first; the last is the locked version."""
    items: dict[str, str]
    """Digest of each item of the locked version, by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldChange:
    """How one gold set differs from another, by item id."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        parts = (
            f"{len(ids)} {word} ({', '.join(ids[:SHOWN_IDS])}{', …' * (len(ids) > SHOWN_IDS)})"
            for word, ids in (
                ("added", self.added), ("removed", self.removed), ("changed", self.changed)
            )
            if ids
        )  # fmt: skip
        return "; ".join(parts) or "nothing"


def lock_file(suite: Suite) -> Path:
    """Return where a suite's lock lies; a recipe shares its folder with others."""
    name = LOCK_FILE if suite.file.name == "suite.yaml" else f"{suite.file.stem}.{LOCK_FILE}"
    return suite.file.parent / name


def read_lock(suite: Suite) -> Lock | None:
    """Return a suite's lock, or None when it was never locked.

    Raises:
        GoldError: the lock file is damaged or another suite's.
    """
    file = lock_file(suite)
    if not file.exists():
        return None
    try:
        lock = Lock.model_validate_json(read_text(file, GoldError))
    except ValidationError as error:
        told = explain(telling_fault(error), Lock)
        raise GoldError(f"{file}: damaged: {told}; take it from version control") from None
    if lock.suite != suite.name:
        raise GoldError(f"{file}: locks suite {lock.suite!r}, but this is {suite.name!r}")
    return lock


def lock_gold(suite: Suite, *, note: str, date: str) -> Lock:
    """Return the suite's lock with the present gold set as its last version.

    Raises:
        GoldError: nothing changed, or it changed and `version` in suite.yaml did not.
    """
    version, now = suite.config.version, item_digests(suite.gold)
    old = read_lock(suite)
    if old is None:
        return Lock(suite=suite.name, history=(_entry(suite, note=note, date=date),), items=now)
    change, last = difference(old.items, now), old.history[-1]
    if not change and version == last.version:
        raise GoldError(
            f"{suite.file}: version {version} is locked already, and the gold set is unchanged"
        )
    if change and any(entry.version == version for entry in old.history):
        raise GoldError(
            f"{suite.file}: the gold set changed since version {version} was locked: {change}; "
            "raise `version` in suite.yaml, then lock again"
        )
    entry = _entry(suite, note=note, date=date, change=change)
    return Lock(suite=suite.name, history=(*old.history, entry), items=now)


def write_lock(suite: Suite, lock: Lock) -> Path:
    """Store a lock beside its suite.yaml."""
    file = lock_file(suite)
    write_json(file, lock.model_dump(mode="json"))
    return file


def item_digests(records: Iterable[GoldRecord]) -> dict[str, str]:
    """Return a short digest of each item's content, by id."""
    return {
        record.id: digest_of(record.model_dump(mode="json", exclude_defaults=True))[:16]
        for record in records
    }


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> GoldChange:
    """Compare two gold sets by the digests of their items."""
    return GoldChange(
        added=tuple(gold_id for gold_id in after if gold_id not in before),
        removed=tuple(gold_id for gold_id in before if gold_id not in after),
        changed=tuple(i for i in after if i in before and before[i] != after[i]),
    )


def lock_findings(suite: Suite) -> Iterator[Finding]:
    """Yield whether the gold set is what was locked."""
    lock = read_lock(suite)
    if lock is None:
        yield Finding(
            severity="note",
            kind="not_locked",
            text="this gold set was never locked: a later change could go unseen",
            mend='`tunemark gold lock SUITE -m "first version"`',
        )
        return
    last = lock.history[-1]
    change = difference(lock.items, item_digests(suite.gold))
    if change:
        yield Finding(
            severity="warning",
            kind="changed_since_lock",
            text=f"changed since version {last.version} was locked on {last.date}: {change}; "
            "scores from before cannot be compared with new ones",
            mend="raise `version` in suite.yaml and lock again, or take the change back",
            items=tuple((gold_id,) for gold_id in (*change.added, *change.changed)),
        )
    elif suite.config.version != last.version:
        yield Finding(
            severity="note",
            kind="version_not_locked",
            text=f"suite.yaml says version {suite.config.version}, locked is {last.version}",
            mend="lock the new version",
        )


def version_of(suite: Suite, digest: str) -> str | None:
    """Return the version under which a gold set was locked, by its digest."""
    lock = read_lock(suite)
    entries = lock.history if lock else ()
    return next((entry.version for entry in reversed(entries) if entry.digest == digest), None)


def change_since(suite: Suite, digest: str, kept: Path) -> GoldChange | None:
    """Return how a suite's gold set differs from one that was run.

    Args:
        suite: As it is now.
        digest: Of the gold set that was run.
        kept: Where its copy lies (runs/gold/<digest>.jsonl); the lock's history serves if not.

    Returns:
        None when neither tells.
    """
    if kept.is_file():
        with suppress(StoreError, ValidationError):  # a damaged copy: the history may still tell
            records = [GoldRecord.model_validate(row) for row in read_lines(kept)]
            return difference(item_digests(records), item_digests(suite.gold))
    lock = read_lock(suite)
    history = lock.history if lock else ()
    position = next((i for i, entry in enumerate(history) if entry.digest == digest), None)
    if lock is None or position is None:
        return None
    return _joined(history[position + 1 :], difference(lock.items, item_digests(suite.gold)))


def _joined(entries: Sequence[LockEntry], rest: GoldChange) -> GoldChange:
    """Add up changes; an item that came and went is in neither list."""
    added, removed, changed = set[str](), set[str](), set[str]()
    for step in (*entries, rest):
        for gold_id in step.removed:
            changed.discard(gold_id)
            (added.discard if gold_id in added else removed.add)(gold_id)
        for gold_id in step.added:
            (changed.add if gold_id in removed else added.add)(gold_id)
            removed.discard(gold_id)
        changed |= set(step.changed) - added
    return GoldChange(
        added=tuple(sorted(added)), removed=tuple(sorted(removed)), changed=tuple(sorted(changed))
    )


def _entry(suite: Suite, *, note: str, date: str, change: GoldChange | None = None) -> LockEntry:
    change = change or GoldChange()
    return LockEntry(
        version=suite.config.version,
        digest=suite.gold_digest,
        n_items=len(suite.gold),
        date=date,
        note=note,
        added=change.added,
        removed=change.removed,
        changed=change.changed,
    )
