"""SmolLM2 as the judge of its own answers: a poor judge, but a real one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.real.support import CAPITALS, tunemark, write_jsonl

pytestmark = pytest.mark.model

SUITE = """\
name: capitals
version: 1.0.0
language: en
description: Questions for a judge.
tasks:
  ask: {max_tokens: 12, metrics: [contains, {judge: right}, {win_rate: better}]}
judges:
  right: {model: smollm2-135m-instruct, engine: transformers, max_tokens: 48}
  better: {model: smollm2-135m-instruct, engine: transformers, rubric: preference, max_tokens: 48}
"""
N = 4


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A suite, and two runs of it that differ in their answers."""
    folder = tmp_path_factory.mktemp("judged")
    suite = folder / "capitals"
    suite.mkdir()
    (suite / "suite.yaml").write_text(SUITE, encoding="utf-8")
    rows = [
        {"id": f"ask-{country}", "task": "ask", "input": f"What is the capital of {country}?",
         "references": [capital]}
        for country, capital in list(CAPITALS.items())[:N]
    ]  # fmt: skip
    write_jsonl(suite / "gold.jsonl", rows)
    common = (
        "run", str(suite), "--model", "smollm2-135m-instruct", "--engine", "transformers",
        "--root", str(folder / "runs"),
    )  # fmt: skip
    tunemark(*common)
    tunemark(*common, "--name", "hot", "--temperature", "1.0")
    base, hot = (next((folder / "runs" / "capitals").glob(f"{name}-*")) for name in ("base", "hot"))
    return suite, base, hot


def judged(suite: Path, base: Path, hot: Path) -> dict[tuple[str, str], Any]:
    out = tunemark(
        "judge", str(base), str(hot), "--suite", str(suite), "--baseline", str(base), "--json"
    )
    return {(row["judge"], row["run"]): row for row in json.loads(out)}


def test_a_real_model_judges_and_is_asked_once(runs: tuple[Path, Path, Path]) -> None:
    suite, base, hot = runs

    first = judged(suite, base, hot)
    stored = sorted((base.parent.parent / "judgements").rglob("completions.jsonl"))
    before = [file.read_bytes() for file in stored]
    second = judged(suite, base, hot)

    assert first == second
    assert [file.read_bytes() for file in stored] == before
    assert len(stored) == 2  # one run per judge
    for row in first.values():
        assert row["n"] == N
        assert row["judged"] + row["unclear"] == N
        assert row["not_judged"] == 0
    assert first["better", "base"]["value"] == 0.5


def test_what_the_judge_was_asked_is_kept(runs: tuple[Path, Path, Path]) -> None:
    suite, base, hot = runs
    judged(suite, base, hot)

    gold = (base.parent.parent / "judgements" / "gold").glob("*.jsonl")
    asked = [json.loads(line) for file in gold for line in file.read_text().splitlines()]

    assert any("[Answer A]" in row["input"][1]["content"] for row in asked)
    assert any("[Answer to judge]" in row["input"][1]["content"] for row in asked)


def test_scores_agree_with_the_judge(runs: tuple[Path, Path, Path]) -> None:
    suite, base, hot = runs
    found = judged(suite, base, hot)

    out = tunemark("score", str(hot), "--suite", str(suite), "--baseline", str(base), "--json")

    scores = {row["metric"]: row for row in json.loads(out)}
    for metric, judge in (("judge(right)", "right"), ("win_rate(better)", "better")):
        assert scores[metric]["value"] == found[judge, "hot"]["value"]
        assert scores[metric]["n"] == found[judge, "hot"]["judged"]
