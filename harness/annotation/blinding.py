"""What a rater may receive. Nothing here reads which run an answer is from.

Every value for raters is made in this module, from columns that hold no run, model or gold id.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from harness.annotation.config import SessionConfig
from harness.annotation.database import Database
from harness.annotation.dimensions import DimensionSet, Locale
from harness.annotation.draw import n_words
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
    MemberRow,
    RaterRow,
    RatingRow,
    SessionRow,
)
from harness.annotation.schema.types import OPEN_STATES
from harness.annotation.views import (
    AnswerScores,
    Asked,
    Choice,
    Invitation,
    OwnRating,
    Progress,
    Scale,
    ShownAnswer,
    Slot,
    Submission,
    Task,
)

EXCERPT = 80
SLOTS: tuple[Slot, Slot] = ("A", "B")


def task_of(
    database: Database,
    session: Session,
    row: SessionRow,
    rater: RaterRow,
    assignment: AssignmentRow,
) -> Task:
    """Return an item as its rater sees it."""
    config = config_of(row)
    item = session.get_one(ItemRow, assignment.item_id)
    texts = list(
        session.scalars(
            select(CandidateRow.shown)
            .where(CandidateRow.item_id == item.id)
            .order_by(CandidateRow.position)
        )
    )
    shown = texts[::-1] if assignment.is_flipped else texts
    prompt, references = str(item.payload["prompt"]), tuple(map(str, item.payload["references"]))
    visible = () if config.references == "hidden" else references
    said = latest_ratings(session, [assignment.id]).get(assignment.id)
    read = [*shown, *([] if config.prompt == "hidden" else [prompt])]
    lease = (assignment.lease_until - database.now()).total_seconds()
    return Task(
        assignment=assignment.key,
        title=config.title or row.name,
        number=assignment.position + 1,
        prompt="" if config.prompt == "hidden" else prompt,
        prompt_is=config.prompt,
        references=visible,
        references_are=config.references,
        answers=tuple(
            ShownAnswer(slot=slot, text=text) for slot, text in zip(SLOTS, shown, strict=False)
        ),
        asked=asked(config, scales_of(row), len(texts), _locale(rater)),
        is_training=item.kind == "training",
        lease_seconds=max(0.0, lease),
        minimum_seconds=round(sum(map(n_words, read)) * 60 / config.words_per_minute, 1),
        draft=assignment.draft,
        said=None if said is None else submission_of(assignment, said, len(texts)),
        revision=0 if said is None else said.revision,
        progress=progress_of(session, row, rater),
    )


def asked(config: SessionConfig, scales: DimensionSet, n_answers: int, locale: Locale) -> Asked:
    """Return all that is asked about an item, in one language."""
    is_pair = n_answers > 1 and config.kind != "likert"
    words = scales.preference
    return Asked(
        scales=()
        if config.kind == "pairwise"
        else tuple(
            Scale(
                name=name,
                title=scale.title.of(locale),
                question=scale.question.of(locale),
                anchors={point: scale.anchors[point].of(locale) for point in sorted(scale.anchors)},
            )
            for name, scale in scales.dimensions.items()
        ),
        cannot_judge=scales.cannot_judge.of(locale),
        tags={name: tag.of(locale) for name, tag in scales.tags.items()} if config.tags else {},
        severities={name: word.of(locale) for name, word in scales.severities.items()},
        preference=words.title.of(locale) if is_pair else None,
        strengths={n: word.of(locale) for n, word in words.strengths.items()},
        tie=words.tie.of(locale),
        both_bad=words.both_bad.of(locale),
        has_confidence=config.confidence,
        reason_up_to=config.reason_up_to,
    )


def progress_of(session: Session, row: SessionRow, rater: RaterRow) -> Progress:
    """Return how far a rater is."""
    counted = session.execute(
        select(AssignmentRow.state, func.count())
        .where(AssignmentRow.session_id == row.id, AssignmentRow.rater_id == rater.id)
        .group_by(AssignmentRow.state)
    )
    states = dict(counted.all())
    mine = select(AssignmentRow.item_id).where(
        AssignmentRow.rater_id == rater.id,
        AssignmentRow.session_id == row.id,
        AssignmentRow.occurrence == 0,
        AssignmentRow.state.not_in(("expired", "released")),
    )
    fresh = session.scalar(
        select(func.count())
        .select_from(ItemRow)
        .where(
            ItemRow.session_id == row.id,
            ItemRow.is_open,
            or_(ItemRow.target.is_(None), ItemRow.n_taken < ItemRow.target),
            ItemRow.id.not_in(mine),
        )
    )
    return Progress(
        n_done=states.get("submitted", 0),
        n_left=(fresh or 0) + sum(states.get(state, 0) for state in OPEN_STATES),
        n_skipped=states.get("skipped", 0),
        median_seconds=_median_seconds(session, row, rater),
    )


def submission_of(assignment: AssignmentRow, said: StoredRating, n_answers: int) -> Submission:
    """Return a stored rating in the slots in which its rater saw the answers."""
    order = range(n_answers)[::-1] if assignment.is_flipped else range(n_answers)
    answers: dict[Slot, AnswerScores] = {
        slot: AnswerScores(values=said.values.get(place, {}), tags=said.tags.get(place, {}))
        for slot, place in zip(SLOTS, order, strict=False)
    }
    return Submission(
        assignment=assignment.key,
        token=said.token,
        answers=answers,
        choice=choice_of(said.outcome, is_flipped=assignment.is_flipped),
        strength=said.strength,
        comment=said.comment,
        confidence=said.confidence,
        active_ms=said.active_ms,
        elapsed_ms=said.elapsed_ms,
        locale=said.locale,
        origin=said.origin,
    )


def choice_of(outcome: str | None, *, is_flipped: bool) -> Choice | None:
    """Return a stored preference as the side that was chosen."""
    if outcome in {"first", "second"}:
        return "A" if (outcome == "first") != is_flipped else "B"
    return outcome if outcome in {"tie", "both_bad"} else None  # pyright: ignore[reportReturnType] - narrowed by the set


def sessions_for(database: Database, handle: str) -> list[Invitation]:
    """Return the sessions that a rater was invited to and that are not drafts.

    Raises:
        AnnotationError: there is no such person.
    """

    def work(session: Session) -> list[Invitation]:
        rater = rater_named(session, handle)
        rows = session.scalars(
            select(SessionRow)
            .join(MemberRow, MemberRow.session_id == SessionRow.id)
            .where(MemberRow.rater_id == rater.id, SessionRow.state != "draft")
            .order_by(SessionRow.id)
        )
        return [
            Invitation(
                session=row.name,
                title=str(row.config["title"]) or row.name,
                state=row.state,  # pyright: ignore[reportArgumentType] - stored from a SessionState
                guideline=row.guideline,
                progress=progress_of(session, row, rater),
            )
            for row in rows
        ]

    return database.read(work)


def own_ratings(database: Database, name: str, handle: str) -> list[OwnRating]:
    """Return what a rater has had so far, in the order it came.

    Raises:
        AnnotationError: no such session or person, or not invited.
    """

    def work(session: Session) -> list[OwnRating]:
        row, rater = session_named(session, name), rater_named(session, handle)
        membership(session, row, rater)
        config = config_of(row)
        found = session.execute(
            select(AssignmentRow, ItemRow.payload)
            .join(ItemRow, ItemRow.id == AssignmentRow.item_id)
            .where(AssignmentRow.session_id == row.id, AssignmentRow.rater_id == rater.id)
            .order_by(AssignmentRow.position)
        ).all()
        latest = latest_ratings(session, [assignment.id for assignment, _ in found])
        return [
            OwnRating(
                assignment=assignment.key,
                number=assignment.position + 1,
                state=assignment.state,  # pyright: ignore[reportArgumentType] - stored from an AssignmentState
                excerpt="" if config.prompt == "hidden" else str(payload["prompt"])[:EXCERPT],
                saved_at=latest[assignment.id].saved_at if assignment.id in latest else None,
            )
            for assignment, payload in found
        ]

    return database.read(work)


def open_again(database: Database, name: str, handle: str, assignment: str) -> Task:
    """Return an item that a rater has already had, with what was said.

    Raises:
        AnnotationError: it is not this rater's.
    """

    def work(session: Session) -> Task:
        row, rater = session_named(session, name), rater_named(session, handle)
        found = own_assignment(session, row, rater, assignment)
        return task_of(database, session, row, rater, found)

    return database.read(work)


def _locale(rater: RaterRow) -> Locale:
    return "zh" if rater.locale == "zh" else "en"


def _median_seconds(session: Session, row: SessionRow, rater: RaterRow) -> float | None:
    times: Sequence[int] = session.scalars(
        select(RatingRow.elapsed_ms)
        .join(AssignmentRow, AssignmentRow.id == RatingRow.assignment_id)
        .where(
            AssignmentRow.session_id == row.id,
            AssignmentRow.rater_id == rater.id,
            RatingRow.elapsed_ms.is_not(None),
        )
        .order_by(RatingRow.id.desc())
        .limit(50)
    ).all()  # pyright: ignore[reportAssignmentType] - None is left out by the query
    return sorted(times)[len(times) // 2] / 1000 if times else None
