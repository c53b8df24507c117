"""What is new on a board, compared with an earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from harness.leaderboard.board import Board, Column, Entry
from harness.stats.ranking import Rank
from harness.types import Record

Code = Literal[
    "suite_added", "suite_removed", "metric", "signature", "gold", "weight", "limits",
    "added", "removed", "ranked", "unranked", "replaced", "rank",
]  # fmt: skip

TEXTS: Mapping[Code, str] = {
    "suite_added": "{name}: new suite",
    "suite_removed": "{name}: suite removed",
    "metric": "{name}: decided by {after} instead of {before}",
    "signature": "{name}: measured by {after} instead of {before}",
    "gold": "{name}: another version of the gold set ({after} instead of {before})",
    "weight": "{name}: weight {after} instead of {before}",
    "limits": "other limits for taking part ({after} instead of {before})",
    "added": "{name}: new, {after}",
    "removed": "{name}: no longer here, was {before}",
    "ranked": "{name}: ranked now, {after}",
    "unranked": "{name}: not ranked any more ({after}), was {before}",
    "replaced": "{name}: another model under the same name ({after} instead of {before})",
    "rank": "{name}: rank {after} instead of {before}",
}


class Change(Record):
    """One line of a change log."""

    code: Code
    name: str = ""
    """Model or suite."""
    before: str = ""
    after: str = ""

    @property
    def text(self) -> str:
        """In English."""
        return TEXTS[self.code].format(name=self.name, before=self.before, after=self.after)


def changes(before: Board, after: Board) -> tuple[Change, ...]:
    """Return what changed: suites first, then models in the order of the newer board."""
    return (*_suites(before, after), *_models(before, after))


def rank_text(rank: Rank | None) -> str:
    """Write a rank interval: 2, 1–3, or a dash where there is no order."""
    if rank is None:
        return "–"
    return str(rank.best) if rank.best == rank.worst else f"{rank.best}–{rank.worst}"


def _suites(before: Board, after: Board) -> Iterator[Change]:
    old = {column.suite: column for column in before.columns}
    new = {column.suite: column for column in after.columns}
    for name in new:
        if name in old:
            yield from _column(old[name], new[name])
        else:
            yield Change(code="suite_added", name=name)
    for name in old:
        if name not in new:
            yield Change(code="suite_removed", name=name)
    if before.config.limits != after.config.limits:
        texts = [
            f"coverage {board.config.limits.coverage:g}, leaked items "
            f"{board.config.limits.leaked_items}"
            for board in (before, after)
        ]
        yield Change(code="limits", before=texts[0], after=texts[1])


def _column(old: Column, new: Column) -> Iterator[Change]:
    if old.metric != new.metric:
        yield Change(code="metric", name=new.suite, before=old.metric, after=new.metric)
    elif old.signature != new.signature:
        yield Change(code="signature", name=new.suite, before=old.signature, after=new.signature)
    if old.gold_digest != new.gold_digest:
        yield Change(
            code="gold",
            name=new.suite,
            before=old.gold_digest[:12],
            after=new.gold_digest[:12],
        )
    if old.weight != new.weight:
        weights = ["none" if w is None else f"{w:.3g}" for w in (old.weight, new.weight)]
        yield Change(code="weight", name=new.suite, before=weights[0], after=weights[1])


def _models(before: Board, after: Board) -> Iterator[Change]:
    old = {entry.name: entry for entry in before.entries}
    new = {entry.name: entry for entry in after.entries}
    for name, entry in new.items():
        if name not in old:
            yield Change(code="added", name=name, after=_place(entry))
        else:
            yield from _model(old[name], entry)
    for name, entry in old.items():
        if name not in new:
            yield Change(code="removed", name=name, before=_place(entry))


def _model(old: Entry, new: Entry) -> Iterator[Change]:
    name = new.name
    if _identity(old) != _identity(new):
        yield Change(code="replaced", name=name, before=_identity(old), after=_identity(new))
    if old.is_ranked and not new.is_ranked:
        why = "; ".join(reason.text for reason in new.reasons)
        yield Change(code="unranked", name=name, before=_place(old), after=why)
    elif new.is_ranked and not old.is_ranked:
        yield Change(code="ranked", name=name, after=_place(new))
    elif old.rank != new.rank:
        yield Change(code="rank", name=name, before=rank_text(old.rank), after=rank_text(new.rank))


def _identity(entry: Entry) -> str:
    parts = [digest[:8] for digest in (entry.model_digest, entry.adapter_digest) if digest]
    return "+".join(parts)


def _place(entry: Entry) -> str:
    if not entry.is_ranked:
        return f"not ranked ({'; '.join(reason.text for reason in entry.reasons)})"
    return "no overall rank" if entry.rank is None else f"rank {rank_text(entry.rank)}"
