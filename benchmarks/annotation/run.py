"""Fifty raters at once, 200 items each, on SQLite and on PostgreSQL.

Every rater is a process that claims and submits as fast as it can, which no person does: fifty
people who take half a minute for an item are a thousandth of this load. Counted afterwards, from
the tables: ratings that were confirmed and are not there, that are there twice, and items with
more raters than planned. All three must be 0.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from harness.annotation.assign import claim, release
from harness.annotation.config import SessionConfig
from harness.annotation.database import Database, open_database
from harness.annotation.plan import Answer, PlannedItem
from harness.annotation.raters import invite
from harness.annotation.schema.tables import (
    AssignmentRow,
    CandidateRow,
    ItemRow,
    RatingRow,
)
from harness.annotation.setup import change_state, store_items, store_session
from harness.annotation.submit import submit
from harness.annotation.views import AnswerScores, Submission, Task
from tests.harness.annotation import postgres

SESSION = "load"
TARGET = 2


def main() -> None:
    """Print one table for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raters", type=int, default=50)
    parser.add_argument("--items", type=int, default=200, help="for each rater")
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    options = parser.parse_args()
    failed = False
    if options.only != "postgres":
        with tempfile.TemporaryDirectory() as folder:
            place = f"{folder}/annotations.db"
            failed |= measure("SQLite, synchronous=FULL", place, options.raters, options.items)
    why = postgres.why_not()
    if options.only != "sqlite" and why:
        print(f"PostgreSQL: not measured: {why}")
    elif options.only != "sqlite":
        with postgres.server() as url:
            failed |= measure("PostgreSQL (pg8000)", url, options.raters, options.items)
    sys.exit(int(failed))


def measure(title: str, place: str, n_raters: int, n_each: int) -> bool:
    """Run the load and print what came of it; return whether anything is wrong."""
    database = open_database(place)
    handles = [f"rater-{number:02d}" for number in range(n_raters)]
    prepare(database, handles, n_items=n_raters * n_each // TARGET)
    context = multiprocessing.get_context("spawn")
    start = time.perf_counter()
    with context.Pool(n_raters) as pool:
        results = pool.starmap(work, [(place, handle, n_each) for handle in handles], chunksize=1)
    seconds = time.perf_counter() - start
    tokens = [token for found in results for token in found["tokens"]]
    faults = check(database, tokens)
    database.close()
    print(f"{title}: {n_raters} processes × {n_each} claims and submits, {seconds:.1f} s")
    for what in ("claim", "submit"):
        times = sorted(t * 1000 for found in results for t in found[what])
        p50, p95 = statistics.median(times), times[int(0.95 * len(times))]
        print(f"  {what:6} p50 {p50:8.1f} ms   p95 {p95:8.1f} ms   worst {times[-1]:8.1f} ms")
    print(f"  {len(tokens)} ratings confirmed: " + ", ".join(f"{n} {w}" for w, n in faults.items()))
    return any(faults.values())


def prepare(database: Database, handles: list[str], *, n_items: int) -> None:
    """Make an open session of pairs that nobody needs runs for."""
    config = SessionConfig.model_validate(
        {
            "name": SESSION,
            "kind": "pairwise",
            "raters_per_item": TARGET,
            "overlap": {"share": 0.0, "at_least": 0},
            "repeats": {"share": 0.0},
        }
    )
    items = [
        PlannedItem(
            key=f"item-{number:06d}",
            kind="plain",
            gold_id=f"g{number}",
            cluster=None,
            stratum="s",
            slices={},
            prompt=f"Question {number}?",
            references=(),
            answers=tuple(
                Answer(text=t, shown=t, digest=t, leaks=(), runs=()) for t in ("one", "two")
            ),
            source="raters",
            block=number // 20,
            shuffle=number * 7919 % 104729,
            target=TARGET,
        )
        for number in range(n_items)
    ]

    def store(session: Session) -> None:
        row = store_session(database, session, config)
        store_items(session, row.id, items, run_ids=())

    database.write(store)
    for handle in handles:
        invite(database, SESSION, handle, actor="lead")
    change_state(database, SESSION, "open", actor="lead")


def work(place: str, handle: str, n: int) -> dict[str, Any]:
    """Rate n items as one rater; return the confirmed tokens and how long each call took."""
    database = open_database(place)
    found: dict[str, Any] = {"tokens": [], "claim": [], "submit": []}
    task: Any = None
    for number in range(n):
        if number == 0:
            start = time.perf_counter()
            task = claim(database, SESSION, handle)
            found["claim"].append(time.perf_counter() - start)
        while not isinstance(task, Task):  # others hold what is left
            if task.reason == "all done":
                return found
            time.sleep(0.05)
            task = claim(database, SESSION, handle)
        token = f"{handle}-{number:04d}"
        said = Submission(
            assignment=task.assignment,
            token=token,
            answers={"A": AnswerScores()},
            choice="A" if number % 2 else "B",
            strength=1,
        )
        start = time.perf_counter()
        task = submit(database, SESSION, handle, said).next
        found["submit"].append(time.perf_counter() - start)
        found["tokens"].append(token)
    if isinstance(task, Task):  # who goes home holds nothing that others wait for
        release(database, SESSION, handle, task.assignment)
    database.close()
    return found


def check(database: Database, tokens: list[str]) -> dict[str, int]:
    """Count what is wrong, from the tables themselves."""

    def count(session: Session) -> dict[str, int]:
        stored = session.scalars(select(RatingRow.token)).all()
        twice = session.execute(
            select(AssignmentRow.item_id, AssignmentRow.rater_id)
            .join(RatingRow)
            .group_by(AssignmentRow.item_id, AssignmentRow.rater_id)
            .having(func.count() > 1)
        ).all()
        raters = Counter(
            session.scalars(
                select(AssignmentRow.item_id).where(
                    AssignmentRow.state.in_(("offered", "started", "submitted")),
                    AssignmentRow.is_surplus.is_(False),
                )
            )
        )
        over = [n for n in raters.values() if n > TARGET]
        assert session.scalar(select(func.count()).select_from(ItemRow))
        assert session.scalar(select(func.count()).select_from(CandidateRow))
        return {
            "lost": len(set(tokens) - set(stored)),
            "duplicated": len(stored) - len(set(stored)) + len(twice),
            "over-assigned": len(over),
        }

    return database.read(count)


if __name__ == "__main__":
    main()
