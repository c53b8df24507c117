"""Store what a rater says: whole or not at all, once however often it is sent, nothing overwritten."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from harness.annotation.assign import next_task
from harness.annotation.audit import record
from harness.annotation.blinding import SLOTS
from harness.annotation.config import SessionConfig
from harness.annotation.counts import has_room, n_taken
from harness.annotation.database import Database
from harness.annotation.errors import SessionStateError, SubmissionError
from harness.annotation.feedback import feedback_on
from harness.annotation.latest import StoredRating, latest_ratings
from harness.annotation.lookup import (
    config_of,
    membership,
    own_assignment,
    rater_named,
    scales_of,
    session_named,
)
from harness.annotation.schema.tables import (
    AssignmentRow,
    CandidateRow,
    ItemRow,
    PreferenceRow,
    RaterRow,
    RatingRow,
    RatingTagRow,
    RatingValueRow,
    SessionRow,
)
from harness.annotation.schema.types import OPEN_STATES, Outcome
from harness.annotation.validate import checked
from harness.annotation.views import Receipt, Submission
from harness.digest import digest_of


def submit(database: Database, name: str, handle: str, said: Submission) -> Receipt:
    """Store a rating and give the next item.

    A second rating of the same item is a new revision; the old one stays. The same message (by
    its token) is stored once. An item whose lease is over is stored all the same; where its item
    has enough raters by now it is marked as surplus.

    Args:
        database: Where.
        name: The session.
        handle: Of the rater, who is logged in.
        said: The whole rating.

    Raises:
        SubmissionError: it is incomplete or does not fit; nothing was stored.
        SessionStateError: the session is closed; the draft is kept.
        NotAllowedError: it is another's item.
    """

    def work(session: Session) -> Receipt:
        row, rater = session_named(session, name), rater_named(session, handle)
        membership(session, row, rater, lock=True)
        stored = _stored_before(session, rater, said)
        is_new = stored is None
        if stored is None:
            stored = _store(database, session, row, rater, said)
        assignment = session.get_one(AssignmentRow, stored.assignment_id)
        latest = latest_ratings(session, [assignment.id])[assignment.id]
        return Receipt(
            assignment=assignment.key,
            revision=stored.revision,
            saved_at=stored.created_at,
            is_repeat_of_message=not is_new,
            feedback=feedback_on(session, scales_of(row), rater, assignment, latest),
            next=next_task(database, session, row, rater),
        )

    return database.write(work)


def payload_digest(said: Submission) -> str:
    """Return the hash of all that a rater says, without when and how it was sent."""
    fields = asdict(said)
    return digest_of(
        {key: fields[key] for key in ("assignment", "answers", "choice", "strength", "comment")}
    )


def _stored_before(session: Session, rater: RaterRow, said: Submission) -> RatingRow | None:
    stored = session.scalar(select(RatingRow).where(RatingRow.token == said.token))
    if stored is None:
        return None
    assignment = session.get_one(AssignmentRow, stored.assignment_id)
    is_own = assignment.rater_id == rater.id and assignment.key == said.assignment
    if not is_own or stored.payload_digest != payload_digest(said):
        raise SubmissionError("this message's token belongs to another rating; reload the page")
    return stored


def _store(
    database: Database, session: Session, row: SessionRow, rater: RaterRow, said: Submission
) -> RatingRow:
    if row.state not in {"open", "paused"}:
        raise SessionStateError(f"this session is {row.state}: no ratings are taken any more")
    config = config_of(row)
    assignment = own_assignment(session, row, rater, said.assignment, lock=True)
    item = session.execute(
        select(ItemRow).where(ItemRow.id == assignment.item_id).with_for_update()
    ).scalar_one()
    candidates = list(
        session.scalars(
            select(CandidateRow)
            .where(CandidateRow.item_id == item.id)
            .order_by(CandidateRow.position)
        )
    )
    clean = checked(config, scales_of(row), len(candidates), said)
    _take(session, assignment, item)
    rating = add_rating(database, session, assignment, candidates, clean)
    record(
        database,
        session,
        row.id,
        rater.handle,
        "submitted",
        assignment=assignment.key,
        revision=rating.revision,
    )
    session.flush()
    if config.boost is not None and item.kind == "plain":
        _boost(session, config, item)
    return rating


def _take(session: Session, assignment: AssignmentRow, item: ItemRow) -> None:
    """Mark an assignment as submitted; one that was taken back counts only if there is room."""
    was_open = assignment.state in {*OPEN_STATES, "submitted"}
    if not was_open and assignment.occurrence == 0:
        assignment.is_surplus = not has_room(session, item)
    assignment.state = "submitted"
    assignment.draft = None
    assignment.draft_at = None
    session.flush()
    item.n_taken = n_taken(session, item.id)


def add_rating(
    database: Database,
    session: Session,
    assignment: AssignmentRow,
    candidates: list[CandidateRow],
    said: Submission,
) -> RatingRow:
    """Add a rating that was checked, as the next revision of its assignment.

    Args:
        database: Tells the time.
        session: The unit of work.
        assignment: Whose sides tell which answer A is.
        candidates: The item's answers in their stored order.
        said: The rating.
    """
    last = session.scalar(
        select(func.max(RatingRow.revision)).where(RatingRow.assignment_id == assignment.id)
    )
    rating = RatingRow(
        assignment_id=assignment.id,
        revision=1 + (last or 0),
        token=said.token,
        payload_digest=payload_digest(said),
        comment=said.comment,
        confidence=said.confidence,
        active_ms=said.active_ms,
        elapsed_ms=said.elapsed_ms,
        locale=said.locale,
        origin=said.origin,
        created_at=database.now(),
    )
    session.add(rating)
    session.flush()
    _add_parts(session, rating, assignment, candidates, said)
    return rating


def _add_parts(
    session: Session,
    rating: RatingRow,
    assignment: AssignmentRow,
    candidates: list[CandidateRow],
    said: Submission,
) -> None:
    """Store values, tags and preference by the stored order of the answers."""
    order = candidates[::-1] if assignment.is_flipped else candidates
    by_slot = dict(zip(SLOTS, order, strict=False))
    for slot, scores in said.answers.items():
        candidate = by_slot[slot].id
        session.add_all(
            RatingValueRow(rating_id=rating.id, candidate_id=candidate, dimension=name, value=value)
            for name, value in scores.values.items()
        )
        session.add_all(
            RatingTagRow(rating_id=rating.id, candidate_id=candidate, tag=tag, severity=severity)
            for tag, severity in scores.tags.items()
        )
    if said.choice is not None:
        outcome = outcome_of(said.choice, is_flipped=assignment.is_flipped)
        session.add(PreferenceRow(rating_id=rating.id, outcome=outcome, strength=said.strength))


def outcome_of(choice: str, *, is_flipped: bool) -> Outcome:
    """Return the side that was chosen as the answer that stood there."""
    if choice in {"A", "B"}:
        return "first" if (choice == "A") != is_flipped else "second"
    return "tie" if choice == "tie" else "both_bad"


def _boost(session: Session, config: SessionConfig, item: ItemRow) -> None:
    """Ask for more raters where those there are differ."""
    assert config.boost is not None, "the session boosts nothing"
    if item.target is None or item.target >= config.boost.raters:
        return
    ids = session.scalars(
        select(AssignmentRow.id).where(
            AssignmentRow.item_id == item.id,
            AssignmentRow.state == "submitted",
            AssignmentRow.occurrence == 0,
        )
    ).all()
    ratings = list(latest_ratings(session, ids).values())
    if any(differ(one, two, config.boost.spread) for one, two in combinations(ratings, 2)):
        item.target = config.boost.raters
        item.priority += 1


def differ(one: StoredRating, two: StoredRating, spread: int) -> bool:
    """Return whether two ratings of an item are so far apart that a third view is wanted."""
    if {one.outcome, two.outcome} == {"first", "second"}:
        return True
    for position, values in one.values.items():
        for name, value in values.items():
            other = two.values.get(position, {}).get(name)
            if value is not None and other is not None and abs(value - other) >= spread:
                return True
    return False
