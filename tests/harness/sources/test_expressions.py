from __future__ import annotations

import pytest

from harness.sources.expressions import FAULTS, check_condition, check_template, compiled, dialogue


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ a }}", 3),
        ("{{ rows | map(attribute='text') | unique | list }}", ["x", "y"]),
        ("{{ a }} and {{ a }}", "3 and 3"),
        ("n-{{ a }}", "n-3"),
        ("{{ {'x': a}['x'] }}", 3),
        ("{{ text | search('#### *(.+)') }}", "1,234"),
        ("{{ text | sub('^so ') }}", "then #### 1,234"),
        ("{{ 'Answer1: a  Answer2: b' | split('Answer[0-9]:') }}", ["a", "b"]),
        ("{{ ['i', 'j'] | zip_json([{'k': 1, 'n': None}, {}]) }}",
         ['{"id": "i", "kwargs": {"k": 1}}', '{"id": "j", "kwargs": {}}']),
    ],
)  # fmt: skip
def test_a_single_expression_keeps_its_value_and_the_rest_is_text(
    template: str, value: object
) -> None:
    rows = [{"text": "x"}, {"text": "y"}, {"text": "x"}]
    variables = {"a": 3, "rows": rows, "text": "so then #### 1,234"}

    assert compiled(template)(variables) == value


@pytest.mark.parametrize(
    "template",
    ["{{ absent }}", "{{ row.absent }}", "x {{ absent }}", "{{ text | search('[0-9]') }}",
     "{{ row.__class__.__mro__ }}", "{{ 1 / 0 }}"],
)  # fmt: skip
def test_what_does_not_fit_its_row_is_a_fault_and_never_an_empty_text(template: str) -> None:
    with pytest.raises(FAULTS):
        compiled(template)({"row": {}, "text": "none"})


def test_a_template_that_is_not_jinja_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid Jinja template"):
        check_template("{{ a ")


def test_a_condition_must_be_one_expression() -> None:
    with pytest.raises(ValueError, match="a condition is one"):
        check_condition("split == 'test'")


@pytest.mark.parametrize(
    ("turns", "arguments"),
    [
        (["a", "b", "c"], {}),
        ([{"user": "a", "bot": "b"}, {"user": "c"}], {"user": "user", "assistant": "bot"}),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
          {"role": "user", "content": "c"}], {}),
        ([{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"},
          {"from": "human", "value": "c"}], {}),
    ],
)  # fmt: skip
def test_dialogues_of_all_layouts_become_messages(
    turns: list[object], arguments: dict[str, str]
) -> None:
    messages = dialogue(turns, **arguments)

    assert [m["role"] for m in messages] == ["user", "assistant", "user"]
    assert [m["content"] for m in messages] == ["a", "b", "c"]


def test_user_turns_with_some_answers_leave_the_others_empty() -> None:
    messages = dialogue(["a", "c"], answers=["b"])

    assert [m["content"] for m in messages] == ["a", "b", "c", ""]


def test_an_unknown_speaker_is_named() -> None:
    with pytest.raises(ValueError, match="unknown speaker 'narrator'"):
        dialogue([{"role": "narrator", "content": "once"}])


def test_a_lone_backslash_is_refused_with_its_mend() -> None:
    with pytest.raises(ValueError, match="write a backslash twice"):
        check_template(r"{{ text | search('\s') }}")
