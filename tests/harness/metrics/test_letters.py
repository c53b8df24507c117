"""Which option an answer chooses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.extract import build_pipeline
from harness.types import GoldRecord

FOUND = [
    ("The answer is (B)", "B"),
    ("The answer is B.", "B"),
    ("**Answer:** C", "C"),
    ("Answer:\nC", "C"),
    ("Answer: b)", "B"),
    ("The correct option is C because A is wrong.", "C"),
    ("The best answer is option (E).", "E"),
    ("The answer is A because it fits", "A"),
    ("The answer is not A. The answer is B", "B"),
    ("First I thought the answer is A, but the answer is D.", "D"),
    ("I would choose C", "C"),
    ("Option B is right.", "B"),
    ("I think it is Paris, so B.", "B"),
    ("答案：B", "B"),
    ("答案是：选项B", "B"),
    ("【答案】C", "C"),
    ("答案为C", "C"),
    ("正确答案是 A。", "A"),
    ("故选：Ｄ。", "D"),
    ("选B", "B"),
    ("因此，本题选A。", "A"),
    ("我认为选项A不对，选C", "C"),
    ("答案选择B项", "B"),
    ("B", "B"),
    ("b", "B"),
    ("(C)", "C"),
    ("B. Paris", "B"),
    ("A: Paris", "A"),
    ("D、因为", "D"),
    ("**B**", "B"),
    (r"\boxed{B}", "B"),
    (r"Therefore $\boxed{\text{(D)}}$", "D"),
    ("A) is wrong.\nB) is right.\n\nB", "B"),
    ("It must be (B), as seen.", "B"),
    ("", None),
    ("Paris", None),
    ("I don't know", None),
    ("A dog barks", None),
    ("answer: a bit of salt", None),
    ("The answer is: A dog", None),
    ("The answer is A or B", None),
    ("答案：A、C", None),
    ("Both A and B are wrong; it is C", None),
    ("A. Paris\nB. Rome\nC. Oslo\nThe answer is Rome", None),
    ("选择题", None),
    ("The answer is because of it.", None),
]


@pytest.mark.parametrize(("text", "letter"), FOUND)
def test_the_chosen_letter_is_read_as_a_person_would(text: str, letter: str | None) -> None:
    assert build_pipeline(["choice_letter"], "en").apply(text) == letter


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("答案：A、C", "AC"),
        ("正确答案:ABD", "ABD"),
        ("选 B 和 D", "BD"),
        ("[正确答案]AC<eoa>", "AC"),
        ("The answer is C and A.", "AC"),
        ("BCD。", "BCD"),
        ("D", "D"),
    ],
)
def test_several_letters_are_joined_in_order(text: str, letters: str) -> None:
    step = {"choice_letter": {"several": True, "letters": "A-D"}}

    assert build_pipeline([step], "zh").apply(text) == letters


def test_letters_beyond_the_items_choices_are_no_answer() -> None:
    gold = GoldRecord(id="q", task="t", input="?", choices=("Paris", "Rome"), answer=0)
    pipeline = build_pipeline(["choice_letter"], "en")

    assert pipeline.apply("The answer is C.", gold) is None
    assert pipeline.apply("C is not offered, so B.", gold) == "B"
    assert pipeline.apply("The answer is C.") == "C"


@given(letter=st.sampled_from("ABCDEFGH"), form=st.sampled_from(["{}", "({})", "Answer: {}", "答案：{}", "选{}。", "The answer is {}.", "\\boxed{{{}}}", "{}. Rome"]))  # fmt: skip
def test_every_letter_is_read_in_every_form(letter: str, form: str) -> None:
    assert build_pipeline(["choice_letter"], "zh").apply(form.format(letter)) == letter
