from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from harness.errors import ConfigError, DataError, GoldError
from harness.suite import Selection, load_suite

YAML = """\
name: made
version: "1"
language: en
description: From public data.
source:
  obtain: https://example.org/data
  parts:
    - task: ask
      files: ["**/rows.jsonl"]
      tables: {level: {files: [levels.json]}, extra: {files: [extra.jsonl], key: "{{ id }}"}}
      where: "{{ split == 'test' }}"
      id: "{{ id }}"
      input: {question: "{{ q }}"}
      references: ["{{ a }}", "{{ extra[id].other }}"]
      slices: {level: "{{ level[id] }}", none: "{{ none }}"}
      cluster: "{{ topic }}"
    - task: choose
      files: ["**/rows.jsonl"]
      where: "{{ split == 'test' }}"
      id: "c-{{ id }}"
      input: "{{ q }}"
      choices: ["{{ a }}", "{{ wrong }}"]
      answer: 0
tasks:
  ask: {prompt: "{{ input.question }}", metrics: [exact_match]}
  choose: {type: multiple_choice, metrics: [accuracy]}
"""
HUB_YAML = """\
name: hub
version: "1"
language: en
description: From a data set.
source:
  parts:
    - hub: {{path: {hub}, split: test}}
      id: "h-{{{{ number }}}}"
      input: "{{{{ q }}}}"
      references: "{{{{ answers.text }}}}"
tasks: {{ask: {{metrics: [exact_match]}}}}
"""
ROWS = [
    {"id": "r1", "split": "test", "q": "2+2?", "a": "4", "wrong": "5", "topic": "sum"},
    {"id": "r2", "split": "train", "q": "3+3?", "a": "6", "wrong": "7", "topic": "sum"},
    {"id": "r3", "split": "test", "q": "4+4?", "a": "8", "wrong": "9", "topic": None},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    write(folder / "deep" / "rows.jsonl", ROWS)
    (folder / "levels.json").write_text('{"r1": "easy", "r3": "hard"}', encoding="utf-8")
    write(folder / "extra.jsonl", [{"id": "r1", "other": "four"}, {"id": "r3", "other": "eight"}])
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Path]:
    def make(*changes: tuple[str, str]) -> Path:
        text = YAML
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "made.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return make


def write(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_rows_become_gold_items_as_the_templates_say(
    recipe: Callable[..., Path], data: Path
) -> None:
    suite = load_suite(recipe(), Selection(data=data))

    asked, second, chosen, _ = suite.gold
    assert [record.id for record in suite.gold] == ["r1", "r3", "c-r1", "c-r3"]
    assert asked.input == {"question": "2+2?"}
    assert asked.references == ("4", "four")
    assert asked.slices == {"level": "easy"}
    assert (asked.cluster, second.cluster) == ("sum", None)
    assert (chosen.choices, chosen.answer) == (("4", "5"), 0)


def test_the_digest_of_what_was_made_follows_the_data(
    recipe: Callable[..., Path], data: Path
) -> None:
    file = recipe()
    before = load_suite(file, Selection(data=data)).gold_digest
    again = load_suite(file, Selection(data=data)).gold_digest
    write(data / "deep" / "rows.jsonl", [{**ROWS[0], "q": "2 + 2?"}, ROWS[2]])
    after = load_suite(file, Selection(data=data)).gold_digest

    assert before == again != after


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"{{ q }}"}', '"{{ question }}"}'),
         r"rows.jsonl:1: input.question: 'question' is undefined; the row has: id, split, q"),
        (("cluster: \"{{ topic }}\"", "cluster: \"{{ topic | search('x') }}\""),
         r"rows.jsonl:1: cluster: nothing in 'sum' matches 'x'"),
        (('id: "{{ id }}"', "id: same"),
         "rows.jsonl:3: id 'same' appears twice"),
        (("answer: 0", 'answer: "{{ topic }}"'),
         "rows.jsonl:1: answer: 'sum' is neither an index"),
        (("answer: 0", "answer: 7"), "rows.jsonl:1: 'c-r1': answer must be an index from 0 to 1"),
        (('"{{ a }}", "{{ extra', '"{{ [[a]] }}", "{{ extra'), "rows.jsonl:1: references.0"),
        (("**/rows.jsonl\"]\n      tables", "nothing.jsonl\"]\n      tables"),
         "none of the files that made.yaml reads is here: nothing.jsonl"),
    ],
)  # fmt: skip
def test_faults_in_data_name_file_row_and_field(
    recipe: Callable[..., Path], data: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(GoldError, match=message):
        load_suite(recipe(change), Selection(data=data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("task: choose", "task: chose"), "`task` must be one of: ask, choose; got 'chose'"),
        (('where: "{{ split', 'where: "split'), "made.yaml:1[0-9]: source.parts.0.where: a condition"),
        (("input: {question", "inputs: {question"), "unknown key 'source.parts.0.inputs'"),
        (('{{ q }}"\n', '{{ q "\n'), "source.parts.1.input: not a valid Jinja template"),
        (('files: ["**/rows.jsonl"]\n      where', "where"), "say where the rows come from"),
    ],
)  # fmt: skip
def test_faults_in_a_source_name_the_line_of_suite_yaml(
    recipe: Callable[..., Path], data: Path, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_suite(recipe(change), Selection(data=data))


def test_without_data_and_hub_the_message_says_where_to_get_it(recipe: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match=r"needs --data FOLDER.*https://example.org/data"):
        load_suite(recipe())


def test_a_suite_with_a_gold_set_refuses_data(suite_folder: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match="brings its own gold set"):
        load_suite(suite_folder(), Selection(data=Path()))


def test_a_single_file_feeds_only_the_parts_that_ask_for_it(
    recipe: Callable[..., Path], data: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    write(other, ROWS)
    file = recipe((
        '    - task: choose\n      files: ["**/rows.jsonl"]',
        '    - task: choose\n      files: ["**/other.jsonl"]',
    ))  # fmt: skip

    suite = load_suite(file, Selection(data=other))

    assert [record.id for record in suite.gold] == ["c-r1", "c-r3"]


def test_a_limit_takes_items_of_every_task_and_a_seed_draws_them(
    suite_folder: Callable[..., Path],
) -> None:
    rows = [
        {"id": f"{task}{i}", "task": task, "input": f"{task} {i}?", "references": ["x"]}
        for task in ("a", "b")
        for i in range(50)
    ]
    yaml = (
        "name: toy\nversion: '1'\nlanguage: en\ndescription: d\n"
        "tasks: {a: {metrics: [exact_match]}, b: {metrics: [exact_match]}}\n"
    )
    folder = suite_folder(yaml, rows)

    first = load_suite(folder, Selection(limit=3))
    drawn = load_suite(folder, Selection(limit=3, limit_seed=1))
    again = load_suite(folder, Selection(limit=3, limit_seed=1))
    other = load_suite(folder, Selection(limit=3, limit_seed=2))

    assert [r.id for r in first.gold] == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert [r.task for r in drawn.gold] == ["a"] * 3 + ["b"] * 3
    assert drawn.gold == again.gold != other.gold
    assert len({s.gold_digest for s in (first, drawn, other)}) == 3


def test_rows_come_from_a_folder_that_datasets_reads(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    hub = tmp_path / "hub-set"
    hub.mkdir()
    write(hub / "test.jsonl", [{"q": "2+2?", "answers": {"text": ["4", "four"]}}])
    file = tmp_path / "hub.yaml"
    file.write_text(HUB_YAML.format(hub=hub), encoding="utf-8")

    suite = load_suite(file)

    assert [(r.id, r.references) for r in suite.gold] == [("h-0", ("4", "four"))]


def test_a_data_set_that_cannot_be_loaded_points_to_data(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    file = tmp_path / "hub.yaml"
    file.write_text(HUB_YAML.format(hub="nobody/nothing"), encoding="utf-8")

    with pytest.raises(DataError, match=r"'nobody/nothing' cannot be loaded.*--data"):
        load_suite(file)


def test_a_recipe_that_is_only_half_on_the_hub_needs_its_files(
    recipe: Callable[..., Path],
) -> None:
    half = ("    - task: choose\n", "    - task: choose\n      hub: {path: x/y, split: test}\n")

    with pytest.raises(ConfigError, match="needs --data FOLDER"):
        load_suite(recipe(half))
