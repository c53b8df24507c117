from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.metrics.labels import Labels, class_labels, labels_of
from harness.types import GoldRecord

ANSWER = Labels(("yes", "no", "maybe"))
LETTERS = Labels(("A", "B", "C", "D"))
NESTED = Labels(("relevant", "not relevant", "C", "C++"))
LAW = Labels(("侵权", "婚姻家庭", "合同纠纷", "侵权责任"))
SIGNS = Labels(("+", "-"))

FOUND = [
    (ANSWER, "Yes.", "yes"),
    (ANSWER, "The answer is NO, certainly.", "no"),
    (ANSWER, "**maybe**", "maybe"),
    (ANSWER, "I know nothing", None),
    (ANSWER, "yes or no", None),
    (ANSWER, "no, no, no", "no"),
    (ANSWER, "", None),
    (ANSWER, "ｙｅｓ", "yes"),
    (LETTERS, "正确答案：C。<eoa>", "C"),
    (LETTERS, "答案是Ｂ", "B"),
    (LETTERS, "a", "A"),
    (LETTERS, "(b)", "B"),
    (LETTERS, "This is a dog, so C", "C"),
    (LETTERS, "A dog, so B", None),
    (LETTERS, "AB", None),
    (LETTERS, "A和B", None),
    (NESTED, "it is not relevant", "not relevant"),
    (NESTED, "Relevant!", "relevant"),
    (NESTED, "irrelevant", None),
    (NESTED, "C++", "C++"),
    (NESTED, "It is written in C++.", "C++"),
    (NESTED, "C++ and C", None),
    (LAW, "[类别]婚姻家庭<eoa>", "婚姻家庭"),
    (LAW, "属于侵权责任", "侵权责任"),
    (LAW, "侵权", "侵权"),
    (LAW, "婚姻家庭或合同纠纷", None),
    (LAW, "其他", None),
    (SIGNS, "+", "+"),
    (SIGNS, "polarity: -", "-"),
]


@pytest.mark.parametrize(("labels", "text", "expected"), FOUND)
def test_the_only_label_that_occurs_is_found(
    labels: Labels, text: str, expected: str | None
) -> None:
    found = labels.find(text)

    assert (None if found is None else labels.names[found]) == expected


SEVERAL = [
    ("first", "Yes. There is no doubt.", "yes"),
    ("last", "Yes? In the end no", "no"),
    ("first", "not relevant, relevant", None),
    ("first", "nothing", None),
    ("last", "no", "no"),
]


@pytest.mark.parametrize(("several", "text", "expected"), SEVERAL)
def test_of_several_labels_the_first_or_the_last_can_count(
    several: str, text: str, expected: str | None
) -> None:
    labels = class_labels(ANSWER.names, several, metric="m")  # pyright: ignore[reportArgumentType]

    found = labels.find(text)

    assert (None if found is None else labels.names[found]) == expected


def test_of_nested_labels_the_first_is_the_longer_one() -> None:
    labels = Labels(NESTED.names, "first")

    assert labels.find("not relevant, or relevant") == 1
    assert labels.find("relevant, or not relevant") == 0


def lawbench(prediction: str, options: list[str]) -> str | None:
    """multi_choice_judge of LawBench's evaluation functions: the only option that occurs."""
    found = [option for option in options if prediction.count(option) > 0]
    return found[0] if len(found) == 1 else None


@pytest.mark.parametrize("task", ["1-2", "3-6", "2-4"])
def test_lawbench_answers_are_read_as_its_own_rule_reads_them(SHARED: Path, task: str) -> None:
    file = SHARED / "data" / "lawbench" / f"zero_shot_{task}.json"
    rows = json.loads(file.read_text(encoding="utf-8"))
    answers = [row["answer"] for row in rows]
    options = sorted(set(answers)) if task == "2-4" else ["A", "B", "C", "D"]
    labels = Labels(tuple(options))
    said = answers + [f"[类别]{text}<eoa>" for text in answers]
    said += [left + "或" + right for left, right in zip(answers, answers[7:], strict=False)]

    for text in said:
        found = labels.find(text)
        assert (None if found is None else options[found]) == lawbench(text, options), text


@given(
    name=st.sampled_from(["是", "yes", "not sure", "B", "C++", "√"]),
    before=st.text(alphabet=" ，。:\n", max_size=4),
    after=st.text(alphabet=" ，。!\n", max_size=4),
)
def test_a_label_with_marks_around_it_is_found(name: str, before: str, after: str) -> None:
    labels = Labels(("是", "yes", "not sure", "B", "C++", "√"))

    found = labels.find(before + name + after)

    assert found is not None
    assert labels.names[found] == name


@given(text=st.text(max_size=40))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert ANSWER.find(text) in {None, 0, 1, 2}


def record(**fields: object) -> GoldRecord:
    return GoldRecord.model_validate({"id": "g", "task": "t", "input": "?", **fields})


def test_the_labels_of_a_gold_set_are_its_references_in_order() -> None:
    rows = [record(references=[name]) for name in ("no", "yes", "no", "maybe")]

    assert labels_of(rows) == ("no", "yes", "maybe")


def test_choices_that_never_change_are_classes() -> None:
    same = [record(choices=["yes", "no"], answer=0), record(choices=["no", "yes"], answer=1)]
    other = [*same, record(choices=["Paris", "Rome"], answer=1)]

    assert labels_of(same) == ("yes", "no")
    assert labels_of(other) == ()


def test_labels_that_differ_only_in_case_are_one() -> None:
    assert class_labels(["Yes", "yes", "no", "ＮＯ"], "abstain", metric="m").names == ("Yes", "no")


def test_free_answers_are_not_taken_for_classes() -> None:
    with pytest.raises(
        ConfigError, match=r"'macro_f1' looks for a class.*301 different.*`labels:`"
    ):
        class_labels([f"answer {i}" for i in range(301)], "abstain", metric="macro_f1")


def test_the_signature_spells_labels_out_while_they_are_few() -> None:
    assert ANSWER.signature == "labels:yes,no,maybe|several:abstain"
    many = Labels(tuple(f"label {i}" for i in range(20)))
    assert many.signature.startswith("labels:20-")
    assert many.signature != Labels(many.names[::-1]).signature
