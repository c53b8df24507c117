"""What a lead should look at before believing a rater. Nobody is blocked by a flag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.blinding import choice_of
from harness.annotation.config import SessionConfig
from harness.annotation.database import Database
from harness.annotation.draw import n_words
from harness.annotation.feedback import known_of, verdicts
from harness.annotation.latest import StoredRating, latest_ratings
from harness.annotation.lead_views import Flag
from harness.annotation.lookup import config_of, session_named
from harness.annotation.schema.tables import (
    AssignmentRow,
    CandidateRow,
    ItemRow,
    MemberRow,
    RaterRow,
    SessionRow,
)
from harness.stats.tests import mcnemar_exact

STRAIGHT = 10
"""Ratings in a row that are all the same, from which on they are flagged."""
FEWEST = 5
"""Below so many a share says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rated:
    """An assignment of a rater with what was said."""

    assignment: AssignmentRow
    item: ItemRow
    said: StoredRating
    n_words: float


def flags(database: Database, name: str) -> list[Flag]:
    """Return what is odd about the raters of a session, the serious first.

    Raises:
        AnnotationError: there is no session of that name.
    """

    def work(session: Session) -> list[Flag]:
        row = session_named(session, name)
        config = config_of(row)
        raters = session.scalars(
            select(RaterRow)
            .join(MemberRow, MemberRow.rater_id == RaterRow.id)
            .where(MemberRow.session_id == row.id)
            .order_by(RaterRow.handle)
        )
        found: list[Flag] = []
        for rater in raters.all():
            rated = _rated(session, row, rater)
            for flag in (
                _too_fast(rater.handle, rated, config),
                _failed_checks(session, rater.handle, rated),
                _straight(rater.handle, rated),
                _inconsistent(rater.handle, rated),
                _one_sided(rater.handle, rated),
            ):
                found += [flag] if flag is not None else []
        return sorted(found, key=lambda one: (not one.is_serious, one.handle, one.kind))

    return database.read(work)


def _rated(session: Session, row: SessionRow, rater: RaterRow) -> list[_Rated]:
    found = session.execute(
        select(AssignmentRow, ItemRow)
        .join(ItemRow, ItemRow.id == AssignmentRow.item_id)
        .where(
            AssignmentRow.session_id == row.id,
            AssignmentRow.rater_id == rater.id,
            AssignmentRow.state == "submitted",
        )
        .order_by(AssignmentRow.position)
    ).all()
    latest = latest_ratings(session, [one.id for one, _ in found])
    texts: dict[int, str] = {}
    for item, text in session.execute(
        select(CandidateRow.item_id, CandidateRow.shown)
        .join(ItemRow, ItemRow.id == CandidateRow.item_id)
        .where(ItemRow.session_id == row.id)
    ):
        texts[item] = texts.get(item, "") + " " + text
    return [
        _Rated(
            assignment=assignment,
            item=item,
            said=latest[assignment.id],
            n_words=n_words(texts.get(item.id, "")),
        )
        for assignment, item in found
        if assignment.id in latest
    ]


def _too_fast(handle: str, rated: Sequence[_Rated], config: SessionConfig) -> Flag | None:
    timed = [one for one in rated if one.said.elapsed_ms is not None]
    fast = [
        one
        for one in timed
        if (one.said.elapsed_ms or 0) / 1000 < one.n_words * 60 / config.words_per_minute
    ]
    if len(timed) < FEWEST or len(fast) * 10 < len(timed):
        return None
    return Flag(
        handle=handle,
        kind="too fast",
        n=len(fast),
        of=len(timed),
        text=f"{len(fast)} of {len(timed)} answers were rated faster than they can be read",
        is_serious=len(fast) * 2 >= len(timed),
    )


def _failed_checks(session: Session, handle: str, rated: Sequence[_Rated]) -> Flag | None:
    checks = [one for one in rated if one.item.kind == "check"]
    wrong = [
        one
        for one in checks
        if any(not v.is_right for v in verdicts(known_of(session, one.item.id), one.said))
    ]
    if not wrong:
        return None
    return Flag(
        handle=handle,
        kind="failed checks",
        n=len(wrong),
        of=len(checks),
        text=f"{len(wrong)} of {len(checks)} checks were rated outside what is known to be right",
        is_serious=len(checks) >= 3 and len(wrong) * 2 > len(checks),
    )


def _straight(handle: str, rated: Sequence[_Rated]) -> Flag | None:
    longest, run, before = 0, 0, None
    for one in rated:
        points = [value for values in one.said.values.values() for value in values.values()]
        side = choice_of(one.said.outcome, is_flipped=one.assignment.is_flipped)
        now = (points[0], side) if len(set(points)) == 1 else None
        run = run + 1 if now is not None and now == before else int(now is not None)
        longest, before = max(longest, run), now
    if longest < STRAIGHT:
        return None
    return Flag(
        handle=handle,
        kind="straight-lining",
        n=longest,
        of=len(rated),
        text=f"{longest} ratings in a row are the same on every scale",
        is_serious=longest >= 2 * STRAIGHT,
    )


def _inconsistent(handle: str, rated: Sequence[_Rated]) -> Flag | None:
    """Compare what was said the first and the second time about the same item."""
    first = {one.item.id: one.said for one in rated if one.assignment.occurrence == 0}
    again = [one for one in rated if one.assignment.occurrence == 1 and one.item.id in first]
    changed = [one for one in again if _is_other(first[one.item.id], one.said)]
    if len(again) < FEWEST or len(changed) * 2 <= len(again):
        return None
    return Flag(
        handle=handle,
        kind="inconsistent",
        n=len(changed),
        of=len(again),
        text=f"{len(changed)} of {len(again)} items that came back were rated otherwise",
        is_serious=False,
    )


def _is_other(one: StoredRating, two: StoredRating) -> bool:
    """Return whether the winner changed, or any scale by two points or more."""
    if one.outcome != two.outcome and {one.outcome, two.outcome} >= {"first", "second"}:
        return True
    for position, values in one.values.items():
        for name, value in values.items():
            other = two.values.get(position, {}).get(name)
            if value is not None and other is not None and abs(value - other) > 1:
                return True
    return False


def _one_sided(handle: str, rated: Sequence[_Rated]) -> Flag | None:
    """Test whether one side wins more often than chance (sign test), since sides are drawn."""
    sides = [
        (one.said.outcome == "first") != one.assignment.is_flipped
        for one in rated
        if one.said.outcome in {"first", "second"}
    ]
    n_left = sum(sides)
    if len(sides) < 2 * FEWEST or mcnemar_exact(n_left, len(sides) - n_left) >= 0.01:
        return None
    return Flag(
        handle=handle,
        kind="one-sided",
        n=n_left,
        of=len(sides),
        text=f"the left answer won {n_left} of {len(sides)} times; sides are drawn at random",
        is_serious=False,
    )
