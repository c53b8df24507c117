from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.compare import Pair
from harness.errors import InputError
from harness.scoring import Scores, score_run
from harness.slices import NONE, SliceScore, compare_slices, score_slices
from harness.stats.multiple import benjamini_hochberg
from harness.stats.tests import wilson
from harness.store import RunFolder
from harness.suite import load_suite
from harness.types import Completion
from tests.harness.compare.support import scores

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


def sliced_pair(n: int = 40, *, slices: bool = True) -> Pair:
    names = [
        {"topic": "dose" if i % 2 else "use", "rare": "yes" if i < 4 else "no"} for i in range(n)
    ]
    given = names if slices else None
    before = scores([0.0] * n, metric="exact_match", slices=given)
    better = [float(i % 2 or i % 8 == 0) for i in range(n)]
    return Pair(before=before, after=scores(better, metric="exact_match", run="t", slices=given))


def test_every_slice_is_compared_on_its_items() -> None:
    found = compare_slices([sliced_pair()], ["topic"])

    assert [(one.key, one.slice, one.comparison.n) for one in found] == [
        ("topic", "dose", 20),
        ("topic", "use", 20),
    ]
    assert [one.comparison.difference.value for one in found] == [1.0, 0.25]


def test_without_a_name_all_slices_are_compared() -> None:
    found = compare_slices([sliced_pair()])

    assert list(dict.fromkeys(one.key for one in found)) == ["topic", "rare"]


def test_the_judged_slices_are_corrected_together() -> None:
    found = compare_slices([sliced_pair()])

    judged = [one.comparison for one in found if one.is_judged]
    assert [c.p_adjusted for c in judged] == pytest.approx(
        benjamini_hochberg([c.p_value for c in judged])
    )
    assert {(c.correction, c.n_family) for c in judged} == {("Benjamini-Hochberg", 3)}
    assert judged[0].verdict == "improved"


def test_a_small_slice_is_listed_and_not_judged() -> None:
    small = next(one for one in compare_slices([sliced_pair()], ["rare"]) if one.slice == "yes")

    assert (small.comparison.n, small.is_judged, small.comparison.verdict) == (4, False, "cannot tell")  # fmt: skip


def test_configurations_of_one_slice_stand_together() -> None:
    one, two = sliced_pair(), sliced_pair()
    pairs = [one, Pair(before=two.before, after=replace(two.after, run="u"))]

    found = compare_slices(pairs, ["topic"])

    assert [(s.slice, s.comparison.configuration) for s in found] == [
        ("dose", "t"),
        ("dose", "u"),
        ("use", "t"),
        ("use", "u"),
    ]


def test_a_slice_that_one_run_lacks_is_left_out() -> None:
    pair = sliced_pair()
    dose = frozenset(f"q{i}" for i in range(1, 40, 2))
    part = replace(pair.after, stats={k: v for k, v in pair.after.stats.items() if k in dose})

    found = compare_slices([replace(pair, after=part)], ["topic"])

    assert [one.slice for one in found] == ["dose"]


def test_unknown_slices_are_refused() -> None:
    with pytest.raises(InputError, match=r"no gold item has a slice 'topik' \(did you mean 'topic'\?\)"):  # fmt: skip
        compare_slices([sliced_pair()], ["topik"])
    with pytest.raises(InputError, match="no gold item has slices"):
        compare_slices([sliced_pair(slices=False)])
