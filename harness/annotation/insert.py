"""Write a session and its items into the tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from harness.annotation.checks import KnownItem
from harness.annotation.config import SessionConfig
from harness.annotation.database import Database
from harness.annotation.dimensions import DimensionSet, load_dimensions
from harness.annotation.plan import PlannedItem
from harness.annotation.schema.tables import (
    CandidateRow,
    CandidateRunRow,
    GoldAnswerRow,
    ItemRow,
    SessionRow,
)
from harness.digest import digest_of
from harness.suite import Suite


def store_session(
    database: Database,
    session: Session,
    config: SessionConfig,
    *,
    suite: Suite | None = None,
    scales: DimensionSet | None = None,
    guideline: str = "",
) -> SessionRow:
    """Add a session as a draft.

    Args:
        database: Tells the time.
        session: The unit of work.
        config: What it is to be.
        suite: Whose answers are rated; None for items that come from elsewhere.
        scales: By default those that are shipped.
        guideline: Markdown for raters.
    """
    whole = scales or load_dimensions(None, config.dimensions)
    row = SessionRow(
        name=config.name,
        kind=config.kind,
        state="draft",
        suite=suite.name if suite else "",
        language=suite.config.language if suite else config.locale or "en",
        gold_digest=suite.gold_digest if suite else "",
        gold_version=suite.config.version if suite else "",
        config=config.model_dump(mode="json"),
        scales=whole.model_dump(mode="json"),
        guideline=guideline,
        guideline_digest=digest_of(guideline),
        seed=config.seed,
        created_at=database.now(),
    )
    session.add(row)
    session.flush()
    return row


def store_items(
    session: Session, session_id: int, items: Sequence[PlannedItem], *, run_ids: Sequence[int]
) -> None:
    """Add the items of a session with their answers.

    Args:
        session: The unit of work.
        session_id: The session.
        items: Their answers name runs by number.
        run_ids: Id of each run, by that number.
    """
    rows = [_item_row(session_id, item) for item in items]
    session.add_all(rows)
    session.flush()
    for row, item in zip(rows, items, strict=True):
        candidates = [
            CandidateRow(
                item_id=row.id,
                position=position,
                text=answer.text.replace("\x00", "\ufffd"),  # no database stores a NUL
                shown=answer.shown,
                answer_digest=answer.digest,
                leaks=list(answer.leaks),
            )
            for position, answer in enumerate(item.answers)
        ]
        session.add_all(candidates)
        session.flush()
        session.add_all(
            CandidateRunRow(candidate_id=candidate.id, run_id=run_ids[number])
            for candidate, answer in zip(candidates, item.answers, strict=True)
            for number in answer.runs
        )
        if item.known is not None:
            session.add_all(_gold_answers(row.id, item.known))


def _item_row(session_id: int, item: PlannedItem) -> ItemRow:
    return ItemRow(
        session_id=session_id,
        key=item.key,
        kind=item.kind,
        gold_id=item.gold_id,
        cluster=item.cluster,
        stratum=item.stratum,
        slices=dict(item.slices),
        payload={"prompt": item.prompt, "references": list(item.references)},
        block=item.block,
        shuffle=item.shuffle,
        priority=0,
        target=item.target,
        n_taken=0,
        is_open=item.source == "raters",
        source=item.source,
    )


def _gold_answers(item_id: int, known: KnownItem) -> list[GoldAnswerRow]:
    rows = [
        GoldAnswerRow(
            item_id=item_id,
            position=position,
            dimension=name,
            low=low,
            high=high,
            outcomes=[],
            explanation=known.explanation,
        )
        for position, ranges in enumerate(known.accept)
        for name, (low, high) in ranges.items()
    ]
    if known.preferred:
        rows.append(
            GoldAnswerRow(
                item_id=item_id,
                position=None,
                dimension="preference",
                outcomes=list(known.preferred),
                explanation=known.explanation,
            )
        )
    return rows
