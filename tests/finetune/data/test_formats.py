"""Which format a file is in: told from all of its rows, and never guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.files import RawRow
from finetune.data.formats import FORMATS, detect
from harness.errors import DataError
from tests.finetune.data.strategies import TEXT

FILE = Path("rows.jsonl")
TALK = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
GPT = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]

PLAIN: dict[str, dict[str, Any]] = {
    "alpaca": {"instruction": "a", "input": "", "output": "b"},
    "sharegpt": {"conversations": GPT, "system": "s"},
    "messages": {"messages": TALK},
    "prompt_completion": {"prompt": "a", "completion": "b"},
    "preference": {"prompt": "a", "chosen": "b", "rejected": "c"},
    "alpaca_preference": {"instruction": "a", "input": "", "chosen": "b", "rejected": "c"},
    "sharegpt_preference": {"conversations": GPT[:1], "chosen": GPT[1], "rejected": GPT[1]},
    "messages_preference": {"messages": TALK[:1], "chosen": TALK[1], "rejected": TALK[1]},
    "kto": {"prompt": "a", "completion": "b", "label": True},
    "alpaca_kto": {"instruction": "a", "output": "b", "kto_tag": False},
    "sharegpt_kto": {"conversations": GPT, "kto_tag": True},
    "messages_kto": {"messages": TALK, "label": True},
    "text": {"text": "a"},
}


def rows(*fields: dict[str, Any]) -> list[RawRow]:
    return [RawRow(where=f"{FILE}:{i}", fields=one) for i, one in enumerate(fields, start=1)]


def test_every_format_has_a_plain_row() -> None:
    assert PLAIN.keys() == FORMATS.keys()


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_row_is_told_with_unknown_fields_beside_it(name: str) -> None:
    assert detect(rows(PLAIN[name], {**PLAIN[name], "id": 3}), FILE).name == name


@given(value=TEXT | st.integers(), name=st.sampled_from(["alpaca", "messages", "text"]))
def test_any_other_field_changes_nothing(value: object, name: str) -> None:
    assert detect(rows({**PLAIN[name], "meta": value}), FILE).name == name


def test_whole_conversations_may_be_preferred_without_a_prompt() -> None:
    assert detect(rows({"chosen": TALK, "rejected": TALK}), FILE).name == "preference"


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({**PLAIN["alpaca"], "text": "x"}, "alpaca, text"),
        ({**PLAIN["alpaca"], "messages": TALK}, "alpaca, messages"),
        (
            {"prompt": "a", "completion": "b", "chosen": "c", "rejected": "d"},
            "prompt_completion, pref",
        ),
        ({"prompt": "a", "completion": "b", "label": 1}, "prompt_completion, kto"),
        ({"prompt": "a", "completion": "b", "label": "false"}, "prompt_completion, kto"),
        ({"instruction": "a", "output": "b", "kto_tag": 0}, "alpaca, alpaca_kto"),
    ],
)
def test_rows_that_fit_several_formats_are_refused(fields: dict[str, Any], names: str) -> None:
    with pytest.raises(DataError, match=f"fit several formats: {names}.*--format"):
        detect(rows(fields), FILE)


def test_a_label_that_is_neither_true_nor_false_is_only_a_field() -> None:
    fields = {"prompt": "a", "completion": "b", "label": "cardiology"}

    assert detect(rows(fields), FILE).name == "prompt_completion"


def test_one_row_without_a_field_decides() -> None:
    told = detect(rows(PLAIN["kto"], PLAIN["prompt_completion"]), FILE)

    assert told.name == "prompt_completion"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mesages": []}, r"rows\.jsonl:1: the fields mesages fit no format.*'messages'"),
        ({"instruction": "a", "ouput": "b"}, r"did you mean 'output'"),
        ({"question": "a", "answer": "b"}, r"fit no format.*dataset_info\.json"),
        ({}, r"\(none\) fit no format"),
        ({"messages": GPT}, "turns under 'messages' should have 'role' and 'content'"),
        ({"conversations": TALK}, "turns under 'conversations' should have 'from' and 'value'"),
        ({"messages": "hello"}, "fit no format"),
    ],
)
def test_a_row_of_no_format_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        detect(rows(fields), FILE)


def test_a_file_of_two_formats_is_told_where_the_second_begins() -> None:
    mixed = rows(PLAIN["alpaca"], PLAIN["alpaca"], PLAIN["messages"])

    with pytest.raises(DataError, match=r"rows\.jsonl:3: .*as messages, the rows before as alpaca"):
        detect(mixed, FILE)
