"""The gate as a test of somebody else's repository: pytest run inside pytest, on real runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def runs(stored: Any, policy: Any, place: Path) -> Path:
    stored("base", range(40))
    stored("good", range(41))
    stored("bad", range(10))
    policy()
    return place


def outcome(pytester: pytest.Pytester, body: str) -> dict[str, int]:
    pytester.makepyfile(body)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    return result.parseoutcomes()


def test_the_fixture_passes_a_good_candidate(runs: Path, pytester: pytest.Pytester) -> None:
    body = f"def test_it(tunemark_gate): assert tunemark_gate(r'{runs}/gate.yaml', r'{runs}/runs/toy/good').answer == 'pass'"

    assert outcome(pytester, body) == {"passed": 1}


def test_the_fixture_fails_a_bad_candidate(runs: Path, pytester: pytest.Pytester) -> None:
    body = f"def test_it(tunemark_gate): tunemark_gate(r'{runs}/gate.yaml', r'{runs}/runs/toy/bad')"

    assert outcome(pytester, body) == {"failed": 1}


def test_the_marker_does_the_same(runs: Path, pytester: pytest.Pytester) -> None:
    mark = "import pytest\n" + "\n".join(
        f"@pytest.mark.tunemark_gate(r'{runs}/gate.yaml', r'{runs}/runs/toy/{name}')\n"
        f"def test_{name}(): pass\n"
        for name in ("good", "bad")
    )

    assert outcome(pytester, mark) == {"passed": 1, "failed": 1}


def test_a_missing_policy_fails_in_words(runs: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(tunemark_gate): tunemark_gate('no.yaml', 'x')")

    result = pytester.runpytest_inprocess()

    result.stdout.fnmatch_lines(["*no.yaml: no such file*"])
    assert "Traceback" not in result.stdout.str()
