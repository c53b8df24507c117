"""`tunemark metrics`, and what other verbs say of faulty parameters and missing answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.errors import ConfigError, UnknownNameError
from harness.metrics.extract import STEPS
from harness.registry import METRICS

YAML = """\
name: toy
version: "1"
language: en
description: Sums.
tasks:
  sum:
    metrics: [numeric_match, exact_match, length]
    extract: [{after: "####"}]
"""
GOLD = [
    {"id": f"s{i}", "task": "sum", "input": f"{i} + 1?", "references": [str(i + 1)]}
    for i in range(4)
]
ANSWERS = ["#### 1", "#### 3", "It is 3", ""]
HEAVY = ("torch", "transformers", "vllm", "streamlit", "lm_eval", "evaluate", "datasets")


@pytest.fixture
def tunemark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run the command in this process; an error of ours is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False)

    return run


@pytest.fixture
def replayed(
    tunemark: Callable[..., Result],
    suite_folder: Callable[..., Path],
    model_folder: Path,
    tmp_path: Path,
    echo: object,
) -> Callable[..., Result]:
    """Run the suite of sums on stored answers."""
    folder = suite_folder(YAML, GOLD)

    def run(*more: object, texts: list[str] = ANSWERS) -> Result:
        file = tmp_path / "answers.jsonl"
        rows = [{"id": f"s{i}", "text": text} for i, text in enumerate(texts)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        fixed = ("--model", model_folder, "--engine", "replay", "--replay", file)
        return tunemark("run", folder, *fixed, "--root", tmp_path / "runs", *more)

    return run


def test_all_metrics_and_steps_are_listed(tunemark: Callable[..., Result]) -> None:
    out = tunemark("metrics").output

    assert all(name in out for name in (*METRICS, *STEPS))
    assert "en: exact_match@2|norm:squad1|refs:any" in out
    assert "zh: exact_match@2|norm:zh-nfkc-nopunct|refs:any" in out


def test_one_language_may_be_asked_for(tunemark: Callable[..., Result]) -> None:
    out = tunemark("metrics", "--language", "zh").output

    assert "zh-nfkc-nopunct" in out
    assert "squad1" not in out


def test_a_name_gives_its_parameters(tunemark: Callable[..., Result]) -> None:
    out = tunemark("metrics", "numeric_match").output

    assert "numeric_match@1|find:last|abs:0|rel:0|refs:any" in out
    assert "last | marked | auto | whole" in out
    assert "Largest difference that still counts as equal." in out


def test_a_step_may_be_named_too(tunemark: Callable[..., Result]) -> None:
    out = tunemark("metrics", "choice_letter").output

    assert "several" in out
    assert "Find the letter of the chosen option" in out


def test_the_list_is_there_for_machines(tunemark: Callable[..., Result]) -> None:
    rows = {row["name"]: row for row in json.loads(tunemark("metrics", "--json").output)}

    assert set(rows) == {*METRICS, *STEPS}
    assert (rows["bleu"]["low"], rows["bleu"]["high"], rows["bleu"]["better"]) == (0, 100, "higher")
    assert rows["length"]["high"] is None
    assert rows["numeric_match"]["signatures"]["zh"].startswith("numeric_match@1|")
    assert json.loads(tunemark("metrics", "bleu", "--json").output)["name"] == "bleu"


def test_an_unknown_name_is_refused(tunemark: Callable[..., Result]) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'bleu'"):
        tunemark("metrics", "blue")


@pytest.mark.slow
def test_the_list_loads_no_model_library(tmp_path: Path, ROOT: Path) -> None:
    program = (
        "import sys\n"
        "from harness.cli import cli\n"
        "cli.main(['metrics', '--json'], standalone_mode=False)\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == "[]"


def test_check_tells_a_faulty_parameter(
    tunemark: Callable[..., Result], suite_folder: Callable[..., Path]
) -> None:
    folder = suite_folder(YAML.replace('{after: "####"}', '{regex: "("}'), GOLD)

    done = tunemark("check", folder)

    assert done.exit_code == 2
    assert f"{folder}/suite.yaml:8: task 'sum': extract: step 'regex'" in done.output


def test_a_faulty_parameter_is_told_before_a_model_is_looked_for(
    tunemark: Callable[..., Result], suite_folder: Callable[..., Path]
) -> None:
    folder = suite_folder(YAML.replace("length", "{length: {unit: word}}"), GOLD)

    with pytest.raises(
        ConfigError, match=r"task 'sum': metric length\(unit=word\): .*no parameter"
    ):
        tunemark("run", folder, "--model", "there-is-no-such-model")


def test_answers_that_are_not_found_are_counted_in_the_table(
    replayed: Callable[..., Result],
) -> None:
    out = replayed().stdout

    assert "no answer found" in out
    assert out.count("2 of 4") == 2


def test_a_table_without_missing_answers_has_no_column_for_them(
    replayed: Callable[..., Result],
) -> None:
    out = replayed(texts=["#### 1", "#### 2", "#### 3", "#### 5"]).stdout

    assert "numeric_match" in out
    assert "no answer found" not in out


def test_the_count_is_there_for_machines_and_after_scoring_again(
    replayed: Callable[..., Result],
    tunemark: Callable[..., Result],
    suite_folder: Callable[..., Path],
) -> None:
    rows = json.loads(replayed("--json").stdout)
    suite = suite_folder(YAML, GOLD)

    again = tunemark("score", rows[0]["folder"], "--suite", suite, "--json")
    table = tunemark("score", rows[0]["folder"], "--suite", suite)

    assert {row["metric"]: row["not_extracted"] for row in rows} == {
        "numeric_match": 2, "exact_match": 2, "length": 0,
    }  # fmt: skip
    assert [row["not_extracted"] for row in json.loads(again.stdout)] == [2, 2, 0]
    assert "2 of 4" in table.stdout


def test_a_comparison_says_where_no_answer_was_found(
    replayed: Callable[..., Result],
    tunemark: Callable[..., Result],
    suite_folder: Callable[..., Path],
) -> None:
    before = json.loads(replayed("--json").stdout)[0]["folder"]
    right = ["#### 1", "#### 2", "#### 3", "4"]
    after = json.loads(replayed("--json", "--name", "tuned", texts=right).stdout)[0]["folder"]

    out = tunemark("compare", before, after, "--suite", suite_folder(YAML, GOLD)).stdout

    assert "numeric_match: no answer found: base 2 of 4, tuned 1 of 4 (counted as wrong)" in out
    assert "length: no answer" not in out
