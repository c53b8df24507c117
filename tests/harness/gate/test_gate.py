"""The gate, on stored runs: three answers, their exit codes, and the files for CI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from junitparser import JUnitXml

from harness.cli import cli
from harness.cli.gate import gate
from harness.errors import ConfigError, InputError, StoreError, UnknownNameError
from harness.gate.decide import decide
from harness.gate.policy import load_policy
from tests.harness.gate.support import POLICY


def call(*arguments: object) -> Any:
    return CliRunner().invoke(gate, [str(a) for a in arguments])


def test_a_candidate_as_good_as_the_baseline_passes(stored: Any, policy: Any) -> None:
    stored("base", range(40))
    result = call(policy(), stored("tuned", range(40)))

    assert result.exit_code == 0, result.output
    assert "Gate release: pass" in result.output


def test_a_candidate_that_got_worse_fails_with_three(stored: Any, policy: Any) -> None:
    stored("base", range(40))

    result = call(policy(), stored("tuned", range(15)))

    assert result.exit_code == 3
    assert "FAIL  toy exact_match no worse" in result.output
    assert "regressed: 0.6667 → 0.25" in result.output


def test_too_few_items_to_tell_give_four(stored: Any, policy: Any) -> None:
    stored("base", range(40))

    result = call(policy(), stored("tuned", range(38)))

    assert result.exit_code == 4
    assert "cannot tell" in result.output
    assert "items would show" in result.output


@pytest.mark.parametrize(("answer", "code"), [("pass", 0), ("fail", 3)])
def test_the_policy_says_what_inconclusive_means(
    stored: Any, policy: Any, answer: str, code: int
) -> None:
    stored("base", range(40))

    result = call(policy(f"{POLICY}inconclusive: {answer}\n"), stored("tuned", range(38)))

    assert result.exit_code == code


def test_an_improvement_that_is_asked_for_must_be_shown(stored: Any, policy: Any) -> None:
    stored("base", range(20))
    file = policy(POLICY.replace("no worse", "improved"))

    assert call(file, stored("same", range(20))).exit_code == 4
    assert call(file, stored("better", range(45))).exit_code == 0
    assert call(file, stored("worse", range(3))).exit_code == 3


def test_missing_answers_fail_the_coverage(stored: Any, policy: Any) -> None:
    stored("base", range(40))

    result = call(policy(), stored("tuned", range(40), n=50))

    assert result.exit_code == 3
    assert "FAIL  toy coverage" in result.output
    assert "83.3%, at least 100.0% asked" in result.output


def test_answers_cut_short_fail_when_the_policy_minds(stored: Any, policy: Any) -> None:
    stored("base", range(40))
    tuned = stored("tuned", range(40), finish="length")

    assert call(policy(), tuned).exit_code == 0
    assert call(policy(f"{POLICY}limits: {{ended_by_itself: 0.9}}\n"), tuned).exit_code == 3


def test_gold_items_in_the_training_data_fail(stored: Any, policy: Any, place: Path) -> None:
    stored("base", range(40))
    rows = '{"instruction": "Question 7?", "output": "right"}\n'
    (place / "train.jsonl").write_text(rows, encoding="utf-8")

    result = call(policy(f"{POLICY}training: [train.jsonl]\n"), stored("tuned", range(40)))

    assert result.exit_code == 3
    assert "such as q7 in" in result.output


def test_candidates_are_told_apart(stored: Any, policy: Any) -> None:
    stored("base", range(40))

    result = call(policy(), stored("good", range(45)), stored("bad", range(10)), "--json")

    decision = json.loads(result.stdout)
    assert decision["candidates"] == {"good": "pass", "bad": "fail"}
    assert (decision["answer"], decision["exit_code"]) == ("fail", 3)


def test_twenty_candidates_cost_power_not_false_alarms(
    stored: Any, policy: Any, place: Path
) -> None:
    stored("base", range(40))
    # Nine items lost and one gained: p = .021 alone; each loses other ones.
    rights = [[j for j in range(40) if (j - 2 * i) % 40 >= 9] + [40 + i] for i in range(20)]
    runs = {f"c{i}": {"toy": _folder(stored(f"c{i}", right))} for i, right in enumerate(rights)}
    loaded = load_policy(policy())

    alone = decide(loaded, {"c0": runs["c0"]}, n_draws=200)
    together = decide(loaded, runs, n_draws=200)

    assert alone.answer_of("c0") == "fail"
    assert together.answer == "inconclusive"


def test_a_gauge_cannot_decide(stored: Any, policy: Any, place: Path) -> None:
    yaml = place / "suite" / "suite.yaml"
    yaml.write_text(yaml.read_text("utf-8").replace("token_f1", "length"), encoding="utf-8")
    stored("base", range(40))
    file = policy(POLICY.replace("exact_match", "length"))

    with pytest.raises(ConfigError, match=r"gate.yaml: primary: 'length' is a gauge"):
        decide(load_policy(file), {"tuned": {"toy": _folder(stored("tuned", range(40)))}})


def test_the_files_for_ci_say_the_same(stored: Any, policy: Any, place: Path) -> None:
    stored("base", range(40))
    files = {name: place / "out" / name for name in ("j.xml", "s.md", "d.json")}

    call(policy(), stored("tuned", range(15)), "--junit", files["j.xml"], "--markdown", files["s.md"],
         "--json-file", files["d.json"])  # fmt: skip

    xml = JUnitXml.fromfile(str(files["j.xml"]))
    assert (xml.tests, xml.failures, xml.errors) == (3, 1, 0)
    assert files["s.md"].read_text(encoding="utf-8").startswith("## ❌ Gate release: fail")
    assert json.loads(files["d.json"].read_text(encoding="utf-8"))["exit_code"] == 3


def test_an_inconclusive_finding_is_an_error_in_junit(
    stored: Any, policy: Any, place: Path
) -> None:
    stored("base", range(40))

    call(policy(), stored("tuned", range(38)), "--junit", place / "j.xml")

    xml = JUnitXml.fromfile(str(place / "j.xml"))
    assert (xml.failures, xml.errors) == (0, 1)


def test_a_pinned_baseline_must_not_change(stored: Any, policy: Any, place: Path) -> None:
    base, tuned, file = stored("base", range(40)), stored("tuned", range(40)), policy()

    assert "not pinned" in call(file, tuned).output
    assert call(file, "--pin").exit_code == 0
    assert "not pinned" not in call(file, tuned).output
    lines = (base / "completions.jsonl").read_text(encoding="utf-8").replace("wrong", "right", 1)
    (base / "completions.jsonl").write_text(lines, encoding="utf-8")

    with pytest.raises(StoreError, match=r"not the baseline that gate.lock.json pins .* --pin"):
        load_policy(file)


FAULTS: dict[str, tuple[str, str, type[Exception], str]] = {
    "unknown suite": ("suite: toy", "suite: toi", UnknownNameError, "unknown suite 'toi'"),
    "unknown metric": ("exact_match", "exact_mach", UnknownNameError, "unknown metric 'exact_mach'"),
    "unknown key": ("require", "requires", ConfigError, ":5: unknown key"),
    "no such run": ("runs/toy/base", "runs/toy/bass", StoreError, "no run here"),
    "no baseline": ("{toy: runs/toy/base}", "{}", ConfigError, ":3: baseline"),
    "a metric twice": ("primary:\n", "primary:\n- {suite: toy, metric: exact_match}\n", ConfigError, "stands twice"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "kind", "message"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_policy_is_refused(
    stored: Any, policy: Any, old: str, new: str, kind: type[Exception], message: str
) -> None:
    stored("base", range(40))

    with pytest.raises(kind, match=message):
        load_policy(policy(POLICY.replace(old, new)))


def test_a_candidate_without_a_run_is_refused(stored: Any, policy: Any) -> None:
    stored("base", range(40))

    with pytest.raises(InputError, match="'tuned' has no run on suite 'toy'"):
        decide(load_policy(policy()), {"tuned": {}})


def test_no_candidate_is_an_error(stored: Any, policy: Any) -> None:
    stored("base", range(40))

    result = CliRunner().invoke(cli, ["gate", str(policy())])

    assert isinstance(result.exception, InputError)


def _folder(path: Path) -> Any:
    from harness.store import RunFolder

    return RunFolder(path=path)
