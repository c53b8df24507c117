"""Every rating of a session as lines, one for each answer and run, with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.annotation.adjudicate import last_words
from harness.annotation.database import Database
from harness.annotation.draw import key_of
from harness.annotation.latest import StoredRating, ratings_of
from harness.annotation.lookup import scales_of, session_named
from harness.annotation.schema.tables import (
    AdjudicationRow,
    AssignmentRow,
    CandidateRow,
    CandidateRunRow,
    ItemRow,
    MemberRow,
    SessionRow,
    SessionRunRow,
)
from harness.annotation.schema.types import SEVERITIES, Severity
from harness.metrics.ratings import ADJUDICATED, RatedAnswer, TellsPreference, Told

BLIND = "blind-"
"""Begins what stands for a run before a session is unblinded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedAnswer:
    """An answer with the runs that gave it, as an export may name them."""

    id: int
    text: str
    shown: str
    digest: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedItem:
    """An item with everything that exports say about it."""

    id: int
    key: str
    kind: str
    gold_id: str
    prompt: str
    references: tuple[str, ...]
    slices: Mapping[str, str]
    source: str
    answers: tuple[ExportedAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionExport:
    """A session, ready to be written in any form."""

    name: str
    kind: str
    suite: str
    language: str
    is_unblinded: bool
    scales: Mapping[str, tuple[int, int]]
    items: tuple[ExportedItem, ...]
    rows: tuple[RatedAnswer, ...]


def export_session(database: Database, name: str) -> SessionExport:
    """Return a session with all revisions of all ratings.

    Raises:
        AnnotationError: there is none of that name.
    """

    def work(session: Session) -> SessionExport:
        row = session_named(session, name)
        items = {item.id: item for item in exported_items(session, row)}
        scales = {
            name: (scale.low, scale.high) for name, scale in scales_of(row).dimensions.items()
        }
        writer = _Writer(row=row, scales={} if row.kind == "pairwise" else scales, items=items)
        return SessionExport(
            name=row.name,
            kind=row.kind,
            suite=row.suite,
            language=row.language,
            is_unblinded=row.unblinded_at is not None,
            scales=writer.scales,
            items=tuple(items.values()),
            rows=tuple(writer.rows(session)),
        )

    return database.read(work)


def exported_items(session: Session, row: SessionRow) -> list[ExportedItem]:
    """Return the items of a session with their answers."""
    is_unblinded = row.unblinded_at is not None
    runs: dict[int, list[str]] = {}
    for candidate, position, run in session.execute(
        select(CandidateRunRow.candidate_id, SessionRunRow.position, SessionRunRow.name)
        .join(SessionRunRow, SessionRunRow.id == CandidateRunRow.run_id)
        .where(SessionRunRow.session_id == row.id)
        .order_by(SessionRunRow.position)
    ):
        # Another name for every answer: who counts them must not see one run win.
        blind = BLIND + key_of(row.seed, row.name, candidate, position)
        runs.setdefault(candidate, []).append(run if is_unblinded else blind)
    answers: dict[int, list[ExportedAnswer]] = {}
    for candidate in session.scalars(
        select(CandidateRow)
        .join(ItemRow, ItemRow.id == CandidateRow.item_id)
        .where(ItemRow.session_id == row.id)
        .order_by(CandidateRow.item_id, CandidateRow.position)
    ):
        answers.setdefault(candidate.item_id, []).append(
            ExportedAnswer(
                id=candidate.id,
                text=candidate.text if is_unblinded else candidate.shown,
                shown=candidate.shown,
                digest=candidate.answer_digest,
                runs=tuple(runs.get(candidate.id, ())),
            )
        )
    items = session.scalars(
        select(ItemRow).where(ItemRow.session_id == row.id).order_by(ItemRow.id)
    )
    return [
        ExportedItem(
            id=item.id,
            key=item.key,
            kind=item.kind,
            gold_id=item.gold_id,
            prompt=str(item.payload["prompt"]),
            references=tuple(map(str, item.payload["references"])),
            slices=item.slices,
            source=item.source,
            answers=tuple(answers.get(item.id, ())),
        )
        for item in items
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Turns ratings into lines."""

    row: SessionRow
    scales: Mapping[str, tuple[int, int]]
    items: Mapping[int, ExportedItem]

    def rows(self, session: Session) -> Iterator[RatedAnswer]:
        found = session.execute(
            select(AssignmentRow, MemberRow)
            .join(
                MemberRow,
                (MemberRow.rater_id == AssignmentRow.rater_id)
                & (MemberRow.session_id == AssignmentRow.session_id),
            )
            .where(AssignmentRow.session_id == self.row.id, AssignmentRow.state == "submitted")
        ).all()
        by_id = {assignment.id: (assignment, member) for assignment, member in found}
        for said in ratings_of(session, list(by_id)):
            yield from self._of_rating(said, *by_id[said.assignment_id])
        for item in self.items.values():
            yield from self._of_identical(item)
        for item_id, decided in last_words(session, self.row).items():
            yield from self._of_decision(self.items[item_id], decided)

    def _of_rating(
        self, said: StoredRating, assignment: AssignmentRow, member: MemberRow
    ) -> Iterator[RatedAnswer]:
        item = self.items[assignment.item_id]
        for position, answer in enumerate(item.answers):
            tags = dict(said.tags.get(position, {}))
            values = said.values.get(position, {})
            is_left = (position == 0) != assignment.is_flipped
            told = self._preference(item, position, said.outcome, said.strength, is_left=is_left)
            for run in answer.runs or ("",):
                yield self._row(
                    item,
                    answer,
                    run,
                    rater=member.pseudonym,
                    rating=f"{assignment.key}-{said.revision}",
                    severity=gravest(list(tags.values())),
                    values={name: value for name, value in values.items() if value is not None},
                    cannot_judge=tuple(name for name, value in values.items() if value is None),
                    tags=tags,
                    preference=told,
                    source="import" if said.origin.startswith("import") else "raters",
                    comment=said.comment,
                    confidence=said.confidence,
                    occurrence=assignment.occurrence,
                    revision=said.revision,
                    is_current=said.is_current,
                    is_surplus=assignment.is_surplus,
                    is_excluded=member.is_excluded,
                    position=assignment.position,
                    active_ms=said.active_ms,
                    elapsed_ms=said.elapsed_ms,
                    locale=said.locale,
                    origin=said.origin,
                    rated_at=said.saved_at.isoformat(),
                )

    def _of_identical(self, item: ExportedItem) -> Iterator[RatedAnswer]:
        """A pair that said the same is a tie that nobody had to decide."""
        if self.row.kind == "likert" or item.kind != "plain" or len(item.answers) != 1:
            return
        (answer,) = item.answers
        for run in answer.runs:
            other = next((name for name in answer.runs if name != run), run)
            told = TellsPreference(outcome="tie", against=other, against_answer=answer.digest)
            yield self._row(
                item, answer, run, rater="", rating=f"{item.key}-identical", preference=told,
                source="identical",
            )  # fmt: skip

    def _of_decision(self, item: ExportedItem, decided: AdjudicationRow) -> Iterator[RatedAnswer]:
        for position, answer in enumerate(item.answers):
            points = {
                str(one["dimension"]): one["value"]
                for one in decided.values
                if one["position"] == position
            }
            for run in answer.runs or ("",):
                yield self._row(
                    item,
                    answer,
                    run,
                    rater=ADJUDICATED,
                    rating=f"{item.key}-adjudicated",
                    values={name: value for name, value in points.items() if value is not None},
                    cannot_judge=tuple(name for name, value in points.items() if value is None),
                    preference=self._preference(item, position, decided.outcome, 0, is_left=None),
                    source="adjudication",
                    comment=decided.note,
                    confidence=decided.confidence,
                    rated_at=decided.created_at.isoformat(),
                )

    def _preference(
        self,
        item: ExportedItem,
        position: int,
        outcome: str | None,
        strength: int,
        *,
        is_left: bool | None,
    ) -> TellsPreference | None:
        if outcome is None or len(item.answers) < 2:
            return None
        other = item.answers[1 - position]
        told: Told = "tie" if outcome == "tie" else "both_bad"
        if outcome in {"first", "second"}:
            told = "win" if (outcome == "first") == (position == 0) else "loss"
        return TellsPreference(
            outcome=told,
            strength=strength,
            against=other.runs[0] if other.runs else "",
            against_answer=other.digest,
            side=None if is_left is None else "left" if is_left else "right",
        )

    def _row(
        self, item: ExportedItem, answer: ExportedAnswer, run: str, **fields: object
    ) -> RatedAnswer:
        return RatedAnswer.model_validate(
            {
                "run": run,
                "item": item.gold_id,
                "session": self.row.name,
                "item_key": item.key,
                "answer": answer.digest,
                "kind": item.kind,
                "scales": dict(self.scales),
                "gold_digest": self.row.gold_digest,
                "guideline_digest": self.row.guideline_digest,
                **fields,
            }
        )


def gravest(severities: Sequence[Severity]) -> Severity | None:
    """Return the gravest of several, or None where there is none."""
    return max(severities, key=SEVERITIES.index, default=None)
