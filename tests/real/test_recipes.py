"""Recipes on real data through the real model: asked, stored, scored, and scored again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.real.support import tunemark

pytestmark = [pytest.mark.model]


@pytest.mark.parametrize(
    ("recipe", "data", "n_items"),
    [
        ("mts-dialog", "mts-dialog", 2),
        ("xquad-zh", "xquad", 3),
        ("retention-mc", "retention-mc", 12),
    ],
)
def test_a_recipe_runs_on_the_real_model_and_is_scored_without_its_data(
    SHARED: Path, tmp_path: Path, recipe: str, data: str, n_items: int
) -> None:
    limit = {"mts-dialog": "1", "xquad-zh": "3", "retention-mc": "2"}[recipe]
    fixed = (
        "--model", "smollm2-135m-instruct", "--engine", "transformers",
        "--data", str(SHARED / "data" / data), "--limit", limit, "--limit-seed", "5",
        "--root", str(tmp_path), "--json",
    )  # fmt: skip

    ran = json.loads(tunemark("run", recipe, *fixed))
    folder = Path(ran[0]["folder"])
    scored = json.loads(tunemark("score", str(folder), "--suite", recipe, "--json"))

    lines = (folder / "completions.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == n_items
    assert {row["metric"]: row["value"] for row in scored} == {
        row["metric"]: row["value"] for row in ran
    }
    assert all(row["coverage"] == 1.0 for row in scored)
    assert all(row["low"] <= row["value"] <= row["high"] for row in scored)
