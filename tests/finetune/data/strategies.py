"""Rows of every format, as people write them: with gaps, other spellings and fields of their own."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.sampled_from("ab 好的。\n\n\n\t\"\\{}[],:'😀是\u20280"), max_size=12)
SAID = TEXT.filter(str.strip)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
UNKNOWN = st.dictionaries(
    st.sampled_from(["id", "task", "category", "extra", "meta", "备注"]), JSON, max_size=3
)
"""Fields that no format knows."""
ELSEWHERE = st.dictionaries(
    st.sampled_from(["text", "label", "kto_tag", "prompt", "query", "from", "tools2"]),
    JSON,
    max_size=2,
)
"""Fields that mean something in other formats."""


def with_some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Rows with all of the first fields and any of the second, and unknown ones."""
    fixed = st.fixed_dictionaries(required, optional=optional)
    return st.builds(lambda row, more, own: {**own, **more, **row}, fixed, ELSEWHERE, UNKNOWN)


def turns(roles: tuple[str, str, str], keys: tuple[str, str]) -> st.SearchStrategy[Any]:
    """Whole conversations: perhaps a system turn, then questions and answers."""
    system, user, assistant = roles
    role, content = keys

    def listed(head: str | None, pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
        start = [] if head is None else [{role: system, content: head}]
        return [
            *start,
            *(
                turn
                for question, answer in pairs
                for turn in ({role: user, content: question}, {role: assistant, content: answer})
            ),
        ]

    pairs = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3)
    return st.builds(listed, st.none() | TEXT, pairs)


OPENAI = turns(("system", "user", "assistant"), ("role", "content"))
SHAREGPT = turns(("system", "human", "gpt"), ("from", "value"))
HISTORY = st.lists(st.tuples(TEXT, TEXT).map(list), max_size=2)
ANSWER = st.fixed_dictionaries({"role": st.just("assistant"), "content": TEXT})
GPT = st.fixed_dictionaries({"from": st.just("gpt"), "value": TEXT})
ASKED = {"input": TEXT, "history": HISTORY, "system": TEXT | st.none()}

ROWS: dict[str, st.SearchStrategy[Any]] = {
    "alpaca": with_some({"instruction": TEXT, "output": TEXT}, ASKED),
    "sharegpt": with_some({"conversations": SHAREGPT}, {"system": SAID}),
    "messages": with_some({"messages": OPENAI}, {}),
    "prompt_completion": with_some({"prompt": TEXT, "completion": TEXT}, {})
    | with_some(
        {"prompt": OPENAI.map(lambda found: found[:-1]), "completion": ANSWER.map(lambda a: [a])},
        {},
    ),
    "preference": with_some({"prompt": TEXT, "chosen": TEXT, "rejected": TEXT}, {})
    | with_some(
        {
            "prompt": OPENAI.map(lambda found: found[:-1]),
            "chosen": st.lists(ANSWER, min_size=1, max_size=1),
            "rejected": st.lists(ANSWER, min_size=1, max_size=1),
        },
        {},
    ),
    "alpaca_preference": with_some({"instruction": TEXT, "chosen": TEXT, "rejected": TEXT}, ASKED),
    "sharegpt_preference": with_some(
        {"conversations": SHAREGPT.map(lambda found: found[:-1]), "chosen": GPT, "rejected": GPT},
        {},
    ),
    "messages_preference": with_some(
        {"messages": OPENAI.map(lambda found: found[:-1]), "chosen": ANSWER, "rejected": ANSWER}, {}
    ),
    "kto": with_some({"prompt": TEXT, "completion": TEXT, "label": st.booleans()}, {}),
    "alpaca_kto": with_some({"instruction": TEXT, "output": TEXT, "kto_tag": st.booleans()}, ASKED),
    "sharegpt_kto": with_some({"conversations": SHAREGPT, "kto_tag": st.booleans()}, {}),
    "messages_kto": with_some({"messages": OPENAI, "label": st.booleans()}, {}),
    "text": with_some({"text": TEXT}, {}),
}
"""Rows by the name of their format."""
