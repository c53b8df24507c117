"""The small study that the tests of reports look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.support import Stored, store_study


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Return a study that was run: `lora` is better, `excess` has forgotten."""
    return store_study(tmp_path)
