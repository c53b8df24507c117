from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.errors import IncomparableError
from harness.goldset.lock import lock_gold, write_lock
from harness.scoring import Scores, refuse_other_gold, score_run
from harness.store import RunFolder
from harness.suite import Suite, load_suite
from harness.types import Completion


@pytest.fixture
def suite(suite_folder: Callable[..., Path]) -> Suite:
    return load_suite(suite_folder())


@pytest.fixture
def run(tmp_path: Path, suite: Suite) -> Callable[[Mapping[str, object]], RunFolder]:
    """Return a writer of runs: a text by gold id, or the log-likelihoods of a choice."""

    def write(answers: Mapping[str, object]) -> RunFolder:
        folder = RunFolder(path=tmp_path / "run")
        folder.create({"gold": suite.gold_digest, "template": "t"}, {})
        with folder.append_completions() as writer:
            for gold_id, answer in answers.items():
                key = "text" if isinstance(answer, str) else "choice_logprobs"
                row = {"gold_id": gold_id, "finish": "stop", "prompt_tokens": 1, key: answer}
                writer.write(Completion.model_validate(row).model_dump(mode="json"))
        return folder

    return write


def by_metric(scores: list[Scores]) -> dict[str, Scores]:
    return {score.metric.name: score for score in scores}


def test_each_metric_is_scored_on_the_items_of_its_tasks(run: Any, suite: Suite) -> None:
    folder = run({"q1": "Paris", "q2": "Kyoto", "q3": "lima.", "p1": [-1.0, -2.0]})

    found = by_metric(score_run(folder, suite, "base"))

    assert found["exact_match"].value() == pytest.approx(2 / 3)
    assert found["accuracy"].value() == 1.0
    assert [record.id for record in found["accuracy"].planned] == ["p1"]
    assert found["exact_match"].item_scores() == {"q1": 1.0, "q2": 0.0, "q3": 1.0}


def test_an_item_without_answer_lowers_the_coverage_and_not_the_value(
    run: Any, suite: Suite
) -> None:
    found = by_metric(score_run(run({"q1": "Paris", "q2": "Tokyo"}), suite, "base"))

    assert found["exact_match"].value() == 1.0
    assert found["exact_match"].coverage == pytest.approx(2 / 3)


def test_a_metric_without_any_answer_has_no_value(run: Any, suite: Suite) -> None:
    found = by_metric(score_run(run({"q1": "Paris"}), suite, "base"))

    assert found["accuracy"].value() is None
    assert found["accuracy"].item_scores() == {}


def test_measuring_twice_writes_nothing_more(run: Any, suite: Suite) -> None:
    folder = run({"q1": "Paris", "p1": [-1.0, -2.0]})
    first = score_run(folder, suite, "base")
    before = {file: file.read_bytes() for file in (folder.path / "scores").glob("*.jsonl")}

    second = score_run(folder, suite, "base")

    assert before == {file: file.read_bytes() for file in (folder.path / "scores").glob("*.jsonl")}
    assert [score.stats for score in second] == [score.stats for score in first]


def test_only_new_answers_are_measured(run: Any, suite: Suite) -> None:
    score_run(run({"q1": "Paris"}), suite, "base")

    found = by_metric(score_run(run({"q2": "Tokyo"}), suite, "base"))

    assert list(found["exact_match"].stats) == ["q1", "q2"]


def test_two_spellings_of_one_metric_are_measured_once(
    tmp_path: Path, suite_folder: Callable[..., Path], run: Any
) -> None:
    file = suite_folder()
    text = (file / "suite.yaml").read_text(encoding="utf-8")
    assert "[exact_match, token_f1]" in text
    spellings = "[bleu, 'bleu(tokenize=13a)', 'bleu(lowercase=true)']"
    (file / "suite.yaml").write_text(
        text.replace("[exact_match, token_f1]", spellings), encoding="utf-8"
    )
    folder = run({"q1": "Paris", "q2": "Kyoto", "q3": "Lima"})

    found = by_metric(score_run(folder, load_suite(file), "base"))

    lines = [f.read_text(encoding="utf-8").splitlines() for f in folder.path.glob("scores/bleu*")]
    assert [len(rows) for rows in lines] == [3, 3]
    assert found["bleu"].stats == found["bleu(tokenize=13a)"].stats
    assert len(found["bleu(lowercase=true)"].stats) == 3


def test_scores_lie_under_the_metrics_versioned_name(run: Any, suite: Suite) -> None:
    folder = run({"q1": "Paris"})

    score_run(folder, suite, "base")

    names = [file.name.rpartition("-")[0] for file in (folder.path / "scores").glob("*.jsonl")]
    assert sorted(names) == ["exact_match@2", "token_f1@2"]


def test_a_run_on_another_version_of_the_gold_set_is_refused(
    run: Any, suite: Suite, suite_folder: Callable[..., Path]
) -> None:
    folder = run({"q1": "Paris"})
    gold = [{"id": "q1", "task": "qa", "input": "New?", "references": ["Paris"]}]
    changed = load_suite(suite_folder(gold=gold, folder="changed"))

    with pytest.raises(IncomparableError, match="another version of the gold set"):
        refuse_other_gold(folder, changed)


def test_a_refused_run_is_told_its_version_and_what_changed_since(
    run: Any, suite: Suite, suite_folder: Callable[..., Path]
) -> None:
    write_lock(suite, lock_gold(suite, note="first", date="2026-01-02"))
    folder = run({"q1": "Paris"})
    rows = [row.model_dump(mode="json", exclude_defaults=True) for row in suite.gold]
    rows[0] |= {"references": ["Paname"]}
    text = suite.file.read_text(encoding="utf-8").replace('version: "1"', 'version: "2"', 1)
    changed = load_suite(suite_folder(text, gold=rows))
    write_lock(changed, lock_gold(changed, note="slang", date="2026-01-03"))

    with pytest.raises(IncomparableError) as error:
        refuse_other_gold(folder, changed)

    assert f"1 ({suite.gold_digest[:12]}), now 2 ({changed.gold_digest[:12]})" in str(error.value)
    assert "1 changed (q1) since" in str(error.value)
