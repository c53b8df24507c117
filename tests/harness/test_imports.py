from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.compare import compare
from harness.errors import IncomparableError, PredictionsError
from harness.importers.read import read_predictions
from harness.imports import Joined, import_run, join
from harness.scoring import score_run
from harness.store import RunFolder
from harness.suite import Suite, load_suite
from tests.harness.importers import files
from tests.harness.importers.files import write

YAML = """\
name: toy
version: "1"
language: en
description: Two questions.
tasks:
  qa: {metrics: [exact_match, token_f1]}
"""
GOLD = [
    {"id": "q1", "task": "qa", "input": "Capital of France?", "references": ["Paris"]},
    {"id": "q2", "task": "qa", "input": "Capital of Japan?", "references": ["Tokyo", "Tōkyō"]},
]


@pytest.fixture
def suite(suite_folder: Callable[..., Path]) -> Suite:
    return load_suite(suite_folder(YAML, GOLD))


def joined(
    tmp_path: Path, suite: Suite, rows: Any, *, name: str = "p.jsonl", by: str = "auto"
) -> Joined:
    return join(read_predictions(write(tmp_path / name, rows)), suite, by=by)


def imported(tmp_path: Path, suite: Suite, rows: Any, run: str = "other") -> RunFolder:
    found = joined(tmp_path, suite, rows)
    return import_run(
        found, suite, run, tmp_path / "runs", file=tmp_path / "p.jsonl", format="plain"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lm-eval.jsonl", files.LM_EVAL), ("lf.jsonl", files.LLAMA_FACTORY),
        ("oc.json", files.OPENCOMPASS), ("review.jsonl", files.EVALSCOPE_REVIEWS),
        ("es.jsonl", files.EVALSCOPE_PREDICTIONS), ("old.jsonl", files.EVALSCOPE_OLD),
    ],
)  # fmt: skip
def test_every_tools_answers_find_their_items_by_what_was_asked(
    tmp_path: Path, suite: Suite, name: str, content: Any
) -> None:
    found = joined(tmp_path, suite, content, name=name)

    assert found.by == "prompt"
    assert {gold_id: row.text for gold_id, row in found.pairs.items()} == {
        "q1": "Paris", "q2": "Kyoto",
    }  # fmt: skip
    assert (found.missing, found.unmatched, found.contradictions) == ((), (), ())


def test_ids_are_tried_first_and_what_is_left_over_is_named(tmp_path: Path, suite: Suite) -> None:
    rows = [{"id": "q2", "prediction": "Tokyo"}, {"id": "q9", "prediction": "?"}]

    found = joined(tmp_path, suite, rows)

    assert found.by == "id"
    assert found.missing == ("q1",)
    assert [row.id for row in found.unmatched] == ["q9"]


def test_rows_in_order_are_joined_when_their_references_agree(tmp_path: Path, suite: Suite) -> None:
    rows = [{"prediction": "a", "label": "Paris"}, {"prediction": "b", "label": "Tōkyō"}]

    assert joined(tmp_path, suite, rows).by == "order"


def test_rows_in_another_order_are_refused(tmp_path: Path, suite: Suite) -> None:
    rows = [{"prediction": "a", "label": "Tokyo"}, {"prediction": "b", "label": "Paris"}]

    with pytest.raises(PredictionsError, match="order: 2 of 2 have another reference, such as"):
        joined(tmp_path, suite, rows)


def test_order_alone_needs_to_be_asked_for(tmp_path: Path, suite: Suite) -> None:
    rows = [{"prediction": "a"}, {"prediction": "b"}]

    with pytest.raises(PredictionsError, match="--by order joins them all the same"):
        joined(tmp_path, suite, rows)
    assert joined(tmp_path, suite, rows, by="order").pairs["q2"].text == "b"


def test_ids_that_only_look_alike_are_found_out_by_their_references(
    tmp_path: Path, suite_folder: Callable[..., Path]
) -> None:
    numbered = load_suite(
        suite_folder(YAML, [{**GOLD[0], "id": "0"}, {**GOLD[1], "id": "1"}], folder="numbered")
    )
    rows = [
        {"id": 1, "prompt": "Capital of France?", "prediction": "a", "reference": "Paris"},
        {"id": 0, "prompt": "Capital of Japan?", "prediction": "b", "reference": "Tokyo"},
    ]

    found = joined(tmp_path, numbered, rows)

    assert found.by == "prompt"
    assert found.pairs["0"].text == "a"
    assert len(joined(tmp_path, numbered, rows, by="id").contradictions) == 2


def test_a_prompt_with_two_questions_belongs_to_neither(tmp_path: Path, suite: Suite) -> None:
    rows = [{"prompt": "Capital of France? Paris. Capital of Japan?", "prediction": "Tokyo"}]

    with pytest.raises(PredictionsError, match="prompt: nothing matches"):
        joined(tmp_path, suite, rows)


def test_imported_runs_are_scored_and_compared_like_any_other(tmp_path: Path, suite: Suite) -> None:
    before = imported(tmp_path, suite, [{"id": "q1", "prediction": "Lyon"},
                                        {"id": "q2", "prediction": "Kyoto"}], "before")  # fmt: skip
    after = imported(tmp_path, suite, [{"id": "q1", "prediction": "Paris"},
                                       {"id": "q2", "prediction": "Tokyo"}], "after")  # fmt: skip

    found = compare(score_run(before, suite, "before")[0], score_run(after, suite, "after")[0])

    assert (found.before.value, found.after.value, found.n_gained) == (0.0, 1.0, 2)
    assert before.kept_gold.exists()


def test_the_same_file_again_is_the_same_run(tmp_path: Path, suite: Suite) -> None:
    rows = [{"id": "q1", "prediction": "Paris"}]

    first = imported(tmp_path, suite, rows)
    again = imported(tmp_path, suite, rows)
    other = imported(tmp_path, suite, [{"id": "q1", "prediction": "Rome"}])

    assert first.path == again.path != other.path
    assert len((first.path / "completions.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def test_an_imported_run_is_not_compared_with_one_whose_prompt_is_known(
    tmp_path: Path, suite: Suite
) -> None:
    from dataclasses import replace

    theirs = score_run(imported(tmp_path, suite, [{"id": "q1", "prediction": "Paris"}]), suite, "a")
    ours = replace(theirs[0], run="b", template_digest="d" * 64)

    with pytest.raises(IncomparableError, match=r"prompt template differs \(imported and dddd"):
        compare(theirs[0], ours)


def test_choices_in_another_order_keep_their_log_likelihoods(
    tmp_path: Path, suite_folder: Callable[..., Path]
) -> None:
    yaml = YAML.replace("qa: {metrics: [exact_match, token_f1]}",
                        "qa: {type: multiple_choice, metrics: [accuracy]}")  # fmt: skip
    gold = [{"id": "0", "task": "qa", "input": "2+2 =", "choices": ["1", "4", "five"], "answer": 1}]
    suite = load_suite(suite_folder(yaml, gold, folder="mc"))

    folder = imported(tmp_path, suite, files.LM_EVAL_CHOICES)

    assert folder.completions()["0"].choice_logprobs == (-2.0, -0.5, -3.5)
    assert score_run(folder, suite, "x")[0].value() == 1.0


def test_answers_without_log_likelihoods_are_counted(
    tmp_path: Path, suite_folder: Callable[..., Path]
) -> None:
    yaml = YAML.replace("qa: {metrics: [exact_match, token_f1]}",
                        "qa: {type: multiple_choice, metrics: [acc_norm]}")  # fmt: skip
    gold = [{"id": "0", "task": "qa", "input": "2+2 =", "choices": ["1", "4"], "answer": 1}]
    suite = load_suite(suite_folder(yaml, gold, folder="mc"))

    found = joined(tmp_path, suite, [{"id": "0", "prediction": "4"}])

    assert found.empty == ("0",)
