from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from finetune.data.build import build_rows
from harness.contamination import Leak, find_leaks
from harness.suite import Suite, load_suite

HEAD = (
    'name: s\nversion: "1"\nlanguage: {}\ndescription: d\ntasks: {{qa: {{metrics: [token_f1]}}}}\n'
)
LONG_EN = "A patient of sixty has had a dull pain behind the left knee since Monday."
LONG_ZH = "六十岁患者自周一起左膝后方隐隐作痛，夜间加重。"


@pytest.fixture
def suite(suite_folder: Callable[..., Path]) -> Callable[..., Suite]:
    def make(language: str, inputs: Sequence[object]) -> Suite:
        rows: list[Mapping[str, object]] = [
            {"id": f"q{i}", "task": "qa", "input": text, "references": ["x"]}
            for i, text in enumerate(inputs)
        ]
        return load_suite(suite_folder(HEAD.format(language), rows))

    return make


PLANTED = {
    "exact, en": ("en", "What is Xalo for?", "What is Xalo for?", "exact"),
    "exact but for case and punctuation, en": ("en", "What is Xalo for?", "what is XALO for", "exact"),
    "exact, zh": ("zh", "沙洛片治什么？", "沙洛片治什么？", "exact"),
    "exact but for width and marks, zh": ("zh", "服１０ｍｇ，可以吗？", "服10mg可以吗", "exact"),
    "a run inside a longer text, en": ("en", LONG_EN, f"Note: {LONG_EN} Summarise it.", "run"),
    "a run of part of it, en": ("en", LONG_EN, "He has had a dull pain behind the left knee since Monday.", "run"),
    "a run inside a longer text, zh": ("zh", LONG_ZH, f"请总结：{LONG_ZH}谢谢。", "run"),
    "a run of part of it, zh": ("zh", LONG_ZH, "有患者自周一起左膝后方隐隐作痛了三天", "run"),
}  # fmt: skip


@pytest.mark.parametrize(("language", "gold", "row", "kind"), PLANTED.values(), ids=PLANTED)
def test_a_planted_leak_is_found(
    suite: Callable[..., Suite], language: str, gold: str, row: str, kind: str
) -> None:
    found = find_leaks(suite(language, [gold]), [("other:1", "unrelated"), ("data:2", row)])

    assert [(leak.gold_id, leak.kind, leak.origin) for leak in found] == [("q0", kind, "data:2")]


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
    assert find_leaks(suite(language, [gold]), [("data:1", row)]) == []


def test_fields_and_conversations_are_looked_for_as_well(suite: Callable[..., Suite]) -> None:
    turns = [{"role": "user", "content": LONG_EN}]
    asked = suite("en", [{"note": LONG_EN, "question": "Where?"}, turns])

    found = find_leaks(asked, [("data:1", f"{LONG_EN} Which knee?")])

    assert [leak.gold_id for leak in found] == ["q0", "q1"]


def test_wording_that_many_items_share_is_no_leak(suite: Callable[..., Suite]) -> None:
    frame = "Read this visit note and answer the question below in few words: item {}"
    asked = suite("en", [frame.format(i) for i in range(20)])

    assert find_leaks(asked, [("data:1", frame.format("other"))]) == []


def test_an_exact_copy_among_much_shared_wording_is_still_found(
    suite: Callable[..., Suite],
) -> None:
    frame = "Read this visit note and answer the question below in few words: item {}"
    asked = suite("en", [frame.format(i) for i in range(20)])

    assert [leak.gold_id for leak in find_leaks(asked, [("data:1", frame.format(7))])] == ["q7"]


def test_a_leak_shows_the_shared_stretch(suite: Callable[..., Suite]) -> None:
    (leak,) = find_leaks(suite("zh", ["沙洛片治什么？"]), [("a", "沙洛片治什么")])

    assert leak == Leak(gold_id="q0", kind="exact", origin="a", shared="沙 洛 片 治 什 么")


def rows_of(file: Path) -> list[tuple[str, str]]:
    return [
        (row.origin, "\n".join(turn.content for turn in row.messages if turn.role == "user"))
        for row in build_rows(file)
    ]


@pytest.mark.parametrize("trained", ["clinic-en", "clinic-zh"])
@pytest.mark.parametrize("asked", ["clinic-en", "clinic-zh", "retention", "retention-zh"])
def test_no_gold_item_stands_in_shipped_training_data(ROOT: Path, asked: str, trained: str) -> None:
    rows = rows_of(ROOT / "suites" / trained / "train" / "build.yaml")

    assert len(rows) > 100
    assert find_leaks(load_suite(ROOT / "suites" / asked), rows) == []


@pytest.mark.parametrize("name", ["clinic-en", "clinic-zh"])
def test_a_gold_item_planted_in_shipped_training_data_is_found(ROOT: Path, name: str) -> None:
    suite = load_suite(ROOT / "suites" / name)
    planted = next(record for record in suite.gold if isinstance(record.input, str))
    rows = [*rows_of(ROOT / "suites" / name / "train" / "build.yaml"), ("p", str(planted.input))]

    assert [leak.gold_id for leak in find_leaks(suite, rows)] == [planted.id]


def test_the_known_overlap_of_a_public_data_set_is_found(
    SHARED: Path, suite: Callable[..., Suite]
) -> None:
    # mts-dialog: one test dialogue stands word for word in the training set, one but for a full stop.
    folder = SHARED / "data" / "mts-dialog"
    texts = {
        part: [json.loads(line)["input"] for line in (folder / f"{part}.jsonl").read_text("utf-8").splitlines()]
        for part in ("gold", "train")
    }  # fmt: skip

    found = find_leaks(suite("en", texts["gold"]), [("train", text) for text in texts["train"]])

    assert sum(leak.kind == "exact" for leak in found) == 2
