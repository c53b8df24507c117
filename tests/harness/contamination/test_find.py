from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from finetune.data.build import build_rows
from harness.contamination.find import MANY, Leak, TrainingText, find_leaks
from harness.contamination.read import read_training_texts
from harness.leaks import training_texts
from harness.suite import Suite, load_suite

HEAD = (
    'name: s\nversion: "1"\nlanguage: {}\ndescription: d\n'
    "tasks: {{qa: {{metrics: [token_f1], prompt: Ask.}}}}\n"
)
LONG_EN = "A patient of sixty has had a dull pain behind the left knee since Monday."
LONG_ZH = "六十岁患者自周一起左膝后方隐隐作痛，夜间加重。"


@pytest.fixture
def suite(suite_folder: Callable[..., Path]) -> Callable[..., Suite]:
    def make(
        language: str, inputs: Sequence[object], *, references: Sequence[str] = ("x",)
    ) -> Suite:
        rows: list[Mapping[str, object]] = [
            {"id": f"q{i}", "task": "qa", "input": text, "references": references}
            for i, text in enumerate(inputs)
        ]
        return load_suite(suite_folder(HEAD.format(language), rows))

    return make


def asked(*questions: str) -> list[TrainingText]:
    return [
        TrainingText(origin=f"data:{i}", questions=(q,)) for i, q in enumerate(questions, start=1)
    ]


def shipped_rows(file: Path) -> list[TrainingText]:
    return list(training_texts(build_rows(file)))


PLANTED = {
    "exact, en": ("en", "What is Xalo for?", "What is Xalo for?", "exact"),
    "exact but for case and punctuation, en": ("en", "What is Xalo for?", "what is XALO for", "normalised"),
    "exact, zh": ("zh", "沙洛片治什么？", "沙洛片治什么？", "exact"),
    "exact but for width and marks, zh": ("zh", "服１０ｍｇ，可以吗？", "服10mg可以吗", "normalised"),
    "a run inside a longer text, en": ("en", LONG_EN, f"Note: {LONG_EN} Summarise it.", "contained"),
    "a run of part of it, en": ("en", LONG_EN, "He has had a dull pain behind the left knee since Monday.", "overlap"),
    "a run inside a longer text, zh": ("zh", LONG_ZH, f"请总结：{LONG_ZH}谢谢。", "contained"),
    "a run of part of it, zh": ("zh", LONG_ZH, "有患者自周一起左膝后方隐隐作痛了三天", "overlap"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "is_leak"), [("What is 3 - 4?", False), ("what is 3+4", True), ("What is 3＋4？", True)]
)
def test_a_sum_is_not_leaked_by_a_difference(
    suite: Callable[..., Suite], row: str, is_leak: bool
) -> None:
    assert bool(find_leaks(suite("en", ["What is 3 + 4?"]), asked(row))) is is_leak


@pytest.mark.parametrize(("language", "gold", "row", "kind"), PLANTED.values(), ids=PLANTED)
def test_a_planted_leak_is_found(
    suite: Callable[..., Suite], language: str, gold: str, row: str, kind: str
) -> None:
    found = find_leaks(suite(language, [gold]), asked("unrelated", row))

    assert [(leak.gold_id, leak.kind, leak.origin) for leak in found] == [("q0", kind, "data:2")]
    assert found[0].verdict == "leaked"


CLEAN = {
    "another question, en": ("en", "What is Xalo for?", "What is Xalo made of?"),
    "seven words in common, en": ("en", LONG_EN, "a dull pain behind left knee since Tuesday"),
    "another question, zh": ("zh", "沙洛片治什么？", "沙洛片怎么保存？"),
    "twelve characters in common, zh": ("zh", LONG_ZH, "老人自周一起左膝后方隐隐作痛，但不严重"),
    "a short question inside a longer text": ("en", "Who is he?", "He asked: who is he? And left."),
}


@pytest.mark.parametrize(("language", "gold", "row"), CLEAN.values(), ids=CLEAN)
def test_what_is_not_shared_at_length_is_no_leak(
    suite: Callable[..., Suite], language: str, gold: str, row: str
) -> None:
    assert find_leaks(suite(language, [gold]), asked(row)) == []


def test_fields_and_conversations_are_looked_for_as_well(suite: Callable[..., Suite]) -> None:
    turns = [{"role": "user", "content": LONG_EN}]
    both = suite("en", [{"note": LONG_EN, "question": "Where?"}, turns])

    found = find_leaks(both, asked(f"{LONG_EN} Where? Which knee?"))

    assert [leak.gold_id for leak in found] == ["q0", "q1"]


def test_latin_words_in_a_chinese_set_are_compared_as_words(suite: Callable[..., Suite]) -> None:
    gold = suite("zh", ["What is the capital of Peru?"])

    assert find_leaks(gold, asked("What is the capital of Chile, and of Brazil?")) == []
    assert len(find_leaks(gold, asked("what is the capital of peru"))) == 1


def test_wording_that_many_items_share_is_no_leak(suite: Callable[..., Suite]) -> None:
    frame = "Read this visit note and answer the question below in few words: item {}"
    framed = suite("en", [frame.format(i) for i in range(20)])

    assert find_leaks(framed, asked(frame.format("other"))) == []


def test_an_exact_copy_among_much_shared_wording_is_still_found(
    suite: Callable[..., Suite],
) -> None:
    frame = "Read this visit note and answer the question below in few words: item {}"
    framed = suite("en", [frame.format(i) for i in range(20)])

    assert [leak.gold_id for leak in find_leaks(framed, asked(frame.format(7)))] == ["q7"]


def test_a_leak_shows_the_shared_stretch(suite: Callable[..., Suite]) -> None:
    (leak,) = find_leaks(suite("zh", ["沙洛片治什么？"]), asked("沙洛片治什么"))

    assert leak == Leak(
        gold_id="q0",
        verdict="leaked",
        kind="normalised",
        is_answer=False,
        share=1.0,
        origin="data:1",
        shared="沙洛片治什么",
    )


def test_less_than_half_of_an_item_makes_it_suspect(suite: Callable[..., Suite]) -> None:
    gold = f"{LONG_EN} It is worse on stairs and at night, and tablets from the chemist do nothing."

    (leak,) = find_leaks(suite("en", [gold]), asked("has had a dull pain behind the left knee"))

    assert (leak.verdict, leak.kind) == ("suspect", "overlap")
    assert leak.share == pytest.approx(9 / 30)
    assert leak.shared == "has had a dull pain behind the left knee"


def test_runs_from_several_rows_add_up(suite: Callable[..., Suite]) -> None:
    first = "A patient of sixty has had a dull pain"
    second = "dull pain behind the left knee since Monday and more"

    (leak,) = find_leaks(suite("en", [LONG_EN]), asked(second, first))

    assert (leak.verdict, leak.kind, leak.share) == ("leaked", "overlap", 1.0)
    assert leak.origin == "data:1"


def test_a_reference_that_training_teaches_is_found(suite: Callable[..., Suite]) -> None:
    answer = (
        "He should rest the knee for two weeks and come back if the swelling has not gone by then."
    )
    gold = suite("en", ["What now?"], references=[answer])

    (leak,) = find_leaks(
        gold, [TrainingText(origin="d:1", questions=("And then?",), answers=(answer,))]
    )

    assert leak.is_answer
    assert (leak.verdict, leak.kind) == ("suspect", "exact")


def test_a_reference_is_not_looked_for_in_questions(suite: Callable[..., Suite]) -> None:
    answer = (
        "He should rest the knee for two weeks and come back if the swelling has not gone by then."
    )

    assert find_leaks(suite("en", ["What now?"], references=[answer]), asked(answer)) == []


def test_a_short_reference_is_not_a_leak(suite: Callable[..., Suite]) -> None:
    row = TrainingText(origin="d:1", questions=("Whose?",), answers=("He has night cramps today.",))

    assert find_leaks(suite("en", ["What now?"], references=["night cramps"]), [row]) == []


@pytest.mark.slow
def test_two_processes_find_what_one_finds(suite: Callable[..., Suite]) -> None:
    gold = suite("en", [LONG_EN, "What is Xalo for?", "Who dispenses it to you today?"])
    rows = [
        TrainingText(origin=f"d:{i}", questions=(f"row {i} says nothing",)) for i in range(MANY)
    ]
    rows[11_000] = TrainingText(origin="d:11000", questions=(f"Well: {LONG_EN}",))
    rows[19_000] = TrainingText(origin="d:19000", questions=(f"Well: {LONG_EN}",))
    rows[20_000] = TrainingText(origin="d:20000", questions=("what is xalo for",))

    alone, together = (find_leaks(gold, rows, processes=n) for n in (1, 2))

    assert [(leak.gold_id, leak.origin) for leak in alone] == [("q0", "d:11000"), ("q1", "d:20000")]
    assert together == alone


@pytest.mark.parametrize("trained", ["clinic-en", "clinic-zh"])
@pytest.mark.parametrize("asked", ["clinic-en", "clinic-zh", "retention", "retention-zh"])
def test_no_gold_item_stands_in_shipped_training_data(ROOT: Path, asked: str, trained: str) -> None:
    rows = shipped_rows(ROOT / "suites" / trained / "train" / "build.yaml")

    assert len(rows) > 100
    assert find_leaks(load_suite(ROOT / "suites" / asked), rows) == []


@pytest.mark.parametrize(
    ("asked", "trained"),
    [
        ("clinic-en", "train.jsonl"),
        ("retention", "train.jsonl"),
        ("clinic-zh", "train-zh.jsonl"),
        ("retention-zh", "train-zh.jsonl"),
    ],
)
def test_no_gold_item_stands_in_the_replayed_general_rows(
    ROOT: Path, asked: str, trained: str
) -> None:
    rows = read_training_texts(ROOT / "suites" / "general" / trained)

    assert find_leaks(load_suite(ROOT / "suites" / asked), rows) == []


@pytest.mark.parametrize("name", ["clinic-en", "clinic-zh"])
def test_a_gold_item_planted_in_shipped_training_data_is_found(ROOT: Path, name: str) -> None:
    suite = load_suite(ROOT / "suites" / name)
    planted = next(record for record in suite.gold if isinstance(record.input, str))
    rows = [
        *shipped_rows(ROOT / "suites" / name / "train" / "build.yaml"),
        TrainingText(origin="p", questions=(str(planted.input),)),
    ]

    assert [leak.gold_id for leak in find_leaks(suite, rows)] == [planted.id]


def test_the_known_overlap_of_a_public_data_set_is_found(
    SHARED: Path, suite: Callable[..., Suite]
) -> None:
    # mts-dialog: one test dialogue stands word for word in the training set, one but for a full stop.
    folder = SHARED / "data" / "mts-dialog"
    rows = [json.loads(line) for line in (folder / "gold.jsonl").read_text("utf-8").splitlines()]

    found = find_leaks(
        suite("en", [row["input"] for row in rows]), read_training_texts(folder / "train.jsonl")
    )

    same = [leak.kind for leak in found if leak.kind in ("exact", "normalised")]
    assert sorted(same) == ["exact", "normalised"]
