from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import GoldError
from harness.gold import gold_digest, load_gold
from harness.tasks import TaskConfig

TASKS = {
    "qa": TaskConfig(),
    "pick": TaskConfig(type="multiple_choice"),
}
GOOD = {"id": "a", "task": "qa", "input": "?", "references": ["yes"]}
CHOICE = {"id": "a", "task": "pick", "input": "?", "choices": ["x", "y"], "answer": 1}

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": (GOOD | {"refrences": ["x"]}, "unknown key 'refrences' (did you mean 'references'?)"),
    "unknown key like a union label": (GOOD | {"a[b]": 1}, "unknown key 'a[b]'"),
    "missing id": ({k: v for k, v in GOOD.items() if k != "id"}, "missing key 'id'"),
    "missing task": ({k: v for k, v in GOOD.items() if k != "task"}, "missing key 'task'"),
    "missing input": ({k: v for k, v in GOOD.items() if k != "input"}, "missing key 'input'"),
    "number as id": (GOOD | {"id": 7}, "id: input should be a valid string, got 7"),
    "number as input": (GOOD | {"input": 7}, "input: input should be"),
    "references as text": (GOOD | {"references": "yes"}, "references: input should be a valid tuple"),
    "number as reference": (GOOD | {"references": [3]}, "references.0: input should be a valid string"),
    "unknown task": (GOOD | {"task": "qq"}, "'a': unknown task 'qq'"),
    "task with a typo": (GOOD | {"task": "pik"}, "(did you mean 'pick'?); suite.yaml has: qa, pick"),
    "no references": (GOOD | {"references": []}, "no references; give at least one right answer"),
    "blank reference": (GOOD | {"references": ["yes", "  "]}, "a reference is empty"),
    "empty input": (GOOD | {"input": " \n"}, "the input is empty"),
    "empty fields": (GOOD | {"input": {}}, "the input is empty"),
    "empty conversation": (GOOD | {"input": []}, "the input is empty"),
    "unknown role": (GOOD | {"input": [{"role": "bot", "content": "x"}]}, "role"),
    "conversation that ends with the assistant": (
        GOOD | {"input": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        "a conversation must end with the user's turn",
    ),
    "choices in a generate task": (GOOD | {"choices": ["x", "y"]}, "choices belong to multiple_choice"),
    "answer in a generate task": (GOOD | {"answer": 0}, "choices belong to multiple_choice"),
    "one choice": (CHOICE | {"choices": ["x"]}, "at least two choices"),
    "equal choices": (CHOICE | {"choices": ["x", "x"]}, "two choices are equal"),
    "blank choice": (CHOICE | {"choices": ["x", " "]}, "a choice is empty"),
    "answer above the last": (CHOICE | {"answer": 2}, "an index from 0 to 1, got 2"),
    "answer below zero": (CHOICE | {"answer": -1}, "an index from 0 to 1, got -1"),
    "no answer": (CHOICE | {"answer": None}, "an index from 0 to 1, got None"),
    "answer as text": (CHOICE | {"answer": "x"}, "answer: input should be a valid integer"),
    "slice that is not text": (GOOD | {"slices": {"n": 1}}, "slices.n: input should be a valid string"),
    "half a surrogate": (GOOD | {"input": "\ud800"}, "surrogates not allowed"),
}  # fmt: skip


@pytest.fixture
def gold_file(tmp_path: Path) -> Callable[[Sequence[Mapping[str, object]]], Path]:
    def write(rows: Sequence[Mapping[str, object]]) -> Path:
        file = tmp_path / "gold.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return file

    return write


@pytest.mark.parametrize(("row", "message"), FAULTS.values(), ids=FAULTS)
def test_a_gold_fault_names_its_file_and_line(
    gold_file: Callable[..., Path], row: dict[str, Any], message: str
) -> None:
    file = gold_file([GOOD | {"id": "first"}, row])

    with pytest.raises(GoldError) as caught:
        load_gold(file, TASKS, "en")

    assert str(caught.value).startswith(f"{file}:2: ")
    assert message in str(caught.value)


def test_a_repeated_id_names_both_lines(gold_file: Callable[..., Path]) -> None:
    file = gold_file([GOOD, GOOD | {"id": "b"}, GOOD])

    with pytest.raises(GoldError, match=r"jsonl:3: id 'a' appears twice \(first on line 1\)"):
        load_gold(file, TASKS, "en")


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"], ids=["empty", "blank", "mark only"])
def test_a_gold_file_without_items_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "gold.jsonl"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(GoldError, match="no gold items in this file"):
        load_gold(file, TASKS, "en")


def test_a_missing_gold_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match="no such file"):
        load_gold(tmp_path / "gold.jsonl", TASKS, "en")


def test_gold_keeps_the_order_of_the_file(gold_file: Callable[..., Path]) -> None:
    file = gold_file([GOOD | {"id": name} for name in ("c", "a", "b")])

    assert [record.id for record in load_gold(file, TASKS, "en")] == ["c", "a", "b"]


def test_the_gold_digest_does_not_depend_on_the_order_of_lines(
    gold_file: Callable[..., Path],
) -> None:
    rows = [GOOD | {"id": name} for name in ("c", "a", "b")]

    forward = gold_digest(load_gold(gold_file(rows), TASKS, "en"))
    backward = gold_digest(load_gold(gold_file(rows[::-1]), TASKS, "en"))

    assert forward == backward


CHANGES: dict[str, dict[str, Any]] = {
    "input": {"input": "!"},
    "references": {"references": ["no"]},
    "order of references": {"references": ["b", "yes"]},
    "slices": {"slices": {"topic": "x"}},
    "cluster": {"cluster": "c"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_gold_digest_changes_with_every_field(
    gold_file: Callable[..., Path], change: dict[str, Any]
) -> None:
    before = gold_digest(load_gold(gold_file([GOOD]), TASKS, "en"))

    after = gold_digest(load_gold(gold_file([GOOD | change]), TASKS, "en"))

    assert after != before
