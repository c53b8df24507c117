"""Releases: recorded when they pass, shown with intervals, and compared where runs remain."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.gate import gate
from harness.cli.history import history
from harness.errors import InputError, StoreError
from tests.harness.gate.support import POLICY

WIDE = POLICY.replace("0.05", "0.25")
"""A margin that small losses pass one by one."""


def release(policy: Path, run: Path, version: str) -> Any:
    return CliRunner().invoke(gate, [str(policy), str(run), "--release", version])


def shown(policy: Path, *options: str) -> Any:
    return CliRunner().invoke(history, [str(policy), *options])


def test_a_version_that_passes_is_recorded_and_shown(stored: Any, policy: Any) -> None:
    stored("base", range(40))
    file = policy()

    assert release(file, stored("tuned", range(41)), "1.0").exit_code == 0
    result = shown(file)

    assert result.exit_code == 0, result.output
    row = next(line for line in result.output.splitlines() if line.strip().startswith("1.0"))
    assert "0.683 [0.558, 0.787]" in row  # Wilson, 41 of 60
    assert "+0.017" in row
    assert "●" in row


def test_a_version_that_fails_is_not_recorded(stored: Any, policy: Any) -> None:
    stored("base", range(40))
    file = policy()

    result = release(file, stored("tuned", range(10)), "1.0")

    assert result.exit_code == 3
    assert "1.0 is not released" in result.output
    assert not file.with_suffix(".history.jsonl").exists()


def test_the_same_release_again_changes_nothing_and_another_is_refused(
    stored: Any, policy: Any
) -> None:
    stored("base", range(40))
    file = policy()
    tuned = stored("tuned", range(41))
    release(file, tuned, "1.0")
    text = file.with_suffix(".history.jsonl").read_text(encoding="utf-8")

    release(file, tuned, "1.0")
    refused = release(file, stored("other", range(43)), "1.0")

    assert file.with_suffix(".history.jsonl").read_text(encoding="utf-8") == text
    assert isinstance(refused.exception, InputError)
    assert "give the new one another version" in str(refused.exception)


def test_small_losses_that_add_up_are_told(stored: Any, policy: Any, place: Path) -> None:
    stored("base", range(58))
    file = policy(WIDE)
    for version, right in (("1.0", 58), ("1.1", 54), ("1.2", 50)):
        assert release(file, stored(f"v{version}", range(right)), version).exit_code == 0

    result = shown(file)

    assert "1.2 against 1.0: −0.133" in result.output
    assert "small losses have added up" in result.output


def test_where_runs_are_gone_the_old_numbers_remain(stored: Any, policy: Any) -> None:
    stored("base", range(40))
    file = policy()
    first = stored("one", range(41))
    release(file, first, "1.0")
    release(file, stored("two", range(44)), "1.1")
    with_runs = json.loads(shown(file, "--json").output)[0]["releases"]
    shutil.rmtree(first)

    without = json.loads(shown(file, "--json").output)[0]["releases"]

    assert with_runs[1]["since_last"]["difference"]["value"] == pytest.approx(3 / 60)
    assert without[1]["since_last"] is None
    assert without[0]["value"] == with_runs[0]["value"]


def test_another_gold_set_breaks_the_line(stored: Any, policy: Any, place: Path) -> None:
    stored("base", range(40))
    file = policy()
    release(file, stored("one", range(41)), "1.0")
    log = file.with_suffix(".history.jsonl")
    row = json.loads(log.read_text(encoding="utf-8"))
    row["version"], row["primary"][0]["gold"] = "0.9", "another"
    log.write_text(json.dumps(row) + "\n" + log.read_text(encoding="utf-8"), encoding="utf-8")

    result = shown(file)

    assert "From 1.0 on the gold set or the metric is another" in result.output


def test_a_damaged_line_is_named(stored: Any, policy: Any) -> None:
    stored("base", range(40))
    file = policy()
    file.with_suffix(".history.jsonl").write_text('{"version": "1.0"}\n', encoding="utf-8")

    result = shown(file)

    assert isinstance(result.exception, StoreError)
    assert "history.jsonl:1: missing key" in str(result.exception)


def test_an_empty_history_says_how_to_begin(stored: Any, policy: Any) -> None:
    stored("base", range(40))

    result = shown(policy())

    assert isinstance(result.exception, InputError)
    assert "--release" in str(result.exception)
