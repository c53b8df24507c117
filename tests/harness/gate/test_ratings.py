"""A critical tag by a person stops a release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.gate import gate
from harness.errors import InputError
from tests.harness.gate.support import POLICY


@pytest.fixture
def rated(stored: Any, policy: Any, place: Path) -> Any:
    """Return a call of the gate with what people said of the candidate's first two answers."""

    def call(*severities: str | None, name: str | None = None, limits: str = "") -> Any:
        stored("base", range(40))
        run = stored("tuned", range(41))
        lines = [
            {"run": name or run.name, "item": f"q{i}", "rater": "r1", "severity": severity}
            for i, severity in enumerate(severities)
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (place / "ratings.jsonl").write_text(text, encoding="utf-8")
        file = policy(f"{POLICY}ratings: [ratings.jsonl]\n{limits}")
        return CliRunner().invoke(gate, [str(file), str(run)])

    return call


def test_lesser_faults_pass(rated: Any) -> None:
    result = rated("minor", None)

    assert result.exit_code == 0, result.output
    assert "0 of 2 rated items have a critical tag" in result.output


def test_one_critical_tag_fails(rated: Any) -> None:
    result = rated("critical", None)

    assert result.exit_code == 3
    assert "such as q0" in result.output


def test_the_policy_may_allow_some(rated: Any) -> None:
    assert rated("critical", None, limits="limits: {critical_items: 1}\n").exit_code == 0


def test_ratings_of_other_runs_only_are_inconclusive(rated: Any) -> None:
    result = rated("critical", name="elsewhere-0123")

    assert result.exit_code == 4
    assert "was rated" in result.output


def test_a_wrong_severity_is_named_with_its_line(rated: Any) -> None:
    result = rated(None, "fatal")

    assert isinstance(result.exception, InputError)
    assert "ratings.jsonl:2" in str(result.exception)
