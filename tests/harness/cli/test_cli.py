from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.cli import VERBS
from harness.registry import load_object
from tests.harness.cli.support import Done

HEAVY = (
    "torch", "transformers", "peft", "vllm", "streamlit", "pandas", "altair", "numpy", "scipy",
    "pydantic", "rich", "sacrebleu", "jinja2", "yaml",
)  # fmt: skip


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    rows = [
        {"id": "q1", "text": "Paris"},
        {"id": "q2", "text": "Kyoto"},
        {"id": "q3", "text": "Lima"},
        {"id": "p1", "choice_logprobs": [-1.0, -2.0]},
    ]
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def replay(
    tunemark: Any, suite_folder: Any, model_folder: Path, answers: Path, tmp_path: Path, echo: Any
) -> Callable[..., Done]:
    """Run the toy suite on stored answers."""
    folder = suite_folder()

    def run(*more: object) -> Done:
        fixed = ("--model", model_folder, "--engine", "replay", "--replay", answers)
        return tunemark("run", folder, *fixed, "--root", tmp_path / "runs", *more)

    return run


def test_help_imports_nothing_heavy(tmp_path: Path, ROOT: Path) -> None:
    program = (
        "import sys\n"
        "from harness.cli import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        f"print('HEAVY', sorted(set(sys.modules) & {set(HEAVY)!r}))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, cwd=tmp_path, env=environment, check=True,
    )  # fmt: skip

    assert "HEAVY []" in done.stdout
    assert all(verb in done.stdout for verb in VERBS)


def test_checking_a_suite_loads_no_model_library(
    suite_folder: Callable[..., Path], tmp_path: Path, ROOT: Path
) -> None:
    program = (
        "import sys\n"
        "from harness.cli import cli\n"
        f"cli.main(['check', {str(suite_folder())!r}], standalone_mode=False)\n"
        "print(sorted(set(sys.modules) & {'torch', 'transformers', 'vllm', 'streamlit', 'pandas'}))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_that_begins_like_the_list(tunemark: Any, verb: str) -> None:
    done = tunemark(verb, "--help")

    assert done.code == 0
    assert done.out.startswith(f"Usage: tunemark {verb} ")
    assert load_object(VERBS[verb][0]).help


def test_the_version_is_told(tunemark: Any) -> None:
    from harness import __version__

    assert tunemark("--version").out == f"tunemark, version {__version__}\n"


def test_an_unknown_verb_is_answered_with_the_nearest(tunemark: Any) -> None:
    done = tunemark("studdy")

    assert done.code == 2
    assert "no verb 'studdy' (did you mean 'study'?)" in done.err


WRONG = {
    "an unknown option": ("check", "--jsn", "x"),
    "no arguments": ("check",),
    "a missing suite": ("check", "nowhere"),
    "a missing study": ("study", "plan", "nowhere.yaml"),
    "a missing recipe": ("check", "nowhere/build.yaml"),
    "an unknown model": ("run", "nowhere", "--model", "smollm2-135m-instuct"),
    "a missing suite to score": ("score", "nowhere", "--suite", "nowhere"),
    "an unknown sub-verb": ("study", "rn", "x.yaml"),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_wrong_usage_exits_with_two_and_no_traceback(
    tunemark: Any, arguments: tuple[str, ...]
) -> None:
    done = tunemark(*arguments)

    assert done.code == 2
    assert "Traceback" not in done.out + done.err


def test_a_folder_that_is_no_run_exits_with_one(
    tunemark: Any, suite_folder: Any, tmp_path: Path
) -> None:
    done = tunemark("score", tmp_path, "--suite", suite_folder())

    assert done.code == 1
    assert "is this a run folder?" in done.err


def test_a_good_suite_is_ok(tunemark: Any, suite_folder: Any) -> None:
    folder = suite_folder()

    done = tunemark("check", folder)

    assert done.code == 0
    assert done.out == f"ok    {folder}: suite toy 1: 4 items (qa 3, pick 1)\n"


def test_a_malformed_suite_is_told_with_file_and_line(tunemark: Any, suite_folder: Any) -> None:
    folder = suite_folder(
        gold='{"id": "a", "task": "qa", "input": "?", "references": ["x"]}\n{"id\n'
    )

    done = tunemark("check", folder)

    assert done.code == 2
    assert f"FAULT {folder}: {folder}/gold.jsonl:2: this line is not valid JSON" in done.out
    assert "Traceback" not in done.out + done.err


def test_all_paths_are_checked_though_one_is_wrong(tunemark: Any, suite_folder: Any) -> None:
    done = tunemark("check", "nowhere", suite_folder(), "--json")

    assert done.code == 2
    assert [result["ok"] for result in json.loads(done.out)] == [False, True]


@pytest.mark.parametrize("name", ["clinic-en", "clinic-zh", "retention", "retention-zh"])
def test_shipped_suites_are_ok(tunemark: Any, ROOT: Path, name: str) -> None:
    assert tunemark("check", ROOT / "suites" / name).code == 0


@pytest.mark.parametrize("name", ["clinic-en", "clinic-zh"])
def test_shipped_recipes_are_ok(tunemark: Any, ROOT: Path, name: str) -> None:
    done = tunemark("check", ROOT / "suites" / name / "train" / "build.yaml")

    assert done.code == 0
    assert "training rows" in done.out


def test_a_study_that_begins_with_its_suites_is_checked_as_a_study(
    tunemark: Any, tmp_path: Path
) -> None:
    (tmp_path / "s.yaml").write_text("suites: [nowhere]\nnmae: x\n", encoding="utf-8")

    assert "(did you mean 'name'?)" in tunemark("check", tmp_path / "s.yaml").out


def test_stored_answers_are_scored(replay: Any) -> None:
    done = replay("--json")

    rows = {row["metric"]: row for row in json.loads(done.out)}
    assert done.code == 0
    assert rows["exact_match"]["value"] == pytest.approx(2 / 3)
    assert rows["accuracy"]["value"] == 1.0
    assert rows["exact_match"]["coverage"] == 1.0


def test_the_table_goes_to_stdout_and_where_the_run_lies_to_stderr(replay: Any) -> None:
    done = replay()

    assert "exact_match" in done.out
    assert "0.6667" in done.out
    assert "Run: " in done.err


def test_missing_answers_exit_with_one(replay: Any, answers: Path) -> None:
    answers.write_text('{"id": "q1", "text": "Paris"}\n', encoding="utf-8")

    done = replay()

    assert done.code == 1
    assert "3 of 4 items failed" in done.err
    assert "no stored answer for this item" in done.err


def test_a_run_is_scored_again_without_a_model(
    replay: Any, tunemark: Any, suite_folder: Any
) -> None:
    (row, *_) = json.loads(replay("--json").out)

    done = tunemark("score", row["folder"], "--suite", suite_folder(), "--json")

    assert done.code == 0
    assert json.loads(done.out)[0]["value"] == row["value"]


CLASSES = """\
name: toy
version: "1"
language: en
description: Classes.
tasks:
  ask:
    metrics: [accuracy, macro_f1, mcc]
    labels: ["yes", "no"]
"""


def test_a_classification_is_scored_with_its_confusion_matrix(
    tunemark: Any, suite_folder: Any, model_folder: Path, tmp_path: Path, echo: Any
) -> None:
    rows = [("a", "yes", "Yes."), ("b", "yes", "no"), ("c", "no", "no"), ("d", "no", "maybe")]
    gold = [{"id": i, "task": "ask", "input": "?", "references": [ref]} for i, ref, _ in rows]
    answers = tmp_path / "classes.jsonl"
    lines = [json.dumps({"id": i, "text": said}) for i, _, said in rows]
    answers.write_text("\n".join(lines) + "\n", encoding="utf-8")
    suite = suite_folder(CLASSES, gold, folder="classes")
    fixed = ("--model", model_folder, "--engine", "replay", "--root", tmp_path / "runs")
    run = tunemark("run", suite, *fixed, "--replay", answers, "--json")
    folder = json.loads(run.out)[0]["folder"]

    table = tunemark("score", folder, "--suite", suite).out
    found = {r["metric"]: r for r in json.loads(tunemark("score", folder, "--suite", suite, "--json").out)}  # fmt: skip

    assert found["accuracy"]["value"] == 0.5
    assert found["macro_f1"]["value"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["macro_f1"]["confusion"] == {"labels": ["yes", "no"], "counts": [[1, 1, 0], [0, 1, 1]]}  # fmt: skip
    assert "confusion" not in found["accuracy"]
    assert table.count("gold \\ predicted") == 1
    assert "(none)" in table


def test_two_runs_are_compared(
    replay: Any, tunemark: Any, suite_folder: Any, tmp_path: Path
) -> None:
    before = json.loads(replay("--json").out)[0]["folder"]
    better = tmp_path / "better.jsonl"
    text = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").replace("Kyoto", "Tokyo")
    better.write_text(text, encoding="utf-8")
    after = json.loads(replay("--json", "--name", "tuned", "--replay", better).out)[0]["folder"]

    done = tunemark("compare", before, after, "--suite", suite_folder(), "--json")

    found = json.loads(done.out)
    assert done.code == 0
    assert found["comparisons"][0]["configuration"] == "tuned"
    assert found["comparisons"][0]["n_gained"] == 1
    assert found["disagreements"][after] == {"n": 1, "of": 4, "items": ["q2"]}


@pytest.mark.parametrize("verb", ["score", "compare"])
def test_a_run_on_another_gold_set_is_refused(
    replay: Any, tunemark: Any, suite_folder: Any, verb: str
) -> None:
    folder = json.loads(replay("--json").out)[0]["folder"]
    gold = [{"id": "q1", "task": "qa", "input": "New?", "references": ["x"]}]
    other = suite_folder(gold=gold, folder="other")
    runs = [folder] if verb == "score" else [folder, folder]

    done = tunemark(verb, *runs, "--suite", other)

    assert done.code == 2
    assert "another version of the gold set" in done.err


BAD_RUNS = {
    "an unknown engine": (("--engine", "vlm"), "unknown engine 'vlm' (did you mean 'vllm'?)"),
    "an adapter without folder": (("--adapter", "lora"), "write it as NAME=FOLDER"),
    "only adapters, none given": (("--only-adapters",), "needs at least one --adapter"),
    "an adapter that is not there": (("--adapter", "a=nowhere"), "no adapter_config.json"),
    "an unknown template": (("--template", "chatlm"), "unknown template 'chatlm'"),
    "missing answers": (("--replay", "nowhere.jsonl"), "nowhere.jsonl: no such file"),
}


@pytest.mark.parametrize(("options", "message"), BAD_RUNS.values(), ids=BAD_RUNS)
def test_a_run_that_cannot_begin_is_told(
    replay: Any, options: tuple[str, ...], message: str
) -> None:
    done = replay(*options)

    assert done.code == 2
    assert message in done.err


def test_an_interruption_says_that_nothing_is_lost(
    tunemark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(**options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.cli, "main", interrupt)

    done = tunemark("doctor")

    assert done.code == 1
    assert "Everything finished is stored" in done.err


def test_an_unreadable_place_is_told_without_traceback(
    tunemark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**options: object) -> int:
        raise OSError(28, "No space left on device", "runs/x")

    monkeypatch.setattr(cli.cli, "main", full)

    done = tunemark("doctor")

    assert (done.code, done.err) == (1, "Error: runs/x: No space left on device\n")


def test_a_prompt_that_does_not_fit_is_found_by_check(tunemark: Any, suite_folder: Any) -> None:
    yaml = (
        'name: s\nversion: "1"\nlanguage: en\ndescription: d\n'
        "tasks: {qa: {metrics: [bleu], prompt: '{{ note }}'}}\n"
    )
    folder = suite_folder(yaml, [{"id": "q", "task": "qa", "input": "?", "references": ["x"]}])

    done = tunemark("check", folder)

    assert done.code == 2
    assert "the prompt of task 'qa' does not fit gold item 'q'" in done.out


def test_subgroups_are_shown_by_themselves(
    replay: Any, tunemark: Any, suite_folder: Any, tmp_path: Path
) -> None:
    gold = [
        {"id": f"q{i}", "task": "qa", "input": "?", "references": ["Paris"],
         "slices": {"land": "fr" if i < 2 else "jp"}}
        for i in (1, 2, 3)
    ]  # fmt: skip
    suite_folder(gold=gold)
    (folder, *_) = {row["folder"] for row in json.loads(replay("--json").out)}

    shown = tunemark("score", folder, "--suite", suite_folder(gold=gold), "--by", "land")
    done = tunemark("score", folder, "--suite", suite_folder(gold=gold), "--by", "land", "--json")
    unknown = tunemark("score", folder, "--suite", suite_folder(gold=gold), "--by", "country")

    assert "Exploratory" in shown.err
    rows = {(row["metric"], row["land"]): row for row in json.loads(done.out)}
    assert (rows["exact_match", "fr"]["value"], rows["exact_match", "fr"]["n"]) == (1.0, 1)
    assert rows["exact_match", "jp"]["value"] == 0.0
    assert 0 < rows["exact_match", "jp"]["high"] < 1
    assert unknown.code == 2


def test_a_part_of_a_suite_is_run_and_scored_without_saying_it_again(
    replay: Callable[..., Done], tunemark: Callable[..., Done], tmp_path: Path
) -> None:
    ran = replay("--limit", 2, "--json")
    folder = json.loads(ran.out)[0]["folder"]

    scored = tunemark("score", folder, "--suite", tmp_path / "suite", "--json")

    assert ran.code == 0, ran.err
    by_metric = {row["metric"]: row for row in json.loads(scored.out)}
    assert by_metric["exact_match"]["n"] == 2
    assert by_metric["exact_match"]["coverage"] == 1.0
    assert by_metric["accuracy"]["n"] == 1


def test_a_study_takes_a_recipe_with_its_data(tmp_path: Path, model_folder: Path) -> None:
    from harness.study import load_study

    (tmp_path / "data").mkdir()
    rows = [{"question": f"{i} + 1?", "answer": f"#### {i + 1}"} for i in range(5)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "data" / "test.jsonl").write_text(text, encoding="utf-8")
    file = tmp_path / "study.yaml"
    file.write_text(
        f"name: s\nmodel: {model_folder}\nprimary: [{{suite: gsm8k, metric: METRIC}}]\n"
        "suites: [{path: gsm8k, data: data, limit: 3}]\n".replace("METRIC", "numeric_match"),
        encoding="utf-8",
    )

    [suite] = load_study(file, tmp_path / "runs").suites

    assert [record.references for record in suite.gold] == [("1",), ("2",), ("3",)]


def test_suites_lists_everything_that_is_shipped(tunemark: Callable[..., Done]) -> None:
    rows = {row["name"]: row for row in json.loads(tunemark("suites", "--json").out)}

    assert rows["retention"]["items"] == 270
    assert rows["cmrc2018"]["data"].startswith("hub, or https://github.com/ymcui")
    assert all(row["license"] for row in rows.values())


@pytest.mark.parametrize(
    "verb",
    [("gold", "stats"), ("gold", "check"), ("gold", "power"), ("check",), ("contamination",)],
    ids=" ".join,
)
def test_verbs_on_gold_sets_take_a_recipes_data(
    tunemark: Callable[..., Done], tmp_path: Path, verb: tuple[str, ...]
) -> None:
    file = tmp_path / "test.jsonl"
    rows = [{"question": f"What is {i} + {i}?", "answer": f"#### {2 * i}"} for i in range(40)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    training = tmp_path / "train.jsonl"
    training.write_text('{"prompt": "Hello?", "completion": "Hi."}\n', encoding="utf-8")
    more = [training] if verb == ("contamination",) else []

    done = tunemark(*verb, "gsm8k", *more, "--data", file)

    assert done.code == 0, done.err
    assert "40" in done.out or verb == ("contamination",)
