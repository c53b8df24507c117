"""What verdicts say on the whole: positions, flips, length, and agreement with people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError
from harness.gold import gold_digest
from harness.judge import ask_judges
from harness.metrics.verdicts import (
    HumanRating,
    agreement_with_people,
    read_human,
)
from harness.store import RunFolder
from harness.suite import Suite, SuiteConfig
from harness.types import Completion, GoldRecord
from tests.harness.judging.support import answer, one, summary_of


def test_the_first_positions_share_and_the_flips_are_counted(
    suite: Any, run: Any, echo: Any
) -> None:
    toy = suite()
    base, tuned = run(toy, "base", "a", "b", "c"), run(toy, "tuned", "Paris", "To", "Lima!")
    work = one(toy, tuned, "better", base)
    answer(
        echo, work, {"q1": ("[[A]]", "[[A]]"), "q2": ("[[A]]", "[[B]]"), "q3": ("[[A]]", "[[C]]")}
    )
    ask_judges([work])

    found = summary_of(one(toy, tuned, "better", base))

    assert (found.wins, found.ties, found.losses, found.flips) == (1, 2, 0, 1)
    assert found.first_wins == pytest.approx(4 / 5)
    assert found.value == pytest.approx(2 / 3)


def test_the_correlation_with_length_is_shown(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "a", "longer", "the longest of all")
    answer(echo, one(toy, base, "right"), {"q1": "[[1]]", "q2": "[[3]]", "q3": "[[5]]"})
    ask_judges([one(toy, base, "right")])

    assert summary_of(one(toy, base, "right")).length_correlation == pytest.approx(1.0)


def test_agreement_with_people_is_computed_on_shared_items(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris", "Kyoto", "Lima")
    answer(echo, one(toy, base, "right"), {"q1": "[[5]]", "q2": "[[1]]", "q3": "unsure"})
    ask_judges([one(toy, base, "right")])
    work = one(toy, base, "right")
    people = [HumanRating(id=i, rating=r) for i, r in (("q1", 5), ("q2", 2), ("q3", 4))]

    found = agreement_with_people(work.metric, work.items, people, run="base")

    assert found is not None
    assert (found.n, found.raw) == (2, 0.5)
    assert found.quadratic_kappa == pytest.approx(1 - 0.5 / 6.5)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": "q9", "rating": 3}], r"people\.jsonl:1: 'q9' is not a gold id"),
        ([{"id": "q1", "rating": 6}], "rating 6 is outside the judge's scale, 1 to 5"),
        ([{"id": "q1", "rating": "win"}], "this judge rates from 1 to 5"),
        ([{"id": "q1", "rating": 3}, {"id": "q1", "rating": 4}], r":2: 'q1' was rated before"),
        ([{"id": "q1", "score": 3}], r"unknown key 'score'"),
    ],
)
def test_peoples_ratings_are_read_strictly(
    suite: Any, run: Any, tmp_path: Path, jsonl: Any, rows: list[dict[str, Any]], message: str
) -> None:
    toy = suite()
    work = one(toy, run(toy, "base", "Paris"), "right")
    (tmp_path / "people.jsonl").write_text(jsonl(rows), encoding="utf-8")

    with pytest.raises(DataError, match=message):
        read_human(tmp_path / "people.jsonl", work.metric, ["q1", "q2"])


@pytest.mark.slow
def test_an_annotator_of_pandalm_as_judge_agrees_with_another_as_published(
    SHARED: Path, tmp_path: Path, echo: Any, model_folder: Path
) -> None:
    # PandaLM's README: Cohen's kappa of annotators 1 and 2 is 0.85; 0.852023 in SOURCE.md.
    (model_folder / "config.json").write_text('{"max_position_embeddings": 100000}')
    rows = json.loads((SHARED / "data/pandalm-human/testset-v1.json").read_text(encoding="utf-8"))
    (tmp_path / "suite").mkdir()
    pandalm = pandalm_suite(rows, tmp_path / "suite")
    first, second = (
        stored_run(tmp_path, pandalm, name, {str(row["idx"]): str(row[name]) for row in rows})
        for name in ("response1", "response2")
    )
    work = one(pandalm, first, "better", second)
    labels = {str(row["idx"]): row["annotator1"] for row in rows}
    letters = {0: ("[[C]]", "[[C]]"), 1: ("[[A]]", "[[B]]"), 2: ("[[B]]", "[[A]]")}
    asked = [item for item in work.items if work.judge.asked(item)]
    for item in asked:
        for record, text in zip(work.judge.asked(item), letters[labels[item.gold.id]], strict=True):
            echo.texts[record.id] = text

    ask_judges([work])

    work = one(pandalm, first, "better", second)
    outcomes = {0: "tie", 1: "win", 2: "loss"}
    people = [
        HumanRating.model_validate({"id": str(row["idx"]), "rating": outcomes[row["annotator2"]]})
        for row in rows
    ]
    found = agreement_with_people(work.metric, work.items, people, run="response1")
    summary = summary_of(work)
    assert found is not None
    assert (found.n, summary.n, summary.flips) == (999, 999, 0)
    assert found.kappa == pytest.approx(0.852023, abs=1e-6)
    assert summary.wins == sum(label == 1 for label in labels.values())


def pandalm_suite(rows: Any, folder: Path) -> Suite:
    gold = tuple(
        GoldRecord(id=str(row["idx"]), task="ask", input=f"{row['instruction']}\n\n{row['input']}")
        for row in rows
    )
    config = SuiteConfig.model_validate(
        {
            "name": "pandalm", "version": "1", "language": "en", "description": "People's choices.",
            "tasks": {"ask": {"metrics": [{"win_rate": "better"}]}},
            "judges": {
                "better": {"model": "../tiny-model", "engine": "echo", "rubric": "preference"}
            },
        }
    )  # fmt: skip
    return Suite(
        config=config,
        file=folder / "suite.yaml",
        gold=gold,
        gold_digest=gold_digest(gold),
    )


def stored_run(root: Path, suite: Suite, name: str, texts: Mapping[str, str]) -> RunFolder:
    folder = RunFolder(path=root / "runs" / suite.name / f"{name}-0123456789ab")
    folder.create({"gold": suite.gold_digest, "template": "t"}, {"configuration": name})
    with folder.append_completions() as writer:
        for gold_id, text in texts.items():
            said = Completion(gold_id=gold_id, text=text, finish="stop", prompt_tokens=1)
            writer.write(said.model_dump(mode="json"))
    return folder
