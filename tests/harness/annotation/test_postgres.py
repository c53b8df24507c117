"""The same on a real PostgreSQL, which the tests start: exact overlap, resumption, many at once."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from benchmarks.annotation import run as load
from harness.annotation.assign import claim, save_draft
from harness.annotation.database import open_database
from harness.annotation.errors import DatabaseError
from harness.annotation.export.rows import export_session
from harness.annotation.progress import session_progress
from harness.annotation.schema.tables import RatingRow
from harness.annotation.submit import submit
from harness.annotation.views import Task
from tests.harness.annotation import postgres
from tests.harness.annotation.conftest import Sitting, answered
from tests.harness.annotation.test_kill import SEED, start_rater, wait_for

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    why = postgres.why_not()
    if why:
        pytest.skip(why)
    with postgres.server() as started:
        yield started


@pytest.fixture
def empty(url: str) -> str:
    """Return the server's URL, its database emptied."""
    database = open_database(url)
    database.write(lambda s: s.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public")))
    database.close()
    return url


def test_a_whole_session_runs_as_on_sqlite(sitting: Callable[..., Sitting], empty: str) -> None:
    there = open_database(empty)
    said: dict[str, list[Any]] = {}
    for name, at in (("sqlite", None), ("postgres", there)):
        session = sitting(
            n=12, at=at, raters_per_item=2, repeats={"share": 0.2, "at_least": 1, "gap": 3},
            said=[{"gold-001": "零 \x00 and an emoji 🩺"}],
        )  # fmt: skip
        for handle in session.raters:
            task: Any = claim(session.database, session.name, handle)
            while isinstance(task, Task):
                save_draft(session.database, session.name, handle, task.assignment, {"x": "值"})
                message = answered(task, comment="好")
                task = submit(session.database, session.name, handle, message).next
        rows = export_session(session.database, session.name).rows
        said[name] = [row.model_dump(exclude={"rated_at", "run", "preference"}) for row in rows]
        assert session_progress(session.database, session.name).faults == ()
    there.close()

    assert said["postgres"] == said["sqlite"]


def test_many_raters_at_once_are_never_too_many_for_an_item(empty: str) -> None:
    database = open_database(empty)
    handles = [f"rater-{number}" for number in range(6)]
    load.prepare(database, handles, n_items=30)

    context = multiprocessing.get_context("spawn")
    with context.Pool(6) as pool:
        found = pool.starmap(load.work, [(empty, handle, 10) for handle in handles], chunksize=1)

    tokens = [token for one in found for token in one["tokens"]]
    faults = load.check(database, tokens)
    database.close()
    assert len(tokens) >= 55
    assert faults == {"lost": 0, "duplicated": 0, "over-assigned": 0}


@pytest.mark.slow
def test_no_confirmed_rating_is_lost_when_the_server_is_killed(
    sitting: Callable[..., Sitting], tmp_path: Path
) -> None:
    why = postgres.why_not()
    if why:
        pytest.skip(why)
    with postgres.own_server() as server:
        database = open_database(server.url)
        session = sitting(n=400, at=database, raters_per_item="all")
        database.close()
        raters = [start_rater(server.url, session.name, h, tmp_path) for h in session.raters]
        wait_for(tmp_path, raters)
        time.sleep(random.Random(SEED).uniform(0.0, 1.0))
        server.crash()
        for rater in raters:
            rater.wait()  # their message says that the database is gone
        server.start()

        database = open_database(server.url)
        stored = database.read(lambda unit: set(unit.scalars(select(RatingRow.token))))
        faults = session_progress(database, session.name).faults
        database.close()

    confirmed = {line for file in tmp_path.glob("said-*.txt") for line in file.read_text().split()}
    assert confirmed, "nothing was confirmed before the kill"
    assert confirmed <= stored, f"seed {SEED}"
    assert faults == ()


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(DatabaseError) as told:
        open_database("postgresql://ann:secret@127.0.0.1:1/x")

    assert "secret" not in str(told.value)
