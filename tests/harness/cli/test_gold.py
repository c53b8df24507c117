from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.gold import GOLD_VERBS
from harness.registry import load_object
from tests.harness.cli.support import Done

Tunemark = Callable[..., Done]
TWICE = [
    {"id": "q1", "task": "qa", "input": "Capital of Peru?", "references": ["Lima"]},
    {"id": "q2", "task": "qa", "input": "capital of Peru", "references": ["Cusco"]},
]
STRAY = [{"id": "q1", "task": "qa", "input": "Capital of Peru?", "references": ["Lima "]}]


@pytest.mark.parametrize("verb", GOLD_VERBS)
def test_the_one_line_help_is_what_the_verb_itself_offers(tunemark: Tunemark, verb: str) -> None:
    done = tunemark("gold", verb, "--help")

    assert done.code == 0
    assert f"tunemark gold {verb}" in done.out
    assert load_object(GOLD_VERBS[verb][0]).name == verb


def test_a_misspelt_verb_is_offered_the_nearest(tunemark: Tunemark) -> None:
    done = tunemark("gold", "chekc")

    assert done.code == 2
    assert "did you mean 'check'" in done.err
    assert "tunemark gold --help" in done.err


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_new_suite_is_accepted_at_once(tunemark: Tunemark, tmp_path: Path, language: str) -> None:
    folder = tmp_path / "mine"

    made = tunemark(
        "gold", "new", folder, "--language", language, "--task", "qa", "--task", "dialogue"
    )

    assert made.code == 0
    assert tunemark("check", folder).code == 0
    assert tunemark("gold", "check", folder).code == 0
    assert tunemark("gold", "check", folder, "--strict").code == 2


def test_an_error_ends_both_checks_with_its_lines(tunemark: Tunemark, suite_folder: Any) -> None:
    folder = suite_folder(gold=TWICE)

    whole, quick = tunemark("gold", "check", folder), tunemark("check", folder)

    assert (whole.code, quick.code) == (2, 2)
    assert "contradiction" in whole.out
    assert "q1 (line 1) = q2 (line 2)" in whole.out
    assert "q1 (line 1) = q2 (line 2)" in quick.out


def test_a_warning_fails_only_strictly(tunemark: Tunemark, suite_folder: Any) -> None:
    folder = suite_folder(gold=STRAY)

    assert tunemark("gold", "check", folder).code == 0
    assert tunemark("gold", "check", folder, "--strict").code == 2
    assert tunemark("check", folder).code == 0


def test_findings_are_there_for_machines(tunemark: Tunemark, suite_folder: Any) -> None:
    done = tunemark("gold", "check", suite_folder(gold=TWICE), "--json")

    found = json.loads(done.out)
    assert found["counts"]["error"] == 1
    assert found["findings"][0]["kind"] == "contradiction"
    assert found["findings"][0]["items"] == [[{"id": "q1", "line": 1}, {"id": "q2", "line": 2}]]


def test_a_check_against_logs_says_what_users_ask(
    tunemark: Tunemark, suite_folder: Any, tmp_path: Path
) -> None:
    logs = tmp_path / "logs.jsonl"
    logs.write_text(5 * '{"question": "几点开门？"}\n', encoding="utf-8")

    done = tunemark("gold", "check", suite_folder(gold=STRAY), "--logs", logs, "--json")

    kinds = {finding["kind"] for finding in json.loads(done.out)["findings"]}
    assert {"logs_language", "logs_frequent"} <= kinds


def test_a_lock_is_kept_honest(tunemark: Tunemark, suite_folder: Any) -> None:
    folder = suite_folder()

    first = tunemark("gold", "lock", folder, "-m", "first")
    rows = (folder / "gold.jsonl").read_text(encoding="utf-8").replace("Lima", "Cusco")
    (folder / "gold.jsonl").write_text(rows, encoding="utf-8")
    refused = tunemark("gold", "lock", folder, "-m", "mended")
    checked = tunemark("gold", "check", folder)
    yaml = (
        (folder / "suite.yaml").read_text(encoding="utf-8").replace('version: "1"', 'version: "2"')
    )
    (folder / "suite.yaml").write_text(yaml, encoding="utf-8")
    second = tunemark("gold", "lock", folder, "-m", "mended", "--json")

    assert (first.code, refused.code, second.code) == (0, 2, 0)
    assert "1 changed (q3); raise `version` in suite.yaml" in refused.err
    assert "changed_since_lock" in checked.out
    assert json.loads(second.out)["changed"] == ["q3"]


def test_a_sample_is_drawn_said_aloud_and_never_overwritten(
    tunemark: Tunemark, tmp_path: Path
) -> None:
    logs, out = tmp_path / "logs.csv", tmp_path / "candidates.jsonl"
    rows = "".join(f"kind{i % 2},{chr(97 + i) * 9} or {chr(117 - i) * 9}?\n" for i in range(20))
    logs.write_text(
        "类型,question\n" + rows + "kind0,Mail jo@example.org\nkind0,\n", encoding="utf-8"
    )

    done = tunemark("gold", "sample", logs, "--out", out, "-n", "21", "--json")
    again = tunemark("gold", "sample", logs, "--out", out)

    told = json.loads(done.out)
    drawn = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert "input = 'question' (guessed)" in done.err
    assert "1 rows have no input text" in done.err
    assert told["n_drawn"] == len(drawn) == 21
    assert told["flags"] == {"email": 1}
    assert {row["task"] for row in drawn} == {"kind0", "kind1"}
    assert again.code == 2
    assert "exists already" in again.err


def test_power_is_told_for_each_metric(tunemark: Tunemark, suite_folder: Any) -> None:
    done = tunemark("gold", "power", suite_folder(), "--effect", "0.1", "--json")

    plans = {plan["metric"]: plan for plan in json.loads(done.out)["metrics"]}
    assert set(plans) == {"exact_match", "token_f1", "accuracy", "acc_norm"}
    assert plans["exact_match"]["method"] == "exact McNemar"
    assert plans["exact_match"]["items_needed"] == 207
    assert plans["exact_match"]["minimum_detectable_effect"] is None


def test_power_is_measured_on_stored_runs(
    tunemark: Tunemark, suite_folder: Any, tmp_path: Path, model_folder: Path, echo: Any
) -> None:
    folder, runs = suite_folder(), list[str]()
    for name, texts in (("a", "Paris Kyoto Lima"), ("b", "Rome Tokyo Lima")):
        file = tmp_path / f"{name}.jsonl"
        answers = [{"id": f"q{i}", "text": text} for i, text in enumerate(texts.split(), start=1)]
        choice = {"id": "p1", "choice_logprobs": [-1.0, -2.0]}
        file.write_text("".join(json.dumps(r) + "\n" for r in [*answers, choice]), encoding="utf-8")
        done = tunemark(
            "run", folder, "--model", model_folder, "--engine", "replay", "--replay", file,
            "--name", name, "--root", tmp_path / "runs", "--json",
        )  # fmt: skip
        runs.append(json.loads(done.out)[0]["folder"])

    done = tunemark("gold", "power", folder, "--baseline", runs[0], "--other", runs[1], "--json")

    plans = {plan["metric"]: plan for plan in json.loads(done.out)["metrics"]}
    assert plans["exact_match"]["discordance"] == pytest.approx(2 / 3)
    assert "measured" in plans["exact_match"]["basis"]


def test_a_second_run_needs_a_first(tunemark: Tunemark, suite_folder: Any, tmp_path: Path) -> None:
    done = tunemark("gold", "power", suite_folder(), "--other", tmp_path)

    assert done.code == 2
    assert "--baseline" in done.err


def test_statistics_are_a_table_and_json(tunemark: Tunemark, suite_folder: Any) -> None:
    table, machine = (tunemark("gold", "stats", suite_folder(), *o) for o in ((), ("--json",)))

    assert "toy 1" in table.out
    assert json.loads(machine.out)["n_items"] == 4
