from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.lmeval.engine_lm import EngineLM, Reading
from harness.lmeval.export import export_suite
from harness.lmeval.materialise import lm_eval_suite
from harness.lmeval.tasks import evaluate, load_tasks
from harness.runner import Cell, Serving, folder_of, run_cells
from harness.scoring import Scores, score_run
from harness.suite import LmEvalOptions, Suite, load_suite
from tests.harness.lmeval.conftest import LmTokenizer, OracleEngine

YAML = """\
name: city-quiz
version: "3"
language: en
description: Capitals.
tasks:
  say: {prompt: "Capital of {{ input }}?", metrics: [exact_match, "bleu", token_f1], max_tokens: 9,
        stop: ["\\n"]}
  pick: {type: multiple_choice, metrics: [accuracy, acc_norm]}
  letter: {type: multiple_choice, score: letter, metrics: [accuracy, exact_match]}
  read: {type: perplexity}
"""
GOLD = [
    {"id": "s1", "task": "say", "input": "France", "references": ["Paris", "Paris, France"]},
    {"id": "s2", "task": "say", "input": "Peru", "references": ["Lima"]},
    {"id": "s3", "task": "say", "input": "Japan", "references": ["Tokyo is the capital of Japan"]},
    {"id": "p1", "task": "pick", "input": "Cuba?", "choices": ["Havana", "Rome"], "answer": 0},
    {"id": "p2", "task": "pick", "input": "Italy?", "choices": ["Lima", "Rome"], "answer": 1},
    {"id": "l1", "task": "letter", "input": "Peru?", "choices": ["Lima", "Rome"], "answer": 0},
    {"id": "r1", "task": "read", "input": "Paris is the capital of France."},
    {"id": "r2", "task": "read", "input": "Lima lies by the sea."},
]


@pytest.fixture
def suite(suite_folder: Callable[..., Path]) -> Suite:
    gold = [row for row in GOLD if row["task"] != "letter"]
    yaml = YAML.replace(
        "  letter: {type: multiple_choice, score: letter, metrics: [accuracy, exact_match]}\n", ""
    )
    return load_suite(suite_folder(yaml, gold))


@pytest.fixture
def both(
    suite: Suite, oracle: OracleEngine, served: Serving, reading: Reading, tmp_path: Path
) -> tuple[dict[str, Any], dict[str, Scores]]:
    """The exported suite in lm-eval, and the suite in Tunemark, on the same engine."""
    export_suite(suite, tmp_path / "out", served.template, LmTokenizer())
    options = LmEvalOptions(include=str(tmp_path / "out"))
    theirs = dict(evaluate(load_tasks("city-quiz", options), EngineLM(oracle, reading)))
    cell = Cell(name="base", suite=suite)
    run_cells([cell], served, tmp_path / "runs")
    ours = score_run(folder_of(cell, served, tmp_path / "runs"), suite, "base")
    return theirs, {score.metric.name: score for score in ours}


@pytest.mark.parametrize(
    ("task", "theirs", "ours"),
    [
        ("say", "exact_match", "exact_match"),
        ("say", "token_f1", "token_f1"),
        ("say", "bleu", "bleu"),
        ("pick", "acc", "accuracy"),
        ("pick", "acc_bytes", "acc_norm"),
        ("read", "word_perplexity", "word_perplexity"),
        ("read", "bits_per_byte", "bits_per_byte"),
    ],
)
def test_lm_eval_finds_our_value(both: Any, task: str, theirs: str, ours: str) -> None:
    found, scores = both

    value = found["results"][f"city-quiz_{task}"][f"{theirs},none"]

    assert value == pytest.approx(scores[ours].value(), rel=1e-9)


def test_lm_eval_finds_our_value_of_every_item(both: Any) -> None:
    found, scores = both

    theirs = {
        sample["doc"]["id"]: sample["token_f1"] for sample in found["samples"]["city-quiz_say"]
    }

    assert theirs == pytest.approx(scores["token_f1"].item_scores())
    assert len(set(theirs.values())) > 1


def test_the_group_has_the_mean_over_all_items(both: Any) -> None:
    found, scores = both

    assert found["groups"]["city-quiz"]["acc,none"] == scores["accuracy"].value()


def test_prompts_are_those_of_tunemark(both: Any, oracle: OracleEngine) -> None:
    found, _ = both
    (sample,) = [s for s in found["samples"]["city-quiz_say"] if s["doc"]["id"] == "s2"]

    assert sample["arguments"][0][0] == "<user>Capital of Peru?<assistant>"
    asked = [request.prompt_ids for request in oracle.requests if not request.choice_ids]
    assert len(asked) == 2 * len(set(asked))


def test_the_folder_may_be_moved(suite: Suite, served: Serving, tmp_path: Path) -> None:
    export_suite(suite, tmp_path / "out", served.template, LmTokenizer())
    (tmp_path / "out").rename(tmp_path / "moved")

    loaded = load_tasks("city-quiz_say", LmEvalOptions(include=str(tmp_path / "moved")))

    assert len(loaded.tasks["city-quiz_say"].eval_docs) == 3


def test_what_lm_eval_has_no_form_for_is_named(
    suite_folder: Callable[..., Path], served: Serving, tmp_path: Path
) -> None:
    yaml = YAML.partition("  pick:")[0] + (
        "  own: {type: multi_turn, history: own, metrics: [token_f1]}\n  read: {type: perplexity}\n"
    )
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    gold = [*GOLD[:3], {"id": "d", "task": "own", "input": turns}, *GOLD[-2:]]

    exported = export_suite(
        load_suite(suite_folder(yaml, gold)), tmp_path / "out", served.template, LmTokenizer()
    )

    assert exported.left_out == (
        "task 'own': its dialogues go on from the model's own answers",
        "task 'read': lm-eval has no perplexity of whole texts",
    )
    assert [file.name for file in exported.files] == [
        "city-quiz.yaml", "city-quiz_say.yaml", "city-quiz_read.yaml",
    ]  # fmt: skip


def test_choices_that_are_not_what_is_scored_are_measured_by_tunemark(
    suite_folder: Callable[..., Path],
    served: Serving,
    oracle: Any,
    reading: Reading,
    tmp_path: Path,
) -> None:
    yaml = YAML.partition("  say:")[0] + (
        '  pick: {type: multiple_choice, continuation: " {{ choice }}", '
        "metrics: [accuracy, acc_norm]}\n"
    )
    suite = load_suite(suite_folder(yaml, GOLD[3:5]))
    export_suite(suite, tmp_path / "out", served.template, LmTokenizer())
    options = LmEvalOptions(include=str(tmp_path / "out"))

    found = evaluate(load_tasks("city-quiz_pick", options), EngineLM(oracle, reading))

    assert "acc_norm,none" in found["results"]["city-quiz_pick"]
    assert found["samples"]["city-quiz_pick"][0]["arguments"][0][1] == " Havana"


def test_a_suite_of_lm_evals_own_is_not_exported(
    tasks: Path, served: Serving, tmp_path: Path
) -> None:
    suite = lm_eval_suite("lm-eval/choose", tmp_path, LmEvalOptions(include=str(tasks)))

    with pytest.raises(ConfigError, match="is an lm-eval task already"):
        export_suite(suite, tmp_path / "out", served.template, LmTokenizer())


def test_the_data_are_json_lines_beside_the_task(
    suite: Suite, served: Serving, tmp_path: Path
) -> None:
    export_suite(suite, tmp_path / "out", served.template, LmTokenizer())

    lines = (tmp_path / "out/city-quiz_pick.jsonl").read_text("utf-8").splitlines()
    first = json.loads(lines[0])
    assert (first["id"], first["choices"], first["answer"]) == ("p1", ["Havana", "Rome"], 0)
