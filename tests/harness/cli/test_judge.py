"""`tunemark judge`, and what `score` and `compare` say of judges."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.errors import ConfigError, InputError
from harness.store import RunFolder
from harness.suite import load_suite
from harness.types import Completion

YAML = """\
name: toy
version: "1"
language: en
description: Questions with judges.
tasks:
  qa:
    metrics: [exact_match, {judge: right}, {win_rate: better}]
judges:
  right: {model: ../tiny-model, engine: replay, replay: verdicts.jsonl}
  better: {model: ../tiny-model, engine: replay, replay: verdicts.jsonl, rubric: preference}
"""
GOLD = [
    {"id": f"q{i}", "task": "qa", "input": f"Question {i}?", "references": ["Paris"]}
    for i in range(1, 5)
]
RATINGS = ["Right. [[5]]", "Wrong. [[1]]", "I cannot say.", "Nearly. [[4]]"]


@pytest.fixture
def tunemark(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, echo: object
) -> Callable[..., Result]:
    """Run the command in this process; an error of ours is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False)

    return run


@pytest.fixture
def folder(suite_folder: Callable[..., Path], model_folder: Path) -> Path:
    path = suite_folder(YAML, GOLD)
    (path / "verdicts.jsonl").write_text("", encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path, folder: Path) -> Callable[..., Path]:
    def write(name: str, *texts: str) -> Path:
        suite = load_suite(folder)
        made = RunFolder(path=tmp_path / "runs" / "toy" / f"{name}-0123456789ab")
        made.create({"gold": suite.gold_digest, "template": "t"}, {"configuration": name})
        with made.append_completions() as writer:
            for number, text in enumerate(texts, start=1):
                said = Completion(gold_id=f"q{number}", text=text, finish="stop", prompt_tokens=1)
                writer.write(said.model_dump(mode="json"))
        return made.path

    return write


@pytest.fixture
def reply(tunemark: Callable[..., Result], folder: Path, tmp_path: Path) -> Callable[..., None]:
    """Write the questions, and answer them in order."""

    def answer(texts: list[str], *arguments: object) -> None:
        questions = tmp_path / "questions.jsonl"
        tunemark("judge", *arguments, "--suite", folder, "--prompts", questions)
        ids = [json.loads(line)["id"] for line in questions.read_text().splitlines()]
        rows = [{"id": key, "text": text} for key, text in zip(ids, texts, strict=True)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "verdicts.jsonl").write_text(lines, encoding="utf-8")

    return answer


def test_ratings_are_shown_and_counted(
    tunemark: Callable[..., Result],
    run: Callable[..., Path],
    reply: Callable[..., None],
    folder: Path,
) -> None:
    base = run("base", "Paris", "Rome", "Paris, France", "PARIS")
    reply(RATINGS, base, "--judge", "right")

    done = tunemark("judge", base, "--suite", folder, "--judge", "right", "--json")

    (found,) = json.loads(done.stdout)
    assert (found["n"], found["judged"], found["unclear"]) == (4, 3, 1)
    assert found["value"] == pytest.approx(10 / 3)
    assert found["verdicts"][0] == {
        "id": "q1", "state": "judged", "value": 5.0, "reasons": ["Right."],
    }  # fmt: skip
    assert found["verdicts"][2]["state"] == "unclear"


def test_the_table_says_what_is_unclear(
    tunemark: Callable[..., Result],
    run: Callable[..., Path],
    reply: Callable[..., None],
    folder: Path,
) -> None:
    base = run("base", "Paris", "Rome", "Paris, France", "PARIS")
    reply(RATINGS, base, "--judge", "right")

    done = tunemark("judge", base, "--suite", folder, "--judge", "right")

    assert "mean rating" in done.stdout
    assert "3.333" in done.stdout
    assert "right on base: 1 of 4 have no clear verdict and no score" in done.stderr


def test_pairs_show_flips_and_positions_and_join_the_comparison(
    tunemark: Callable[..., Result],
    run: Callable[..., Path],
    reply: Callable[..., None],
    folder: Path,
) -> None:
    base, tuned = run("base", "a", "b", "c", "d"), run("tuned", "Paris", "Rome", "c", "PARIS")
    pairs = ["[[A]]", "[[B]]", "[[A]]", "[[A]]", "[[C]]", "[[C]]"]  # a win, a flip, a tie
    reply(pairs, tuned, "--judge", "better", "--baseline", base)
    options = ("--suite", folder, "--judge", "better", "--baseline", base)

    done = tunemark("judge", tuned, *options)
    compared = tunemark("compare", base, tuned, "--suite", folder, "--json")

    assert "better on tuned: 1 winners changed with the order and count as ties" in done.stderr
    (found,) = json.loads(tunemark("judge", tuned, *options, "--json").stdout)
    assert (found["wins"], found["ties"], found["losses"]) == (1, 3, 0)
    assert (found["same"], found["flips"], found["first_wins"]) == (1, 1, 0.75)
    rows = {row["metric"]: row for row in json.loads(compared.stdout)["comparisons"]}
    assert rows["win_rate(better)"]["before"]["value"] == 0.5
    assert rows["win_rate(better)"]["after"]["value"] == pytest.approx(0.625)
    assert "judge(right)" not in rows  # nobody has asked that judge


def test_agreement_with_people_is_printed(
    tunemark: Callable[..., Result],
    run: Callable[..., Path],
    reply: Callable[..., None],
    folder: Path,
    tmp_path: Path,
) -> None:
    base = run("base", "Paris", "Rome", "Paris, France", "PARIS")
    reply(RATINGS, base, "--judge", "right")
    people = "".join(
        json.dumps({"id": f"q{i}", "rating": r}) + "\n" for i, r in enumerate((5, 2, 3, 4), start=1)
    )
    (tmp_path / "people.jsonl").write_text(people, encoding="utf-8")

    done = tunemark(
        "judge", base, "--suite", folder, "--judge", "right", "--human", tmp_path / "people.jsonl"
    )

    # scikit-learn 1.9.1: cohen_kappa_score([5, 1, 4], [5, 2, 4], labels=1…5) and quadratic.
    assert (
        "right on base against people: n 3, equal 0.667, kappa 0.571, quadratic kappa 0.927, "
        "Spearman 1.000"
    ) in done.stdout


def test_scoring_says_which_command_asks_the_judges(
    tunemark: Callable[..., Result], run: Callable[..., Path], folder: Path
) -> None:
    base = run("base", "Paris", "Rome")

    done = tunemark("score", base, "--suite", folder, "--json")

    rows = {row["metric"]: row for row in json.loads(done.stdout)}
    assert (rows["judge(right)"]["value"], rows["judge(right)"]["coverage"]) == (None, 0.0)
    assert (
        f"The judges have not answered 2 questions yet: tunemark judge {base} --suite {folder}"
    ) in done.stderr


def test_questions_are_written_for_a_judge_elsewhere(
    tunemark: Callable[..., Result], run: Callable[..., Path], folder: Path, tmp_path: Path
) -> None:
    base = run("base", "Paris", "Rome")

    done = tunemark(
        "judge", base, "--suite", folder, "--judge", "right", "--prompts", tmp_path / "q.jsonl"
    )

    rows = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().splitlines()]
    assert done.stdout == f"{tmp_path / 'q.jsonl'}: 2 questions\n"
    assert [row["id"].split("#")[0] for row in rows] == ["q1", "q2"]
    assert [turn["role"] for turn in rows[0]["messages"]] == ["system", "user"]


def test_questions_that_are_all_answered_cannot_be_written(
    tunemark: Callable[..., Result],
    run: Callable[..., Path],
    reply: Callable[..., None],
    folder: Path,
    tmp_path: Path,
) -> None:
    base = run("base", "Paris")
    reply(RATINGS[:1], base, "--judge", "right")
    options = ("--suite", folder, "--judge", "right")
    tunemark("judge", base, *options)

    with pytest.raises(InputError, match="every answer has been judged"):
        tunemark("judge", base, *options, "--prompts", tmp_path / "none.jsonl")


def test_a_pairwise_judge_without_a_baseline_is_told_what_it_lacks(
    tunemark: Callable[..., Result], run: Callable[..., Path], folder: Path
) -> None:
    with pytest.raises(InputError, match="name the one to compare with, --baseline RUN"):
        tunemark("judge", run("base", "Paris"), "--suite", folder, "--judge", "better")


def test_a_suite_without_judges_is_refused(
    tunemark: Callable[..., Result], run: Callable[..., Path], folder: Path
) -> None:
    base = run("base", "Paris")
    (folder / "suite.yaml").write_text(
        YAML.partition("judges:")[0].replace(", {judge: right}, {win_rate: better}", "")
    )

    with pytest.raises(InputError, match="no `judges:` in this suite"):
        tunemark("judge", base, "--suite", folder)


CODE = """\
name: toy
version: "1"
language: en
description: Questions with a metric in Python.
tasks: {qa: {metrics: [{custom: one.py}]}}
"""


@pytest.mark.parametrize(
    "verb",
    [
        ("check", "suite"),
        ("score", "runs/toy/base-0123456789ab", "--suite", "suite"),
        ("compare", "runs/toy/base-0123456789ab", "runs/toy/base-0123456789ab", "--suite", "suite"),
    ],
    ids=lambda verb: verb[0],
)
def test_python_of_a_suite_is_run_only_when_it_is_trusted(
    tunemark: Callable[..., Result],
    run: Callable[..., Path],
    folder: Path,
    tmp_path: Path,
    verb: tuple[str, ...],
) -> None:
    (folder / "suite.yaml").write_text(CODE, encoding="utf-8")
    code = (
        "from harness.metrics.base import MeanMetric\n"
        "def one(setting):\n"
        "    return MeanMetric(name='one', signature='one@1', score=lambda gold, said: 1.0)\n"
    )
    (folder / "one.py").write_text(code, encoding="utf-8")
    run("base", "Paris")

    trusted = tunemark(*verb, "--trust-code")

    assert trusted.exit_code == 0
    assert "FAULT" not in trusted.stdout
    if verb[0] == "check":
        refused = tunemark(*verb)
        assert refused.exit_code == 2
        assert "--trust-code" in refused.stdout
        return
    with pytest.raises(ConfigError, match="--trust-code"):
        tunemark(*verb)
