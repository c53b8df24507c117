"""Store ratings that were made elsewhere in the session that they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.audit import record
from harness.annotation.blinding import SLOTS
from harness.annotation.counts import has_room, n_taken
from harness.annotation.database import Database
from harness.annotation.draw import key_of
from harness.annotation.elsewhere import Elsewhere
from harness.annotation.errors import AnnotationError, SubmissionError
from harness.annotation.lookup import config_of, scales_of, session_named
from harness.annotation.raters import join, new_person
from harness.annotation.schema.tables import (
    AssignmentRow,
    CandidateRow,
    ItemRow,
    MemberRow,
    RaterRow,
    RatingRow,
    SessionRow,
)
from harness.annotation.schema.types import Severity
from harness.annotation.submit import add_rating
from harness.annotation.validate import checked
from harness.annotation.views import AnswerScores, Choice, Slot, Submission

CHOICES: dict[str, Choice] = {"first": "A", "second": "B", "tie": "tie", "both_bad": "both_bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What an import did."""

    n_new: int
    n_known: int
    """Ratings that were there already."""
    raters: tuple[str, ...]


def take_in(
    database: Database, name: str, ratings: Sequence[Elsewhere], *, form: str, actor: str
) -> TakenIn:
    """Store ratings of a session's items; the same ones again change nothing.

    Args:
        database: Where.
        name: The session.
        ratings: What was read.
        form: The format they came in, for the record.
        actor: Who imports.

    Raises:
        AnnotationError: an item is not of this session, or a rating does not fit its scales;
            then nothing is stored.
    """

    def work(session: Session) -> TakenIn:
        row = session_named(session, name, lock=True)
        importer = _Importer(database=database, session=session, row=row, form=form)
        stored = [importer.store(one) for one in ratings]
        record(database, session, row.id, actor, "imported", form=form, n=sum(stored))
        return TakenIn(
            n_new=sum(stored),
            n_known=len(stored) - sum(stored),
            raters=tuple(dict.fromkeys(one.rater for one in ratings)),
        )

    return database.write(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Importer:
    database: Database
    session: Session
    row: SessionRow
    form: str

    def store(self, one: Elsewhere) -> bool:
        """Store one rating; return whether it is new."""
        item = self.session.scalar(
            select(ItemRow).where(ItemRow.session_id == self.row.id, ItemRow.key == one.item_key)
        )
        if item is None:
            raise AnnotationError(f"{one.where}: {self.row.name!r} has no item {one.item_key!r}")
        if one.rating and self._is_here(one.rating):
            return False
        candidates = list(
            self.session.scalars(
                select(CandidateRow)
                .where(CandidateRow.item_id == item.id)
                .order_by(CandidateRow.position)
            )
        )
        token = "import-" + key_of(
            self.row.name, one.item_key, one.rater, one.rating, repr(one.values), one.outcome
        )
        if self.session.scalar(select(RatingRow.id).where(RatingRow.token == token)):
            return False
        said = self._submission(one, candidates, token)
        try:
            config = config_of(self.row).model_copy(
                update={"reason_up_to": 0, "confidence": said.confidence is not None}
            )
            clean = checked(config, scales_of(self.row), len(candidates), said)
        except SubmissionError as error:
            raise AnnotationError(f"{one.where}: {error}") from None
        assignment = self._assignment(item, self._person(one.rater))
        if assignment.is_flipped:
            clean = _mirrored(clean)
        add_rating(self.database, self.session, assignment, candidates, clean)
        item.n_taken = n_taken(self.session, item.id)
        return True

    def _is_here(self, rating: str) -> bool:
        """Return whether a rating of an own export is of this very database."""
        key, _, revision = rating.rpartition("-")
        found = self.session.scalar(
            select(RatingRow.id)
            .join(AssignmentRow, AssignmentRow.id == RatingRow.assignment_id)
            .where(AssignmentRow.key == key, RatingRow.revision == int(revision or 0))
        )
        return found is not None

    def _submission(
        self, one: Elsewhere, candidates: Sequence[CandidateRow], token: str
    ) -> Submission:
        answers: dict[Slot, AnswerScores] = {}
        choice = CHOICES.get(one.outcome or "")
        strength, confidence = int(choice in SLOTS), None
        base = Submission(assignment="", token=token)
        for slot, candidate in zip(SLOTS, candidates, strict=False):
            values: dict[str, int | None] = dict(one.values.get(candidate.position, {}))
            tags: dict[str, Severity] = {}
            row = one.by_digest.get(candidate.answer_digest)
            if row is not None:
                values = {**row.values, **dict.fromkeys(row.cannot_judge)}
                tags, confidence = dict(row.tags), row.confidence
                base = replace(
                    base, active_ms=row.active_ms, elapsed_ms=row.elapsed_ms, locale=row.locale
                )
                if slot == "A" and row.preference is not None:
                    outcome = row.preference.outcome
                    sides: dict[str, Choice] = {"win": "A", "loss": "B"}
                    choice = sides.get(outcome) or CHOICES[outcome]
                    strength = row.preference.strength
            answers[slot] = AnswerScores(values=values, tags=tags)
        return replace(
            base,
            answers=answers,
            choice=choice,
            strength=strength,
            comment=one.comment,
            confidence=confidence,
            origin=f"import {self.form}",
        )

    def _person(self, rater: str) -> RaterRow:
        """Return the person of a pseudonym, made where it is new; nobody can log in as one."""
        known = self.session.scalar(
            select(RaterRow)
            .join(MemberRow, MemberRow.rater_id == RaterRow.id)
            .where(MemberRow.session_id == self.row.id, MemberRow.pseudonym == rater)
        )
        if known is not None and self.form not in {"label-studio", "argilla"}:
            return known
        handle = "import-" + re.sub(r"[^A-Za-z0-9]+", "-", rater)[:40].strip("-")
        handle += "-" + key_of(rater)[:6]
        person = self.session.scalar(select(RaterRow).where(RaterRow.handle == handle))
        if person is None:
            person = new_person(self.database, handle, rater, "rater", "en")
            self.session.add(person)
            self.session.flush()
        join(self.session, self.row, person)
        return person

    def _assignment(self, item: ItemRow, person: RaterRow) -> AssignmentRow:
        """Return the person's part in an item, as if it had been claimed."""
        found = self.session.scalar(
            select(AssignmentRow).where(
                AssignmentRow.item_id == item.id,
                AssignmentRow.rater_id == person.id,
                AssignmentRow.occurrence == 0,
            )
        )
        if found is not None:
            found.state = "submitted"
            return found
        mine = select(AssignmentRow.position).where(
            AssignmentRow.session_id == self.row.id, AssignmentRow.rater_id == person.id
        )
        position = len(self.session.scalars(mine).all())
        assignment = AssignmentRow(
            key=key_of(self.row.seed, self.row.name, item.key, person.handle, 0),
            session_id=self.row.id,
            item_id=item.id,
            rater_id=person.id,
            occurrence=0,
            state="submitted",
            position=position,
            is_flipped=False,
            lease_until=self.database.now(),
            attempt=1,
            is_surplus=not has_room(self.session, item),
            created_at=self.database.now(),
        )
        self.session.add(assignment)
        self.session.flush()
        return assignment


def _mirrored(said: Submission) -> Submission:
    """Return a rating as if the stored second answer stood on the left."""
    sides: dict[str, Choice] = {"A": "B", "B": "A"}
    other: dict[Slot, Slot] = {"A": "B", "B": "A"}
    return replace(
        said,
        answers={other[slot]: scores for slot, scores in said.answers.items()},
        choice=None if said.choice is None else sides.get(said.choice, said.choice),
    )
