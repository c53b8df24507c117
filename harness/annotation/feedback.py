"""Compare a rating with what is known to be right: for training, and for silent checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.dimensions import DimensionSet
from harness.annotation.latest import StoredRating
from harness.annotation.schema.tables import AssignmentRow, GoldAnswerRow, ItemRow, RaterRow
from harness.annotation.views import Feedback, Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One thing that is known about an item, and whether a rating says so."""

    known: GoldAnswerRow
    is_right: bool


def verdicts(known: Sequence[GoldAnswerRow], said: StoredRating) -> list[Verdict]:
    """Return what a rating got right; "cannot judge" is not right where something is known."""
    found: list[Verdict] = []
    for one in known:
        if one.position is None:
            found.append(Verdict(known=one, is_right=said.outcome in one.outcomes))
            continue
        value = said.values.get(one.position, {}).get(one.dimension)
        is_right = value is not None and (one.low or 0) <= value <= (one.high or 0)
        found.append(Verdict(known=one, is_right=is_right))
    return found


def known_of(session: Session, item_id: int) -> list[GoldAnswerRow]:
    """Return what is known about an item."""
    query = select(GoldAnswerRow).where(GoldAnswerRow.item_id == item_id)
    return list(session.scalars(query.order_by(GoldAnswerRow.id)))


def feedback_on(
    session: Session,
    scales: DimensionSet,
    rater: RaterRow,
    assignment: AssignmentRow,
    said: StoredRating,
) -> tuple[Feedback, ...]:
    """Return what was expected of a training item; nothing for any other, checks included."""
    item = session.get_one(ItemRow, assignment.item_id)
    if item.kind != "training":
        return ()
    locale = "zh" if rater.locale == "zh" else "en"
    words = scales.preference
    outcomes = {"tie": words.tie.of(locale), "both_bad": words.both_bad.of(locale)}
    found: list[Feedback] = []
    for verdict in verdicts(known_of(session, item.id), said):
        known = verdict.known
        if known.position is None:
            sides = {**outcomes, **_sides(assignment)}
            expected = " / ".join(sides[outcome] for outcome in known.outcomes)
            title, slot = words.title.of(locale), None
        else:
            expected = f"{known.low}" if known.low == known.high else f"{known.low}–{known.high}"
            title = scales.dimensions[known.dimension].title.of(locale)
            slot = _slot(known.position, assignment)
        found.append(
            Feedback(
                what=title,
                slot=slot,
                expected=expected,
                is_right=verdict.is_right,
                explanation=known.explanation,
            )
        )
    return tuple(found)


def _slot(position: int, assignment: AssignmentRow) -> Slot:
    return "A" if (position == 0) != assignment.is_flipped else "B"


def _sides(assignment: AssignmentRow) -> dict[str, str]:
    return {"first": _slot(0, assignment), "second": _slot(1, assignment)}
