"""Conversions keep everything: there and back is where one was."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from finetune.data.convert import convert_row
from finetune.data.examples import meaning
from finetune.data.files import RawRow
from finetune.data.formats import FORMATS
from finetune.data.layouts import read_example
from harness.errors import DataError
from tests.finetune.data.strategies import ROWS

PAIRS = [(a, b) for a, b in permutations(FORMATS, 2) if FORMATS[a].kind == FORMATS[b].kind]


def as_json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def convert(row: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    raw = RawRow(where="rows.jsonl:1", fields=row)
    return convert_row(raw, FORMATS[source], FORMATS[target])


def convert_if_possible(row: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    """Convert; a row that the target refuses is another example's matter, and must be rare."""
    try:
        return convert(row, source, target)
    except DataError as error:
        assert "cannot hold" in str(error)
        assume(False)
        raise


def said(row: dict[str, Any], form: str) -> str:
    return meaning(read_example(RawRow(where="rows.jsonl:1", fields=row), FORMATS[form]))


@pytest.mark.parametrize(("source", "target"), PAIRS)
@given(data=st.data())
def test_there_and_back_is_the_row_as_it_was(source: str, target: str, data: st.DataObject) -> None:
    row = data.draw(ROWS[source])

    there = convert_if_possible(row, source, target)

    assert said(there, target) == said(row, source)
    assert as_json(convert(there, target, source)) == as_json(row)


CALL = {"type": "function", "function": {"name": "dose", "arguments": '{"drug": "Quelvadine"}'}}
CALLING = {
    "messages": [
        {"role": "user", "content": "How much Quelvadine?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", **CALL}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "two tablets"},
        {"role": "assistant", "content": "Two tablets."},
    ],
    "tools": [{"type": "function", "function": {"name": "dose"}}],
}


def test_tool_calls_become_sharegpts_and_come_back_whole() -> None:
    there = convert(CALLING, "messages", "sharegpt")

    assert [(turn["from"], turn["value"]) for turn in there["conversations"][:3]] == [
        ("human", "How much Quelvadine?"),
        ("function_call", '{"name": "dose", "arguments": {"drug": "Quelvadine"}}'),
        ("observation", "two tablets"),
    ]
    assert convert(there, "sharegpt", "messages") == CALLING


@pytest.mark.parametrize("target", ["alpaca"])
def test_tool_calls_are_refused_where_they_would_be_lost(target: str) -> None:
    with pytest.raises(DataError, match=r"rows\.jsonl:1: alpaca cannot hold tools"):
        convert(CALLING, "messages", target)


def test_instruction_and_input_are_one_turn_cut_at_the_blank_line() -> None:
    row = {"instruction": "概括。", "input": "胸痛三天。", "output": "胸痛。", "id": 7}

    there = convert(row, "alpaca", "messages")

    assert there == {
        "messages": [
            {"role": "user", "content": "概括。\n\n胸痛三天。"},
            {"role": "assistant", "content": "胸痛。"},
        ],
        "id": 7,
    }


def test_a_text_corrected_in_between_is_not_turned_back() -> None:
    row = {"instruction": "a\n\nb", "input": "c", "output": "teh answer"}
    there = convert(row, "alpaca", "messages")
    there["messages"][1]["content"] = "the answer"

    back = convert(there, "messages", "alpaca")

    assert back["output"] == "the answer"
    assert said(back, "alpaca") == said(there, "messages")


def test_a_way_over_three_formats_leads_back_too() -> None:
    row = {"instruction": "a\n\nb", "input": "c", "output": "d", "text": "own", "extra": [1]}

    there = convert(convert(row, "alpaca", "sharegpt"), "sharegpt", "prompt_completion")

    assert convert(convert(there, "prompt_completion", "sharegpt"), "sharegpt", "alpaca") == row
    assert convert(there, "prompt_completion", "alpaca") == row


@pytest.mark.parametrize(
    ("source", "target"), [("preference", "messages"), ("messages", "kto"), ("text", "alpaca")]
)
def test_other_kinds_of_rows_are_refused(source: str, target: str) -> None:
    rows = {"preference": {"prompt": "a", "chosen": "b", "rejected": "c"}, "text": {"text": "a"}}

    with pytest.raises(DataError, match=f"{target} cannot hold"):
        convert(rows.get(source, CALLING), source, target)


@pytest.mark.parametrize(
    ("row", "form", "message"),
    [
        ({"messages": [{"role": "user"}]}, "messages", r"messages\[0\]: missing key 'content'"),
        ({"messages": [{"content": "a"}]}, "messages", r"messages\[0\]: missing key 'role'"),
        ({"messages": [5]}, "messages", r"messages\[0\]: expected .*got 5"),
        (
            {"messages": [{"role": "boss", "content": "a"}]},
            "messages",
            r"messages\[0\]\.role: unknown role 'boss'; known: user, assistant",
        ),
        (
            {"messages": [{"role": "user", "content": 5}]},
            "messages",
            r"messages\[0\]\.content: expected text, got 5",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages",
            r"messages\[0\]\.content: only text can be learnt from",
        ),
        (
            {"conversations": [{"from": "function_call", "value": "run!"}]},
            "sharegpt",
            r"conversations\[0\]\.value: expected .*name.*arguments",
        ),
        ({"instruction": "a", "output": 5}, "alpaca", "output: expected text, got 5"),
        (
            {"instruction": "a", "output": "b", "history": [["q"]]},
            "alpaca",
            r"history\[0\]: expected \[question, answer\]",
        ),
        ({"instruction": "a"}, "alpaca", "missing field 'output'"),
        (
            {"prompt": "a", "completion": "b", "label": "maybe"},
            "kto",
            "label: expected true or false, got 'maybe'",
        ),
        ({"chosen": "a", "rejected": "b"}, "preference", "missing field 'prompt'"),
    ],
)
def test_a_fault_is_told_with_file_line_and_field(
    row: dict[str, Any], form: str, message: str
) -> None:
    with pytest.raises(DataError, match=rf"rows\.jsonl:1: {message}"):
        said(row, form)


def test_an_answer_that_repeats_the_prompt_is_cut_to_the_answer() -> None:
    whole = {
        "prompt": "a",
        "chosen": [*user("a"), *answer("b")],
        "rejected": [*user("a"), *answer("c")],
    }
    implicit = {"chosen": whole["chosen"], "rejected": whole["rejected"]}

    plain = said({"prompt": "a", "chosen": "b", "rejected": "c"}, "preference")

    assert said(whole, "preference") == plain
    assert said(implicit, "preference") == plain


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
