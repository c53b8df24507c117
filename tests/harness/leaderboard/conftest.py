"""Two toy suites."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.leaderboard.support import Toy


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    made = Toy(tmp_path / "toy")
    made.place.mkdir()
    made.suite("one")
    made.suite("two")
    return made
