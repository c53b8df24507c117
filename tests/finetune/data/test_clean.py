"""Cleaning: what goes, why, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.clean import clean_rows, fixed_text
from finetune.data.repeats import near_rows, shared_starts
from finetune.data.rules import CleanConfig
from harness.suite import Suite, SuiteConfig
from harness.tasks import TaskConfig
from harness.types import GoldRecord
from tests.finetune.data.support import chat, example, rows

LONG = "The clinic at Harrow Lane opens at eight in the morning and closes at six in the evening."
SAYINGS = st.sampled_from(
    [
        "Lisbon", "lisbon.", "里斯本", "抱歉，我无法回答这个问题。", "itâ€™s", "a<br>b", "", " ", "哈" * 20,
        LONG, LONG.replace("eight", "nine"), LONG + " Yes.", "Ã©tÃ©", "full\x00", "，：“好”", "ﬁne",
    ]
)  # fmt: skip


def drop_rules(fields: list[dict[str, Any]], config: CleanConfig) -> list[tuple[str, str]]:
    return [(one.row.where, one.rule) for one in clean_rows(rows(fields), config).dropped]


def test_good_rows_pass_as_they_are() -> None:
    fields = [chat("One?", "1"), chat("二？", "2") | {"id": 5}]

    cleaned = clean_rows(rows(fields), CleanConfig())

    assert list(cleaned.kept) == fields
    assert (cleaned.dropped, cleaned.changed) == ((), ())


def test_every_dropped_row_is_listed_with_its_rule_and_line() -> None:
    fields = [
        chat("One?", "1"),
        chat("one?", "1."),
        chat(LONG, "It opens at eight."),
        chat(LONG + "!!", "It opens at eight."),
        chat("Two?", ""),
        chat("Three?", "Sorry, I can't help with that."),
    ]

    dropped = drop_rules(fields, CleanConfig(refusals=True))

    assert dropped == [
        ("rows.jsonl:2", "duplicate"),
        ("rows.jsonl:4", "duplicate"),
        ("rows.jsonl:5", "empty"),
        ("rows.jsonl:6", "refusals"),
    ]


def test_near_duplicates_go_when_question_and_answer_are_alike() -> None:
    fields = [
        chat(LONG + " When does it open?", "At eight o'clock."),
        chat(LONG + " When does it opens?", "At eight o'clock."),
        chat(LONG + " When does it open?", "Never on Sundays, sadly."),
    ]

    assert drop_rules(fields, CleanConfig()) == [("rows.jsonl:2", "near_duplicate")]
    assert drop_rules(fields, CleanConfig(near=None)) == []


def test_short_questions_below_a_long_instruction_are_not_alike() -> None:
    instruction = "Classify the following question of a patient as one of: dose, storage, interaction, other.\n"
    words = ["milk", "tea", "cold", "heat", "sun", "ice", "salt", "oil", "egg", "rye", "oat"]

    assert near_rows([example(chat(instruction + word, "other")) for word in words], 0.8) == []


def test_shared_wording_ends_where_a_sentence_does() -> None:
    start = "Read the note below and then answer the question about it in one single word. "
    texts = [f"{start}Case {i}" for i in range(10)]

    assert shared_starts([*texts, "Another text."]) == [len(start)] * 10 + [0]
    assert shared_starts(texts[:9]) == [0] * 9


def test_damaged_text_is_mended_and_listed() -> None:
    fields = [chat("Why?", "Because itâ€™s so.")]

    cleaned = clean_rows(rows(fields), CleanConfig())

    assert list(cleaned.kept) == [chat("Why?", "Because it’s so.")]
    assert cleaned.changed[0].as_json() == {
        "where": "rows.jsonl:1",
        "before": fields[0],
        "after": chat("Why?", "Because it’s so."),
    }


@pytest.mark.parametrize(
    "text", ["他说：“好，行！”（笑）", "Ａ１", "&lt;b&gt;", "“q”", "ﬁ", "é", "が"]
)
def test_mending_leaves_width_quotes_and_entities(text: str) -> None:
    assert fixed_text(text) == text


def test_unknown_fields_are_never_mended() -> None:
    fields = [chat("a", "b") | {"note": "itâ€™s"}]

    assert list(clean_rows(rows(fields), CleanConfig()).kept) == fields


@given(said=st.lists(st.tuples(SAYINGS, SAYINGS), min_size=1, max_size=14))
def test_cleaning_twice_changes_nothing(said: list[tuple[str, str]]) -> None:
    config = CleanConfig(refusals=True, min_words=1)
    once = clean_rows(rows([chat(*turns) for turns in said]), config)

    twice = clean_rows(rows([dict(fields) for fields in once.kept]), config)

    assert twice.kept == once.kept
    assert (twice.dropped, twice.changed) == ((), ())


@given(said=st.lists(st.tuples(SAYINGS, SAYINGS), min_size=1, max_size=14))
def test_every_row_is_kept_or_listed(said: list[tuple[str, str]]) -> None:
    fields = [chat(*turns) for turns in said]

    cleaned = clean_rows(rows(fields), CleanConfig())

    assert len(cleaned.kept) + len(cleaned.dropped) == len(fields)
    assert len({one.row.where for one in cleaned.dropped}) == len(cleaned.dropped)


def test_rows_of_any_format_stay_in_it() -> None:
    fields = [{"instruction": "a", "input": "", "output": "itâ€™s", "id": 1}]

    assert list(clean_rows(rows(fields, "alpaca"), CleanConfig()).kept) == [
        {"instruction": "a", "input": "", "output": "it’s", "id": 1}
    ]


def test_all_rows_that_gold_items_stand_in_go(gold_suite: Suite) -> None:
    question = gold_suite.gold[0].input
    assert isinstance(question, str)
    fields = [chat("One?", "1"), chat(question, "x"), chat(f"Please tell. {question}", "y")]

    cleaned = clean_rows(rows(fields), CleanConfig(), suites=[gold_suite])

    assert [(one.row.where, one.rule) for one in cleaned.dropped] == [
        ("rows.jsonl:2", "leaked"),
        ("rows.jsonl:3", "leaked"),
    ]


@pytest.fixture
def gold_suite(tmp_path: Any) -> Suite:
    text = "At which temperature must the opened bottles of Quelvadine be kept at Harrow Lane?"
    config = SuiteConfig(
        name="q", version="1", language="en", description="d", tasks={"ask": TaskConfig()}
    )
    gold = (GoldRecord(id="q1", task="ask", input=text, references=("4 °C",)),)
    return Suite(config=config, file=tmp_path / "suite.yaml", gold=gold, gold_digest="d" * 64)
