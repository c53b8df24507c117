from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import GoldError
from harness.suite import Suite, load_suite

YAML = """\
name: s
version: "1"
language: en
description: d
tasks:
  chat: {{type: multi_turn{}}}
  qa: {{metrics: [bleu]}}
"""


def turns(*texts: str, system: str | None = None) -> list[dict[str, str]]:
    roles = ("user", "assistant") * len(texts)
    said = [{"role": r, "content": t} for r, t in zip(roles, texts, strict=False)]
    return [*([{"role": "system", "content": system}] if system else []), *said]


@pytest.fixture
def chat(suite_folder: Callable[..., Path]) -> Callable[..., Suite]:
    def make(*rows: dict[str, Any], extra: str = "") -> Suite:
        gold = [{"id": f"d{i}", "task": "chat", **row} for i, row in enumerate(rows, start=1)]
        return load_suite(suite_folder(YAML.format(extra), gold))

    return make


def test_a_dialogue_is_one_item_for_every_turn_of_the_assistant(
    chat: Callable[..., Suite],
) -> None:
    row = {"input": turns("a", "b", "c", "d", system="S"), "slices": {"topic": "x"}}

    first, second = chat(row).gold

    assert (first.id, first.references, first.cluster) == ("d1#1", ("b",), "d1")
    assert (second.id, second.references, second.cluster) == ("d1#2", ("d",), "d1")
    assert [t.content for t in first.input if not isinstance(t, str)] == ["S", "a"]
    assert [t.content for t in second.input if not isinstance(t, str)] == ["S", "a", "b", "c"]
    assert second.slices == {"topic": "x", "turn": "2"}


def test_an_open_last_turn_is_measured_against_the_references(chat: Callable[..., Suite]) -> None:
    suite = chat({"input": turns("a", "b", "c"), "references": ["x", "y"]})

    assert [item.references for item in suite.gold] == [("b",), ("x", "y")]


def test_references_replace_the_answer_of_the_last_turn_only(chat: Callable[..., Suite]) -> None:
    suite = chat({"input": turns("a", "b", "c", "d"), "references": ["x"]})

    assert [item.references for item in suite.gold] == [("b",), ("x",)]


def test_a_rows_own_cluster_is_kept(chat: Callable[..., Suite]) -> None:
    suite = chat({"input": turns("a", "b"), "cluster": "note-7"})

    assert suite.gold[0].cluster == "note-7"


def test_only_a_dialogue_on_own_answers_waits_for_earlier_turns(
    chat: Callable[..., Suite],
) -> None:
    row = {"input": turns("a", "b", "c", "d", "e", "f")}

    assert chat(row).earlier == {}
    assert chat(row, extra=", history: own").earlier == {
        "d1#2": ("d1#1",),
        "d1#3": ("d1#1", "d1#2"),
    }


def test_the_kind_of_history_decides_the_identity(chat: Callable[..., Suite]) -> None:
    row = {"input": turns("a", "b", "c", "d")}

    assert chat(row).identity() != chat(row, extra=", history: own").identity()


def test_a_row_that_is_called_like_a_turn_is_refused(suite_folder: Callable[..., Path]) -> None:
    rows = [
        {"id": "d#1", "task": "qa", "input": "?", "references": ["x"]},
        {"id": "d", "task": "chat", "input": turns("a", "b")},
    ]

    with pytest.raises(GoldError, match="id 'd#1' is also that of a dialogue's turn"):
        load_suite(suite_folder(YAML.format(""), rows))


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "assistant first": ({"input": turns("a", "b")[1:]}, "must begin with the user's turn"),
    "system only": ({"input": turns(system="S")}, "must begin with the user's turn"),
    "two answers": ({"input": [*turns("a", "b"), turns("a", "b")[1]]}, "two turns of the assistant"),
    "open end": ({"input": turns("a", "b", "c")}, "no references for the answer to the last turn"),
    "blank answer": ({"input": turns("a", " ")}, "a turn of the assistant is empty"),
    "system last": ({"input": [*turns("a", "b"), *turns(system="S")]}, "must end with a turn of"),
}  # fmt: skip


@pytest.mark.parametrize(("row", "message"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_dialogue_is_refused(
    chat: Callable[..., Suite], row: dict[str, Any], message: str
) -> None:
    with pytest.raises(GoldError, match=message):
        chat(row)
