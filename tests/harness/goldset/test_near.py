from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from harness.goldset.near import THRESHOLD, near_duplicates, shingles_of
from harness.goldset.texts import folded

LONG = (
    "The patient came in on Monday with a dry cough and a light fever that had lasted three days."
)


def pairs(*texts: str) -> list[tuple[int, int]]:
    return [(near.index, near.earlier) for near in near_duplicates([{"text": t} for t in texts])]


def test_a_changed_word_in_a_long_text_is_found() -> None:
    assert pairs(LONG, "Something else.", LONG.replace("Monday", "Sunday")) == [(2, 0)]


def test_case_width_spaces_and_final_marks_make_no_difference() -> None:
    assert pairs("What is ABC?", "what  is  ＡＢＣ") == [(1, 0)]


def test_questions_of_one_form_are_not_the_same() -> None:
    assert pairs("What is the capital of France?", "What is the capital of Japan?") == []
    assert pairs("What is 7 - 3?", "What is 7 + 3?") == []
    assert pairs("日本的首都是哪座城市？", "中国的首都是哪座城市？") == []


def test_chinese_texts_are_compared_by_characters() -> None:
    note = "患者三天前开始咳嗽，伴有低热和咽痛，自行服用感冒药后没有明显好转，今日来院就诊，血常规检查正常。"

    assert pairs(note, note.replace("三天", "四天")) == [(1, 0)]


def test_two_questions_about_one_long_note_are_not_the_same() -> None:
    notes = [
        {"note": LONG * 5, "question": "What did the patient have?"},
        {"note": LONG * 5, "question": "When did the patient come?"},
        {"note": LONG * 5, "question": "when did the patient come"},
    ]

    assert [(near.index, near.earlier) for near in near_duplicates(notes)] == [(2, 1)]


def test_an_instruction_that_all_share_does_not_make_them_alike() -> None:
    instruction = "Answer the following question about the clinic as briefly as you possibly can: "
    questions = (
        "who is on duty?", "what does it cost?", "where is the lift?", "when do you open?",
        "is parking free?", "can dogs come in?", "how long is a visit?", "which bus stops here?",
        "do you sell stamps?", "must children pay?",
    )  # fmt: skip

    assert pairs(*(instruction + question for question in questions)) == []


def test_a_repeat_of_a_repeat_points_to_the_first() -> None:
    assert pairs(LONG, LONG + "!", LONG.replace("dry", "bad"), LONG) == [(1, 0), (2, 0), (3, 0)]


def test_empty_texts_are_equal_to_each_other_only() -> None:
    assert pairs("", "a", "") == [(2, 0)]


def test_all_pairs_above_the_threshold_are_found_in_many_random_texts() -> None:
    rng = random.Random(3)
    words = [f"w{i}" for i in range(400)]
    originals = [" ".join(rng.choices(words, k=40)) for _ in range(150)]
    changed = [f"{text} {rng.choice(words)}" for text in originals]

    found = {
        near.index: near.earlier
        for near in near_duplicates([{"t": t} for t in originals + changed])
    }

    assert found == {150 + i: i for i in range(150)}


@given(st.lists(st.text(alphabet="ab 药.", max_size=12), max_size=8))
def test_what_is_reported_is_as_similar_as_said(texts: list[str]) -> None:
    for near in near_duplicates([{"t": text} for text in texts]):
        assert near.earlier < near.index
        assert THRESHOLD <= near.similarity <= 1
        if near.similarity == 1.0:
            continue
        assert folded(texts[near.index]) != folded(texts[near.earlier])


def test_shingles_cover_a_text() -> None:
    assert shingles_of("abcdef") == {b"abcde", b"bcdef"}
    assert shingles_of("一二三四") == {"一二三".encode(), "二三四".encode()}
    assert shingles_of("ab") == {b"ab"}
