"""What can be wrong with one row."""

from __future__ import annotations

from typing import Any

import pytest

from finetune.data.rules import RULES, CleanConfig, order_fault, row_rules
from tests.finetune.data.support import chat, example

CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}],
}
GOOD = (
    chat("What is the capital of Portugal?", "Lisbon."),
    chat("葡萄牙的首都是哪里？", "里斯本。", "人口多少？", "约55万。", system="简短回答。"),
    chat("Print it.", "```html\n<div>a</div>\n```"),
    chat("读音？", "拼音是“ā”意思是呀。"),
    chat("Draw a line.", "--------------------\ntext\n===================="),
    chat("1 < 2 and 3 > 2?", "Yes: a<b, b>c."),
    {
        "messages": [
            {"role": "user", "content": "a"},
            CALL,
            {"role": "tool", "content": "1"},
            {"role": "assistant", "content": "One."},
        ]
    },
)


@pytest.mark.parametrize("fields", GOOD)
@pytest.mark.parametrize("rule", RULES)
def test_good_rows_break_no_rule(rule: Any, fields: dict[str, Any]) -> None:
    assert RULES[rule](example(fields)) is None


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("empty", chat("a", "  \n")),
        ("empty", chat("　", "b")),
        ("empty", {"messages": []}),
        ("roles", chat("a")),
        ("roles", {"messages": [*chat("a")["messages"], *chat("b", "c")["messages"]]}),
        ("roles", {"messages": [{"role": "user", "content": "a"}, CALL]}),
        ("roles", {"messages": [{"role": "assistant", "content": "a"}]}),
        ("echo", chat("What is it?", "what is IT")),
        ("echo", chat("首都是哪里？", "首都是哪里")),
        ("mojibake", chat("a", "itâ€™s broken")),
        ("mojibake", chat("a", "half a \ufffd")),
        ("markup", chat("a", "Hello<|im_end|>")),
        ("markup", chat("a", "See<br/>this")),
        ("markup", chat("a", "fish &amp; chips")),
        ("markup", chat("### 指令：做", "b")),
        ("repeated", chat("a", "no " * 40)),
        ("repeated", chat("笑", "哈" * 30)),
        ("repeated", chat("a", "aaaaaaaaaaaaaaaaaaaa")),
        ("refusals", chat("a", "I'm sorry, but I cannot help with that.")),
        ("refusals", chat("a", "抱歉，我无法回答这个问题。")),
    ],
)
def test_each_rule_finds_its_fault(rule: Any, fields: dict[str, Any]) -> None:
    assert RULES[rule](example(fields))


def test_a_pair_of_equal_answers_is_found() -> None:
    pair = {"prompt": "a", "chosen": "Yes.", "rejected": "yes"}

    assert RULES["equal_pair"](example(pair, "preference")) == "both answers are the same"


def test_the_turn_out_of_order_is_named() -> None:
    twice = {"messages": [*chat("a")["messages"], *chat("b", "c")["messages"]]}

    assert order_fault(example(twice)) == "turn 1 is user's, expected assistant"


def test_both_answers_of_a_pair_must_follow_the_question() -> None:
    pair = {"prompt": [{"role": "system", "content": "s"}], "chosen": "a", "rejected": "b"}

    assert order_fault(example(pair, "preference")) == "turn 0 is assistant's, expected user"


def test_limits_count_chinese_characters_as_words() -> None:
    rules = row_rules(CleanConfig(min_words=3, max_words=8, languages=("zh",)))

    assert rules["too_short"](example(chat("问题是什么", "好的"))) == "an answer of 2 words"
    assert rules["too_short"](example(chat("问题是什么", "好的吧"))) is None
    assert rules["too_long"](example(chat("问题是什么", "回答很长"))) == "9 words"
    assert rules["language"](example(chat("What is the question?", "This."))) == "written in en"
    assert rules["language"](example(chat("问题是什么", "好的"))) is None


def test_every_switch_is_a_rule_or_a_step() -> None:
    off = CleanConfig(**dict.fromkeys(RULES, False), min_words=0)  # pyright: ignore[reportArgumentType]

    assert row_rules(off) == {}
    assert [*row_rules(CleanConfig())] == [
        *(name for name in RULES if name != "refusals"),
        "too_short",
    ]
