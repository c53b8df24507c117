"""`kill -9` in the middle of submits: what was confirmed is there, and what is there is whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from harness.annotation.database import open_database
from harness.annotation.progress import session_progress
from harness.annotation.schema.tables import PreferenceRow, RatingRow, RatingValueRow
from tests.harness.annotation.conftest import Sitting

SEED = int(os.environ.get("TUNEMARK_KILL_SEED", "0")) or random.SystemRandom().randrange(10**6)
PROGRAM = """
import sys
from harness.annotation.assign import claim
from harness.annotation.database import open_database
from harness.annotation.submit import submit
from harness.annotation.views import Task
from tests.harness.annotation.conftest import answered
place, name, handle = sys.argv[1:]
database = open_database(place)
task = claim(database, name, handle)
while isinstance(task, Task):
    said = answered(task)
    task = submit(database, name, handle, said).next
    print(said.token, flush=True)
"""

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("number", range(3))
def test_no_confirmed_rating_is_lost_when_raters_are_killed(
    sitting: Callable[..., Sitting], tmp_path: Path, number: int
) -> None:
    session = sitting(n=400, raters_per_item="all")
    session.database.close()
    place = str(tmp_path / "annotations.db")
    rng = random.Random(SEED + number)
    confirmed: list[str] = []
    for _ in range(3):
        processes = [
            start_rater(place, session.name, handle, tmp_path) for handle in session.raters
        ]
        wait_for(tmp_path, processes)
        time.sleep(rng.uniform(0.0, 0.4))
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        for file in tmp_path.glob("said-*.txt"):
            confirmed += [line for line in file.read_text().split("\n")[:-1] if line]
            file.unlink()

    database = open_database(place)
    stored = database.read(lambda unit: set(unit.scalars(select(RatingRow.token))))
    parts = database.read(_parts)
    faults = session_progress(database, session.name).faults
    database.close()

    assert confirmed, "nothing was confirmed before the kill"
    assert set(confirmed) <= stored, f"seed {SEED}"
    assert len(stored) - len(set(confirmed)) <= 6  # stored, killed before it was said
    assert parts == (len(stored), 6 * len(stored), len(stored))
    assert faults == ()


def start_rater(place: str, name: str, handle: str, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"said-{handle}.txt").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, place, name, handle],
            stdout=out,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )


def wait_for(folder: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    """Wait until a rater has confirmed something, so that the kill falls into the work."""
    while all(process.poll() is None for process in processes):
        if any(file.stat().st_size > 0 for file in folder.glob("said-*.txt")):
            return
        time.sleep(0.005)


def _parts(session: Session) -> tuple[int, int, int]:
    """Return the numbers of ratings, values (3 scales × 2 answers) and preferences."""
    return (
        session.scalar(select(func.count()).select_from(RatingRow)) or 0,
        session.scalar(select(func.count()).select_from(RatingValueRow)) or 0,
        session.scalar(select(func.count()).select_from(PreferenceRow)) or 0,
    )
