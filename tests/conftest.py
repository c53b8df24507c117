"""What all tests share: no network, fixed Hypothesis profiles, and where things lie."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import pytest_socket
from hypothesis import HealthCheck, settings

os.environ["HF_HUB_OFFLINE"] = "1"

NETWORKED_MARKERS = ("browser", "model", "postgres")
"""Tests that talk to a process of their own over a local port."""

ROOT_FOLDER = Path(__file__).resolve().parent.parent
SHARED_FOLDER = ROOT_FOLDER.parent / "shared"

_quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile(
    "dev", max_examples=25, deadline=None, database=None, suppress_health_check=_quiet
)
settings.register_profile(
    "ci",
    max_examples=200,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=_quiet,
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if any(item.get_closest_marker(name) for name in NETWORKED_MARKERS):
        pytest_socket.enable_socket()
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture(scope="session")
def ROOT() -> Path:
    """Folder of the repository."""
    return ROOT_FOLDER


@pytest.fixture(scope="session")
def SHARED() -> Path:
    """Folder of public data beside the repository; skips where it is absent."""
    if not (SHARED_FOLDER / "data").is_dir():
        pytest.skip("the public data sets are not beside the repository")
    return SHARED_FOLDER


@pytest.fixture
def demo_runs(tmp_path: Path) -> Path:
    """Return a copy of the recorded demo study: what SmolLM2 and its three adapters answered."""
    return Path(shutil.copytree(ROOT_FOLDER / "tests" / "data" / "demo", tmp_path / "runs"))
