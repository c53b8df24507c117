"""People's ratings as a metric: joined by the text that was rated, unrated items unscored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.compare import compare
from harness.digest import canonical_json
from harness.errors import ConfigError, InputError
from harness.metrics.base import Item, Metric, Setting
from harness.metrics.build import build_metric
from harness.metrics.ratings import RatedAnswer, TellsPreference, answer_digest
from harness.scoring import score_run
from harness.spec import Spec
from harness.store import RunFolder
from harness.suite import load_suite
from harness.types import Completion, GoldRecord

Row = dict[str, Any]


def row(item: str, text: str, rater: str, **fields: Any) -> Row:
    said = RatedAnswer(
        run="run-1", item=item, rater=rater, answer=answer_digest(text),
        rating=f"{rater}-{item}-{fields.pop('number', 1)}", scales={"truthfulness": (1, 5)}, **fields,
    )  # fmt: skip
    return said.model_dump(mode="json")


@pytest.fixture
def metric_of_rows(tmp_path: Path) -> Callable[..., Metric]:
    def make(rows: list[Row], dimension: str = "truthfulness", **params: Any) -> Metric:
        text = "".join(canonical_json(one) + "\n" for one in rows)
        (tmp_path / "ratings.jsonl").write_text(text, encoding="utf-8")
        setting = Setting(language="en", folder=tmp_path, baseline=params.pop("baseline", None))
        whole = {"dimension": dimension, "file": "ratings.jsonl", **params}
        return build_metric(Spec(name="human", params=whole), setting)

    return make


def item(gold: str, text: str, rival: str | None = None) -> Item:
    def said(words: str) -> Completion:
        return Completion(gold_id=gold, text=words, finish="stop", prompt_tokens=1)

    record = GoldRecord(id=gold, task="qa", input="?", references=("x",))
    return Item(gold=record, completion=said(text), rival=None if rival is None else said(rival))


def values(metric: Metric, items: list[Item]) -> list[float | None]:
    return [None if one is None else one.stats[0] for one in metric.measure(items)]


def test_an_item_has_the_mean_of_its_raters_and_unrated_is_no_zero(
    metric_of_rows: Callable[..., Metric],
) -> None:
    metric = metric_of_rows(
        [
            row("g1", "答案", "r1", values={"truthfulness": 5}),
            row("g1", "答案", "r2", values={"truthfulness": 2}),
            row("g2", "b", "r1", cannot_judge=("truthfulness",)),
        ]
    )

    found = values(
        metric, [item("g1", "答案 \n"), item("g1", "other"), item("g2", "b"), item("g3", "b")]
    )

    assert found == [3.5, None, None, None]
    assert (metric.scale.low, metric.scale.high) == (1, 5)


@pytest.mark.parametrize(
    "left_out",
    [
        {"is_current": False}, {"is_surplus": True}, {"is_excluded": True}, {"occurrence": 1},
        {"kind": "check"},
    ],
)  # fmt: skip
def test_what_does_not_count_is_not_read(
    metric_of_rows: Callable[..., Metric], left_out: dict[str, Any]
) -> None:
    metric = metric_of_rows(
        [
            row("g", "a", "r1", values={"truthfulness": 5}),
            row("g", "a", "r2", values={"truthfulness": 1}, **left_out),
        ]
    )

    assert values(metric, [item("g", "a")]) == [5.0]


def test_a_line_for_each_run_that_said_the_same_counts_once(
    metric_of_rows: Callable[..., Metric],
) -> None:
    one = row("g", "a", "r1", values={"truthfulness": 5})
    other = row("g", "a", "r2", values={"truthfulness": 2})
    metric = metric_of_rows([one, {**one, "run": "run-2"}, other])

    assert values(metric, [item("g", "a")]) == [3.5]


def test_a_preference_is_read_against_the_baselines_answer(
    metric_of_rows: Callable[..., Metric],
) -> None:
    def told(outcome: Any, against: str) -> TellsPreference:
        return TellsPreference(outcome=outcome, against_answer=answer_digest(against))

    metric = metric_of_rows(
        [
            row("g", "new", "r1", preference=told("win", "old")),
            row("g", "new", "r2", preference=told("tie", "old")),
            row("g", "new", "r3", preference=told("loss", "third")),
        ],
        "preference",
        baseline="base-0123",
    )

    asked = [item("g", "new", "old"), item("g", "same", "same "), item("g", "new")]
    assert values(metric, asked) == [0.75, 0.5, None]
    assert "baseline:0123" in metric.signature


def test_critical_faults_are_fewer_the_better(metric_of_rows: Callable[..., Metric]) -> None:
    metric = metric_of_rows(
        [row("g", "a", "r1", severity="critical"), row("g", "a", "r2", severity="minor")],
        "critical",
    )

    assert values(metric, [item("g", "a")]) == [0.5]
    assert metric.scale.better == "lower"


def test_the_last_word_replaces_the_raters_where_it_is_asked_for(
    metric_of_rows: Callable[..., Metric],
) -> None:
    rows = [
        row("g", "a", "r1", values={"truthfulness": 5}),
        row("g", "a", "adjudicated", values={"truthfulness": 2}, source="adjudication"),
    ]

    assert values(metric_of_rows(rows), [item("g", "a")]) == [5.0]
    assert values(metric_of_rows(rows, adjudicated=True), [item("g", "a")]) == [2.0]


def test_other_ratings_have_another_signature(metric_of_rows: Callable[..., Metric]) -> None:
    one = metric_of_rows([row("g", "a", "r1", values={"truthfulness": 5})]).signature
    two = metric_of_rows([row("g", "a", "r1", values={"truthfulness": 4})]).signature

    assert one != two
    assert one.startswith("human@1|scale:truthfulness|points:1-5|raters:mean|ratings:")


def test_what_nobody_rated_and_points_outside_are_told(
    metric_of_rows: Callable[..., Metric],
) -> None:
    rows = [row("g", "a", "r1", values={"truthfulness": 5})]
    with pytest.raises(ConfigError, match=r"nobody rated 'truth'.*truthfulness"):
        metric_of_rows(rows, "truth")
    with pytest.raises(ConfigError, match="is 5 in rating 'r1-g-1', outside 1 to 4"):
        metric_of_rows(rows, high=4)


def test_a_damaged_line_is_told_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"run": "a"}\n', encoding="utf-8")
    setting = Setting(language="en", folder=tmp_path)

    with pytest.raises(InputError, match=r"r\.jsonl:1"):
        build_metric(Spec(name="human", params={"dimension": "x", "file": "r.jsonl"}), setting)


def test_ratings_beside_runs_flow_into_a_comparison(
    suite_folder: Callable[..., Path], tmp_path: Path
) -> None:
    yaml = (
        "name: toy\nversion: '1'\nlanguage: en\ndescription: d\n"
        "tasks:\n  qa: {metrics: [{human: {dimension: truthfulness}}], max_tokens: 8}\n"
    )
    gold = [{"id": f"q{n}", "task": "qa", "input": f"{n}?", "references": ["x"]} for n in range(12)]
    suite = load_suite(suite_folder(yaml, gold))
    scores: list[Any] = []
    folders: list[RunFolder] = []
    for name, points in (("base", 2), ("tuned", 4)):
        folder = RunFolder(path=tmp_path / "runs" / "toy" / f"{name}-0123456789ab")
        folder.create({"gold": suite.gold_digest, "template": "t"}, {"configuration": name})
        rows: list[Row] = []
        with folder.append_completions() as writer:
            for number, record in enumerate(suite.gold):
                text = f"{name} {record.id}"
                done = Completion(gold_id=record.id, text=text, finish="stop", prompt_tokens=1)
                writer.write(done.model_dump(mode="json"))
                value = points + (number % 2 if name == "tuned" else 0)
                rows.append(row(record.id, text, "r1", values={"truthfulness": value}))
        (folder.path / "ratings").mkdir()
        lines = "".join(canonical_json(one) + "\n" for one in rows)
        (folder.path / "ratings" / "s.jsonl").write_text(lines, encoding="utf-8")
        folders.append(folder)
    for folder, name in zip(folders, ("base", "tuned"), strict=True):
        scores += score_run(folder, suite, name)

    found = compare(scores[0], scores[1])

    assert (found.before.value, found.after.value) == pytest.approx((2.0, 4.5))
    assert found.verdict == "improved"
    assert np.isfinite(found.difference.low)
