from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.scoring import Scores, score_run
from harness.slices import NONE, SliceScore, score_slices
from harness.stats.tests import wilson
from harness.store import RunFolder
from harness.suite import load_suite
from harness.types import Completion

YAML = """\
name: s
version: "1"
language: en
description: d
tasks:
  qa: {metrics: [exact_match, bleu]}
  other: {metrics: [chrf]}
"""


@pytest.fixture
def scored(suite_folder: Callable[..., Path], tmp_path: Path) -> list[Scores]:
    """Twelve items in turns 1, 2 and 10; those of turn 2 are right, one has no slice."""
    rows = [
        {"id": f"q{i}", "task": "qa", "input": "?", "references": ["yes it is so"],
         "slices": {"turn": ("1", "2", "10")[i % 3]}}
        for i in range(12)
    ]  # fmt: skip
    rows += [{"id": "loose", "task": "qa", "input": "?", "references": ["yes it is so"]}]
    rows += [{"id": "o", "task": "other", "input": "?", "references": ["x"]}]
    suite = load_suite(suite_folder(YAML, rows))
    folder = RunFolder(path=tmp_path / "run")
    folder.create({"gold": suite.gold_digest}, {})
    with folder.append_completions() as writer:
        for record in suite.gold[:-1]:
            text = "yes it is so" if record.slices.get("turn") == "2" else "no"
            said = Completion(gold_id=record.id, text=text, finish="stop", prompt_tokens=1)
            writer.write(said.model_dump(mode="json"))
    return score_run(folder, suite, "base")


def of(rows: list[SliceScore], metric: str, name: str) -> SliceScore:
    return next(
        row for row in rows if (row.estimate.scores.metric.name, row.slice) == (metric, name)
    )


def test_every_subgroup_has_its_own_value_and_number(scored: list[Scores]) -> None:
    rows = score_slices(scored, "turn")

    right, wrong = of(rows, "exact_match", "2"), of(rows, "exact_match", "1")
    assert (len(right.estimate.scores.stats), len(wrong.estimate.scores.planned)) == (4, 4)
    assert right.estimate.interval == wilson(4, 4)
    assert wrong.estimate.interval == wilson(0, 4)


def test_numbers_are_in_order_and_items_without_slice_last(scored: list[Scores]) -> None:
    rows = score_slices(scored, "turn")

    names = [row.slice for row in rows if row.estimate.scores.metric.name == "exact_match"]
    assert names == ["1", "2", "10", NONE]


def test_a_metric_whose_items_have_no_such_slice_is_left_out(scored: list[Scores]) -> None:
    assert {row.estimate.scores.metric.name for row in score_slices(scored, "turn")} == {
        "exact_match",
        "bleu",
    }


def test_a_corpus_metric_is_taken_over_the_subgroup(scored: list[Scores]) -> None:
    found = of(score_slices(scored, "turn"), "bleu", "2").estimate.interval

    assert found is not None
    assert found.value == pytest.approx(100.0)


def test_a_single_item_may_stand_for_anything(scored: list[Scores]) -> None:
    found = of(score_slices(scored, "turn"), "bleu", NONE).estimate.interval

    assert found is not None
    assert (found.low, found.high) == (0.0, 100.0)


def test_an_unknown_slice_is_answered_with_the_nearest(scored: list[Scores]) -> None:
    with pytest.raises(
        InputError, match=r"slice 'turns' \(did you mean 'turn'\?\); there are: turn"
    ):
        score_slices(scored, "turns")
