from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import ConfigError, GoldError, InputError, UnknownNameError
from harness.suite import load_suite

SHIPPED = ("clinic-en", "clinic-zh", "retention", "retention-zh")
HEAD = 'name: s\nversion: "1"\nlanguage: en\ndescription: d\n'
GOLD = [{"id": "q", "task": "qa", "input": "?", "references": ["yes"]}]

FAULTS = {
    "unknown key": (HEAD + "tusks: {}\n", ":5: unknown key 'tusks' (did you mean 'tasks'?)"),
    "no tasks": (HEAD + "tasks: {}\n", ":5: tasks: dictionary should have at least 1 item"),
    "missing tasks": (HEAD, ":1: missing key 'tasks'"),
    "unknown language": (HEAD.replace("en", "fr") + "tasks: {qa: {metrics: [bleu]}}\n", ":3: language: input should be 'en' or 'zh', got 'fr'"),
    "name with a slash": (HEAD.replace(": s", ": a/b") + "tasks: {qa: {metrics: [bleu]}}\n", ":1: name: "),
    "version as a number": (HEAD.replace('"1"', "1.0") + "tasks: {qa: {metrics: [bleu]}}\n", ":2: version: input should be a valid string"),
    "unknown task type": (HEAD + "tasks:\n  qa:\n    type: generat\n    metrics: [bleu]\n", ":7: tasks.qa.type: input should be 'generate', 'multiple_choice', 'classification'"),
    "unknown task key": (HEAD + "tasks:\n  qa:\n    metrics: [bleu]\n    max_token: 3\n", ":8: unknown key 'tasks.qa.max_token' (did you mean 'max_tokens'?)"),
    "no metrics": (HEAD + "tasks:\n  qa:\n    metrics: []\n", ":7: tasks.qa.metrics: "),
    "zero tokens": (HEAD + "tasks:\n  qa:\n    metrics: [bleu]\n    max_tokens: 0\n", ":8: tasks.qa.max_tokens: input should be greater than 0, got 0"),
    "broken prompt": (HEAD + "tasks:\n  qa:\n    metrics: [bleu]\n    prompt: '{{ input'\n", ":8: tasks.qa.prompt: not a valid Jinja template"),
    "unknown metric": (HEAD + "tasks:\n  qa:\n    metrics: [blue]\n", ": task qa: unknown metric 'blue' (did you mean 'bleu'?)"),
    "shots without a file": (HEAD + "tasks:\n  qa:\n    metrics: [bleu]\n    shots: 2\n", ": task 'qa' has shots, but no `shots_from` file"),
    "two metrics under one alias": (HEAD + "tasks:\n  qa:\n    metrics: [{bleu: {as: b}}, {chrf: {as: b}}]\n", "two different metrics are called 'b'"),
    "gold outside the file system": (HEAD + 'gold: "a\\0b"\ntasks: {qa: {metrics: [bleu]}}\n', "a\\x00b"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_a_suite_fault_names_its_file_and_line(
    suite_folder: Callable[..., Path], text: str, message: str
) -> None:
    folder = suite_folder(text, GOLD)

    with pytest.raises(InputError) as caught:
        load_suite(folder)

    assert str(caught.value).startswith(str(folder))
    assert message in str(caught.value) or message in repr(str(caught.value))


def test_an_unknown_metric_lists_the_known_ones(suite_folder: Callable[..., Path]) -> None:
    folder = suite_folder(HEAD + "tasks: {qa: {metrics: [meteor]}}\n", GOLD)

    with pytest.raises(UnknownNameError, match="known: acc_norm, accuracy, "):
        load_suite(folder)


def test_a_suite_may_be_named_by_its_folder_or_its_file(suite_folder: Callable[..., Path]) -> None:
    folder = suite_folder()

    assert load_suite(folder) == load_suite(folder / "suite.yaml")


def test_a_folder_without_suite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"suite\.yaml: no such file"):
        load_suite(tmp_path / "nowhere")


SHOTS_YAML = HEAD + "shots_from: shots.jsonl\ntasks:\n  qa:\n    metrics: [bleu]\n    shots: 2\n"
SHOT = '{"id": "s%d", "task": "qa", "input": "?", "references": ["x"]}\n'


def test_the_first_shots_of_the_task_are_taken(suite_folder: Callable[..., Path]) -> None:
    folder = suite_folder(SHOTS_YAML, GOLD)
    (folder / "shots.jsonl").write_text(SHOT % 1 + SHOT % 2 + SHOT % 3, encoding="utf-8")

    suite = load_suite(folder)

    assert [row.id for row in suite.shots(suite.gold[0])] == ["s1", "s2"]


def test_too_few_shots_are_refused(suite_folder: Callable[..., Path]) -> None:
    folder = suite_folder(SHOTS_YAML, GOLD)
    (folder / "shots.jsonl").write_text(SHOT % 1, encoding="utf-8")

    with pytest.raises(ConfigError, match="task 'qa' wants 2 shots, but for 'q' the file has 1"):
        load_suite(folder)


def test_a_shot_that_is_a_gold_item_is_refused(suite_folder: Callable[..., Path]) -> None:
    folder = suite_folder(SHOTS_YAML, GOLD)
    (folder / "shots.jsonl").write_text((SHOT % 1).replace("s1", "q"), encoding="utf-8")

    with pytest.raises(GoldError, match=r"shots\.jsonl:1: shot 'q' is also a gold item"):
        load_suite(folder)


def test_metrics_do_not_change_the_identity_of_a_suite(suite_folder: Callable[..., Path]) -> None:
    one = load_suite(suite_folder(HEAD + "tasks: {qa: {metrics: [bleu]}}\n", GOLD))
    two = load_suite(suite_folder(HEAD + "tasks: {qa: {metrics: [bleu, chrf]}}\n", GOLD))

    assert one.identity() == two.identity()


CHANGES = {
    "prompt": "tasks: {qa: {metrics: [bleu], prompt: 'Q: {{ input }}'}}\n",
    "system": "system: Be brief.\ntasks: {qa: {metrics: [bleu]}}\n",
    "length": "tasks: {qa: {metrics: [bleu], max_tokens: 65}}\n",
    "stop": "tasks: {qa: {metrics: [bleu], stop: [x]}}\n",
}


@pytest.mark.parametrize("tail", CHANGES.values(), ids=CHANGES)
def test_what_decides_a_completion_changes_the_identity(
    suite_folder: Callable[..., Path], tail: str
) -> None:
    before = load_suite(suite_folder(HEAD + "tasks: {qa: {metrics: [bleu]}}\n", GOLD)).identity()

    after = load_suite(suite_folder(HEAD + tail, GOLD)).identity()

    assert after != before


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_suite_is_well_formed(ROOT: Path, name: str) -> None:
    suite = load_suite(ROOT / "suites" / name)

    assert suite.name == name
    assert len(suite.gold) >= 100
    assert {record.task for record in suite.gold} == set(suite.config.tasks)


def test_a_task_without_items_has_no_metrics(suite_folder: Callable[..., Path]) -> None:
    tasks = "tasks: {qa: {metrics: [bleu]}, other: {metrics: [chrf]}}\n"

    assert load_suite(suite_folder(HEAD + tasks, GOLD)).metrics() == ("bleu",)
