"""Make a session out of runs, open it, pause it, close it, and say at last which run was which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from harness.annotation.audit import record
from harness.annotation.checks import KnownItem, read_known_items
from harness.annotation.config import SessionConfig
from harness.annotation.database import Database
from harness.annotation.dimensions import load_dimensions
from harness.annotation.errors import AnnotationError, SessionStateError
from harness.annotation.insert import store_items, store_session
from harness.annotation.lead_views import SessionSummary
from harness.annotation.leaks import named_in
from harness.annotation.lookup import session_named
from harness.annotation.plan import RunAnswers, names_of, plan_items
from harness.annotation.schema.tables import (
    CandidateRow,
    ItemRow,
    SessionRow,
    SessionRunRow,
)
from harness.annotation.schema.types import SessionState
from harness.config import read_text
from harness.digest import file_digest
from harness.scoring import refuse_other_gold
from harness.store import COMPLETIONS, RunFolder
from harness.suite import Suite

MOVES: dict[SessionState, tuple[SessionState, ...]] = {
    "open": ("draft", "paused", "closed"),
    "paused": ("open",),
    "closed": ("open", "paused"),
}
"""New state → the states it can be reached from. A session that was unblinded stays closed."""


def create_session(
    database: Database,
    config: SessionConfig,
    suite: Suite,
    runs: Sequence[RunFolder],
    *,
    folder: Path,
    actor: str,
) -> SessionSummary:
    """Store a new session as a draft.

    Args:
        database: Where.
        config: What it is to be.
        suite: What the runs answered.
        runs: Whose answers are rated; of pairs the first is the baseline.
        folder: Where the paths in `config` start.
        actor: Who makes it.

    Raises:
        AnnotationError: naming what does not fit, such as runs of other suites, or a name or
            guideline that tells raters what is compared.
    """
    answers = _read_runs(config, suite, runs)
    scales = load_dimensions(
        folder / config.dimensions_file if config.dimensions_file else None, config.dimensions
    )
    guideline = read_text(folder / config.guideline, AnnotationError) if config.guideline else ""
    _refuse_telling_words(config, guideline, names_of(answers))
    known: list[KnownItem] = []
    if config.checks.file:
        known = read_known_items(folder / config.checks.file, config.kind, scales)
    items = plan_items(config, suite, answers, known)

    def work(session: Session) -> SessionSummary:
        if session.scalar(select(SessionRow.id).where(SessionRow.name == config.name)):
            raise AnnotationError(f"there is a session {config.name!r} already; choose a new name")
        row = store_session(
            database, session, config, suite=suite, scales=scales, guideline=guideline
        )
        store_items(session, row.id, items, run_ids=_add_runs(session, row.id, answers))
        record(database, session, row.id, actor, "created", n_items=len(items))
        session.flush()
        return summary_of(session, row)

    return database.write(work)


def change_state(database: Database, name: str, state: SessionState, *, actor: str) -> None:
    """Open, pause or close a session.

    Raises:
        SessionStateError: it cannot go there from where it is.
    """

    def work(session: Session) -> None:
        row = session_named(session, name, lock=True)
        if row.state == state:
            return
        if row.state not in MOVES.get(state, ()) or row.unblinded_at is not None:
            why = "was unblinded" if row.unblinded_at is not None else f"is {row.state}"
            raise SessionStateError(f"session {name!r} {why}: it cannot become {state}")
        record(database, session, row.id, actor, state, was=row.state)
        row.state = state
        if state == "open" and row.opened_at is None:
            row.opened_at = database.now()
        row.closed_at = database.now() if state == "closed" else None

    database.write(work)


def unblind(database: Database, name: str, *, actor: str) -> None:
    """Let exports and reports name the runs; only after the session is closed, and for good.

    Raises:
        SessionStateError: it is not closed.
    """

    def work(session: Session) -> None:
        row = session_named(session, name, lock=True)
        if row.state != "closed":
            raise SessionStateError(
                f"session {name!r} is {row.state}; close it first: who knows which run is which "
                "can no longer rate blindly"
            )
        if row.unblinded_at is None:
            row.unblinded_at = database.now()
            record(database, session, row.id, actor, "unblinded")

    database.write(work)


def summary_of(session: Session, row: SessionRow) -> SessionSummary:
    """Return a session as its lead sees it."""
    counted = session.execute(
        select(ItemRow.kind, ItemRow.source, func.count())
        .where(ItemRow.session_id == row.id)
        .group_by(ItemRow.kind, ItemRow.source)
    )
    counts = {(kind, source): n for kind, source, n in counted}
    leaks: Counter[str] = Counter()
    found = session.scalars(
        select(CandidateRow.leaks).join(ItemRow).where(ItemRow.session_id == row.id)
    )
    for one in found:
        leaks.update({f"{leak['kind']}: {leak['done']}" for leak in one})
    names = session.scalars(
        select(SessionRunRow.name)
        .where(SessionRunRow.session_id == row.id)
        .order_by(SessionRunRow.position)
    )
    return SessionSummary(
        name=row.name,
        title=str(row.config["title"]) or row.name,
        kind=row.kind,  # pyright: ignore[reportArgumentType] - stored from a Kind
        state=row.state,  # pyright: ignore[reportArgumentType] - stored from a SessionState
        suite=row.suite,
        runs=tuple(names),
        n_items=counts.get(("plain", "raters"), 0),
        n_identical=counts.get(("plain", "identical"), 0),
        n_excluded=counts.get(("plain", "excluded"), 0),
        n_checks=counts.get(("check", "raters"), 0),
        n_training=counts.get(("training", "raters"), 0),
        leaks=dict(sorted(leaks.items())),
        is_unblinded=row.unblinded_at is not None,
    )


def summarise(database: Database, name: str) -> SessionSummary:
    """Return a session as its lead sees it.

    Raises:
        AnnotationError: there is none of that name.
    """
    return database.read(lambda session: summary_of(session, session_named(session, name)))


def session_names(database: Database) -> list[str]:
    """Return the names of all sessions, oldest first."""
    return database.read(
        lambda session: list(session.scalars(select(SessionRow.name).order_by(SessionRow.id)))
    )


def _read_runs(
    config: SessionConfig, suite: Suite, folders: Sequence[RunFolder]
) -> list[RunAnswers]:
    wanted = 1 if config.kind == "likert" else 2
    if len(folders) < wanted:
        raise AnnotationError(f"a session of kind {config.kind} needs at least {wanted} run(s)")
    runs: list[RunAnswers] = []
    for folder in folders:
        of = str(folder.manifest["identity"].get("suite"))
        if of != suite.name:
            raise AnnotationError(f"{folder.path}: is a run of {of!r}, not of {suite.name!r}")
        refuse_other_gold(folder, suite)
        if any(folder.path.resolve() == run.folder.path.resolve() for run in runs):
            raise AnnotationError(f"{folder.path}: named twice")
        name = str(folder.manifest["provenance"].get("configuration", folder.path.name))
        runs.append(RunAnswers(folder=folder, configuration=name, completions=folder.completions()))
    return runs


def _refuse_telling_words(config: SessionConfig, guideline: str, names: Sequence[str]) -> None:
    """What the lead writes for raters must not tell what is compared either."""
    shown = {"name": config.name, "title": config.title, "guideline": guideline}
    for what, text in shown.items():
        found = named_in(text, names)
        if found:
            raise AnnotationError(
                f"the session's {what} says {found!r}, which names one of the runs; raters would "
                "know what they compare"
            )


def _add_runs(session: Session, session_id: int, runs: Sequence[RunAnswers]) -> list[int]:
    rows = [
        SessionRunRow(
            session_id=session_id,
            position=position,
            name=run.folder.path.name,
            configuration=run.configuration,
            path=str(run.folder.path.resolve()),
            completions_digest=file_digest(run.folder.path / COMPLETIONS),
        )
        for position, run in enumerate(runs)
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]
