"""Why a model is listed without a rank."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.contamination.find import Leak, Verdict
from harness.errors import InputError
from harness.leaderboard.collect import FoundRun
from harness.leaderboard.config import BoardConfig
from harness.leaderboard.eligibility import most_common, score_reasons
from harness.leaderboard.reasons import TEXTS
from harness.leaks import FoundLeak
from harness.result import RESULT
from harness.scoring import Scores, score_run
from harness.stats.ranking import Rank
from harness.store import RunFolder, write_json
from harness.suite import load_suite
from reports.board_words import BOARD
from tests.harness.leaderboard.support import BOTH, DEMO, TOY, Toy, codes, demo_board, entry


@pytest.fixture
def two(toy: Toy) -> Toy:
    """Two models against which nothing speaks."""
    toy.run("a", 30)
    toy.run("b", 10)
    return toy


def test_incomplete_coverage(two: Toy) -> None:
    two.run("c", 39, answered=39)

    board = two.board()

    assert codes(board, "c") == ["coverage"]
    assert board.unranked[0].reasons[0].text == "one: 39 of 40 items are answered and scored"
    assert len(board.ranked) == 2


def test_incomplete_coverage_within_the_limit_counts_on_shared_items(two: Toy) -> None:
    two.run("c", 38, answered=38)

    board = two.board(TOY + "limits: {coverage: 0.95}\n")

    assert [one.name for one in board.ranked] == ["c", "a", "b"]
    assert board.columns[0].n_groups == 38


def test_another_gold_set(two: Toy) -> None:
    two.suite("one", question="Another question")
    two.run("c", 40)
    two.suite("one")

    board = two.board()

    assert codes(board, "c") == ["gold"]
    assert "another version of the gold set" in board.unranked[0].reasons[0].text
    assert entry(board, "c").cells[0].value is None


def test_an_older_run_on_the_right_gold_set_counts_before_a_newer_on_another(two: Toy) -> None:
    two.run("c", 40, created="2026-01-01T00:00:00+00:00")
    two.suite("one", question="Another question")
    two.run("c", 0, created="2026-05-01T00:00:00+00:00")
    two.suite("one")

    board = two.board()

    assert codes(board, "c") == []
    assert board.ranked[0].name == "c"


def test_another_template(two: Toy) -> None:
    two.run("c", 40, template="u" * 64)

    board = two.board()

    assert codes(board, "c") == ["template"]
    assert board.columns[0].template_digest == "t" * 64


def test_another_template_is_no_obstacle_where_any_is_allowed(two: Toy) -> None:
    two.run("c", 40, template="u" * 64)

    board = two.board(TOY + "template: any\n")

    assert codes(board, "c") == []
    assert board.columns[0].template_digest is None


def test_only_own_templates_where_the_board_asks_for_them(two: Toy) -> None:
    two.run("c", 40, template="u" * 64, provenance={"template": "tokenizer"})

    board = two.board(TOY + "template: own\n")

    assert {name: codes(board, name) for name in "abc"} == {
        "a": ["own_template"],
        "b": ["own_template"],
        "c": [],
    }


def test_another_metric_signature(two: Toy) -> None:
    suite = load_suite(two.place / "one")
    folder = next((two.place / "runs" / "one").iterdir())
    scores = score_run(RunFolder(path=folder), suite, "a")[0]
    config = BoardConfig.model_validate({"name": "b", "suites": ["one"], "runs": ["runs"]})

    found = score_reasons(scores, config, signature="exact_match@0")

    assert [reason.code for reason in found] == ["signature"]
    assert scores.metric.signature in found[0].text
    assert score_reasons(scores, config, signature=scores.metric.signature) == []


def test_a_model_measured_otherwise_than_most_is_not_ranked(
    two: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = two.run("c", 40)

    def measured(folder: RunFolder, *args: Any, **kwargs: Any) -> list[Scores]:
        found = score_run(folder, *args, **kwargs)
        if folder.path != odd:
            return found
        other = replace(found[0].metric, signature="exact_match@0")  # pyright: ignore[reportArgumentType] - a MeanMetric
        return [replace(found[0], metric=other), *found[1:]]

    monkeypatch.setattr("harness.leaderboard.measure.score_run", measured)
    board = two.board()

    assert codes(board, "c") == ["signature"]
    assert board.columns[0].signature != "exact_match@0"
    assert len(board.ranked) == 2


@pytest.mark.parametrize("model", [None, "org/name", "main", "org/name@main"])
def test_an_unpinned_model(two: Toy, model: str | None) -> None:
    two.run("c", 40, model=model)

    assert codes(two.board(), "c") == ["unpinned"]


@pytest.mark.parametrize(
    "model", ["0" * 64, "sha256:" + "0" * 64, "org/name@" + "0" * 40, "org/name@0123abc"]
)
def test_a_pinned_model(two: Toy, model: str) -> None:
    two.run("c", 40, model=model)

    assert codes(two.board(), "c") == []


def test_an_unpinned_adapter(two: Toy) -> None:
    two.run("c", 40, provenance={"adapter": "out/adapter"})
    two.run("d", 40, adapter="out/adapter")

    board = two.board()

    assert codes(board, "c") == codes(board, "d") == ["adapter"]


def test_a_missing_suite(two: Toy) -> None:
    two.run("a", 30, suite="two")
    two.run("b", 10, suite="two")
    two.run("c", 40, suite="two")

    board = two.board(BOTH)

    assert codes(board, "c") == ["no_run"]
    assert board.unranked[0].reasons[0].text == "no run on one"
    assert board.unranked[0].cells[0].suite == "two"
    assert board.unranked[0].rank is None


def test_other_prompts(two: Toy) -> None:
    suite = load_suite(two.place / "one")
    tasks: Any = suite.identity()["tasks"]
    two.run("c", 40, system="Be brief.")
    two.run("d", 40, tasks={"qa": tasks["qa"] | {"max_tokens": 7}})

    board = two.board()

    assert entry(board, "c").reasons[0].fields["what"] == "system"
    assert entry(board, "d").reasons[0].fields["what"] == "tasks.qa.max_tokens"


def test_a_setting_that_only_one_version_knows_is_no_difference(two: Toy) -> None:
    suite = load_suite(two.place / "one")
    tasks: Any = suite.identity()["tasks"]
    older = {key: value for key, value in tasks["qa"].items() if key != "window"}
    two.run("c", 40, tasks={"qa": older | {"gone": True}})

    assert codes(two.board(), "c") == []


def test_all_that_speaks_against_a_model_is_told(two: Toy) -> None:
    two.run("c", 10, answered=20, model="org/name", template="u" * 64)

    assert codes(two.board(), "c") == ["unpinned", "template", "coverage"]


def test_a_model_that_is_not_ranked_moves_nobody(two: Toy) -> None:
    before = two.board()
    two.run("c", 40, model="org/name")

    after = two.board()

    assert after.ranked == before.ranked
    assert after.unranked[0].cells[0].value is not None


def test_a_board_of_which_nobody_is_ranked(toy: Toy) -> None:
    toy.run("a", 30, model="org/a")

    board = toy.board()

    assert board.ranked == ()
    assert board.status == "preliminary"
    assert board.resolution is None


def test_runs_on_other_gold_sets_only_are_refused(two: Toy) -> None:
    two.suite("one", question="Another question")

    with pytest.raises(InputError, match="one: no run answered its gold set"):
        two.board()


def leak(result: dict[str, Any], suite: str, *names: str, verdict: Verdict = "leaked") -> None:
    """Let a stored study have found one gold item in the training data of configurations."""
    found = FoundLeak(
        leak=Leak(
            gold_id="q0", verdict=verdict, kind="exact", is_answer=False, share=1.0,
            origin="row 1", shared="all",
        ),
        configurations=names,
    )  # fmt: skip
    chosen = next(one for one in result["suites"] if one["name"] == suite)
    chosen["leaks"].append(found.model_dump(mode="json"))


def test_leaked_items(ROOT: Path, demo_runs: Path) -> None:
    file = demo_runs / "studies" / "demo" / RESULT
    result = json.loads(file.read_text(encoding="utf-8"))
    leak(result, "retention", "lora-r16-replay")
    leak(result, "retention", "lora-r8", verdict="suspect")
    write_json(file, result)

    board = demo_board(ROOT, demo_runs)

    assert codes(board, "lora-r16-replay") == ["leaked"]
    assert entry(board, "lora-r16-replay").leaked == 1
    assert entry(board, "lora-r8").leaked == 0
    assert [one.rank for one in board.ranked] == [
        Rank(best=1, worst=2),
        Rank(best=1, worst=2),
        Rank(best=3, worst=3),
    ]


def test_leaked_items_within_the_limit(ROOT: Path, demo_runs: Path) -> None:
    file = demo_runs / "studies" / "demo" / RESULT
    result = json.loads(file.read_text(encoding="utf-8"))
    leak(result, "retention", "lora-r16-replay")
    write_json(file, result)

    board = demo_board(ROOT, demo_runs, DEMO + "limits: {{leaked_items: 1}}\n")

    assert board.unranked == ()
    assert board.ranked[0].leaked == 1


def test_what_one_study_found_is_not_forgotten_for_one_that_did_not_look(
    ROOT: Path, demo_runs: Path
) -> None:
    file = demo_runs / "studies" / "demo" / RESULT
    result = json.loads(file.read_text(encoding="utf-8"))
    write_json(demo_runs / "studies" / "later" / RESULT, result)
    leak(result, "retention", "lora-r8")
    write_json(file, result)

    assert codes(demo_board(ROOT, demo_runs), "lora-r8") == ["leaked"]


def test_a_study_that_cannot_be_read_is_told(ROOT: Path, demo_runs: Path) -> None:
    (demo_runs / "studies" / "demo" / RESULT).write_text("{", encoding="utf-8")

    board = demo_board(ROOT, demo_runs)

    assert "its leaks are not known" in board.notes[0]
    assert {one.leaked for one in board.entries} == {None}


def test_the_demo_was_looked_for_in_training_data(ROOT: Path, demo_runs: Path) -> None:
    board = demo_board(ROOT, demo_runs)

    assert {one.leaked for one in board.entries} == {0}


def test_of_equally_common_values_the_first_by_alphabet_counts() -> None:
    assert most_common(["b", "a", "b", "a", "c"]) == "a"
    assert most_common([]) is None


def test_every_reason_can_be_said_in_both_languages() -> None:
    assert {f"board_reason_{code}" for code in TEXTS} <= set(BOARD)


def test_a_study_folder_stands_for_its_runs(ROOT: Path, demo_runs: Path) -> None:
    text = DEMO.replace("[{runs}]", "studies/demo")

    board = demo_board(ROOT, demo_runs, text)

    assert len(board.ranked) == 4


def test_a_pattern_stands_for_the_runs_that_fit(ROOT: Path, demo_runs: Path) -> None:
    text = DEMO.replace("[{runs}]", '["*/base-*", "{runs}/*/lora-r8-*"]')

    board = demo_board(ROOT, demo_runs, text)

    assert {one.name for one in board.ranked} == {"base", "lora-r8"}


def test_models_are_one_across_suites_by_what_they_are(two: Toy) -> None:
    one = FoundRun(folder=RunFolder(path=Path("x")), identity={"model": "m"}, provenance={})
    other = FoundRun(
        folder=RunFolder(path=Path("y")), identity={"model": "m", "suite": "s"}, provenance={}
    )

    assert one.key == other.key
