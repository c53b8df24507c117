"""Items that raters disagreed on: the queue, who said what without names, and the last word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.audit import record
from harness.annotation.config import SessionConfig
from harness.annotation.database import Database
from harness.annotation.dimensions import DimensionSet
from harness.annotation.draw import draw
from harness.annotation.errors import AnnotationError, NotAllowedError, SubmissionError
from harness.annotation.feedback import known_of, verdicts
from harness.annotation.latest import StoredRating, latest_ratings
from harness.annotation.lead_views import AnonymousRating, Decision, Dispute
from harness.annotation.lookup import config_of, rater_named, scales_of, session_named
from harness.annotation.raters import ALLOWS
from harness.annotation.schema.tables import (
    AdjudicationRow,
    AssignmentRow,
    CandidateRow,
    ItemRow,
    SessionRow,
)
from harness.annotation.views import AnswerScores

SPREAD = 2
"""Points between two raters, from which on an item is disputed."""


def disputes(database: Database, name: str) -> list[Dispute]:
    """Return the items that need a last word, the worst first, then those that have one.

    Disputed is: points two or more apart, opposite winners, a critical tag, a check that most got
    wrong, "cannot judge" by half, or skipped by everyone who was asked.

    Raises:
        AnnotationError: there is no session of that name.
    """

    def work(session: Session) -> list[Dispute]:
        row = session_named(session, name)
        config = config_of(row)
        decided = set(
            session.scalars(
                select(AdjudicationRow.item_id).where(AdjudicationRow.session_id == row.id)
            )
        )
        found = [
            _dispute(session, row, config, item, ratings, reasons, is_decided=item.id in decided)
            for item, ratings in _rated(session, row)
            if (reasons := _reasons(session, item, ratings))
        ]
        return sorted(found, key=lambda one: (one.is_decided, -one.weight, one.item))

    return database.read(work)


def decide(database: Database, name: str, handle: str, decision: Decision) -> None:
    """Store a last word; the ratings stay as they are, and a later one replaces it.

    Raises:
        NotAllowedError: the person is neither adjudicator nor lead.
        SubmissionError: it does not fit the scales.
    """

    def work(session: Session) -> None:
        row, person = session_named(session, name), rater_named(session, handle)
        if person.role not in ALLOWS["adjudicate"]:
            raise NotAllowedError(f"{handle!r} is {person.role}: only adjudicators and leads may")
        item = session.scalar(
            select(ItemRow).where(ItemRow.session_id == row.id, ItemRow.key == decision.item)
        )
        if item is None:
            raise AnnotationError(f"no item {decision.item!r} in {name!r}")
        stored = session.scalar(
            select(AdjudicationRow).where(AdjudicationRow.token == decision.token)
        )
        if stored is not None:
            return
        n_answers = len(_texts(session, item))
        _check(config_of(row), scales_of(row), n_answers, decision)
        based_on = [one.id for one in _ratings_of_item(session, item)]
        session.add(
            AdjudicationRow(
                session_id=row.id,
                item_id=item.id,
                adjudicator_id=person.id,
                token=decision.token,
                values=[
                    {"position": position, "dimension": dimension, "value": value}
                    for position, values in enumerate(decision.answers)
                    for dimension, value in values.items()
                ],
                outcome=decision.outcome,
                confidence=decision.confidence,
                cause=decision.cause,
                note=decision.note,
                based_on=based_on,
                gold_change={"references": list(decision.references)}
                if decision.cause == "gold wrong"
                else None,
                created_at=database.now(),
            )
        )
        record(
            database, session, row.id, handle, "adjudicated", item=item.key, cause=decision.cause
        )

    database.write(work)


def last_words(session: Session, row: SessionRow) -> dict[int, AdjudicationRow]:
    """Return the decision that counts, by the item's id."""
    rows = session.scalars(
        select(AdjudicationRow)
        .where(AdjudicationRow.session_id == row.id)
        .order_by(AdjudicationRow.id)
    )
    return {one.item_id: one for one in rows}


def _rated(session: Session, row: SessionRow) -> list[tuple[ItemRow, list[StoredRating]]]:
    """Return the items with what each rater said first about them."""
    found = session.execute(
        select(AssignmentRow.id, AssignmentRow.state, ItemRow)
        .join(ItemRow, ItemRow.id == AssignmentRow.item_id)
        .where(
            AssignmentRow.session_id == row.id,
            AssignmentRow.occurrence == 0,
            AssignmentRow.state.in_(("submitted", "skipped")),
            ItemRow.kind != "training",
        )
        .order_by(ItemRow.id, AssignmentRow.id)
    ).all()
    latest = latest_ratings(session, [one for one, state, _ in found if state == "submitted"])
    rated: dict[int, tuple[ItemRow, list[StoredRating]]] = {}
    for assignment, _, item in found:
        own = rated.setdefault(item.id, (item, []))[1]
        if assignment in latest:
            own.append(latest[assignment])
    return list(rated.values())


def _reasons(session: Session, item: ItemRow, ratings: Sequence[StoredRating]) -> dict[str, float]:
    """Return why an item is disputed, each reason with its weight."""
    found: dict[str, float] = {}
    if not ratings:
        return {"skipped by all": 1.0}
    for (position, name), values in _points(ratings).items():
        known = [value for value in values if value is not None]
        if len(known) > 1 and max(known) - min(known) >= SPREAD:
            which = "" if len(ratings[0].values) == 1 else f" of answer {position + 1}"
            found[f"{name}{which}: {min(known)} to {max(known)}"] = float(max(known) - min(known))
        if values.count(None) * 2 >= len(values):
            found[f"{name}: half cannot judge"] = 1.0
    outcomes = {one.outcome for one in ratings}
    if {"first", "second"} <= outcomes:
        found["opposite winners"] = 3.0
    severities = {s for one in ratings for tags in one.tags.values() for s in tags.values()}
    if "critical" in severities:
        found["critical fault"] = 5.0
    if item.kind == "check":
        known_answers = known_of(session, item.id)
        wrong = [any(not v.is_right for v in verdicts(known_answers, one)) for one in ratings]
        if len(ratings) > 1 and sum(wrong) * 2 > len(wrong):
            found["a check that most raters fail"] = 4.0
    return found


def _points(ratings: Sequence[StoredRating]) -> dict[tuple[int, str], list[int | None]]:
    points: dict[tuple[int, str], list[int | None]] = {}
    for one in ratings:
        for position, values in one.values.items():
            for name, value in values.items():
                points.setdefault((position, name), []).append(value)
    return points


def _dispute(
    session: Session,
    row: SessionRow,
    config: SessionConfig,
    item: ItemRow,
    ratings: Sequence[StoredRating],
    reasons: Mapping[str, float],
    *,
    is_decided: bool,
) -> Dispute:
    texts = _texts(session, item)
    is_shown = config.adjudicator_sees == "ratings" or is_decided
    # The order in which raters came would tell who is who.
    mixed = sorted(ratings, key=lambda one: draw([row.seed, item.key, one.assignment_id]))
    return Dispute(
        item=item.key,
        reasons=tuple(reasons) if is_shown else (),
        weight=sum(reasons.values()),
        prompt=str(item.payload["prompt"]),
        references=tuple(map(str, item.payload["references"])),
        answers=tuple(texts),
        ratings=tuple(
            AnonymousRating(
                rater=f"rater {number}",
                answers=tuple(
                    AnswerScores(values=one.values.get(place, {}), tags=one.tags.get(place, {}))
                    for place in range(len(texts))
                ),
                outcome=one.outcome,  # pyright: ignore[reportArgumentType] - stored from an Outcome
                strength=one.strength,
                comment=one.comment,
                seconds=None if one.elapsed_ms is None else one.elapsed_ms / 1000,
            )
            for number, one in enumerate(mixed, start=1)
        )
        if is_shown
        else (),
        is_decided=is_decided,
    )


def _texts(session: Session, item: ItemRow) -> list[str]:
    return list(
        session.scalars(
            select(CandidateRow.shown)
            .where(CandidateRow.item_id == item.id)
            .order_by(CandidateRow.position)
        )
    )


def _ratings_of_item(session: Session, item: ItemRow) -> list[StoredRating]:
    ids = session.scalars(select(AssignmentRow.id).where(AssignmentRow.item_id == item.id)).all()
    return list(latest_ratings(session, ids).values())


def _check(config: SessionConfig, scales: DimensionSet, n_answers: int, decision: Decision) -> None:
    if len(decision.answers) > n_answers:
        raise SubmissionError(f"the item has {n_answers} answer(s), not {len(decision.answers)}")
    for values in decision.answers:
        for name, value in values.items():
            if name not in scales.dimensions or config.kind == "pairwise":
                raise SubmissionError(f"{name!r} is no scale of this session")
            scale = scales.dimensions[name]
            if value is not None and not scale.low <= value <= scale.high:
                raise SubmissionError(
                    f"{name} is {value}; it goes from {scale.low} to {scale.high}"
                )
    if decision.outcome is not None and (n_answers < 2 or config.kind == "likert"):
        raise SubmissionError("there is one answer: no preference was asked")
    if decision.cause == "gold wrong" and not decision.references:
        raise SubmissionError('"gold wrong" needs the references that the gold set should have')
