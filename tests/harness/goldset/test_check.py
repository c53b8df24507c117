from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.goldset.check import check_gold, gold_errors
from harness.goldset.findings import as_json, lines_of, spelled
from harness.suite import load_suite
from tests.harness.goldset.support import Rows, found, qa, suite_of

QA = "  qa: {prompt: 'Q: {{ input }}', metrics: [exact_match], max_tokens: 24}\n"
PICK = "  pick: {type: multiple_choice}\n"
READ = "  read: {type: extractive_qa}\n"
SORT = "  sort: {type: classification, labels: [red, blue]}\n"
NOTE = " ".join(f"The clinic has room number {i} on its floor." for i in range(8))
PLACES = [
    "Lima",
    "Oslo",
    "Rome",
    "Bonn",
    "Kiel",
    "Riga",
    "Cork",
    "Bath",
    "Nice",
    "Pisa",
    "Linz",
    "Graz",
]


def pick(number: int, answer: int, *choices: str, **more: Any) -> dict[str, Any]:
    row = {"id": f"p{number}", "task": "pick", "input": f"Which is number {number}?"}
    return {**row, "choices": choices or ("one", "two", "three"), "answer": answer, **more}


def read(
    number: int, question: str, *answers: str, context: str = NOTE, **more: Any
) -> dict[str, Any]:
    row = {"id": f"r{number}", "task": "read", "references": answers}
    return {**row, "input": {"context": context, "question": question}, **more}


def sort(number: int, label: str) -> dict[str, Any]:
    row = {"id": f"s{number}", "task": "sort", "references": [label]}
    return {**row, "input": f"Thing {number} from {PLACES[number % 12]} looks how?"}


MANY_PLACES = [f"Where is {place} town, item {i}?" for i, place in enumerate(PLACES * 3)]

FAULTS: dict[str, tuple[str, str, str, Rows, tuple[tuple[str, ...], ...]]] = {
    "two answers to one question": (
        "contradiction", "error", QA,
        [qa(1, "Capital of Peru?", "Lima"), qa(2, "capital of  Peru", "Cusco")],
        (("q1", "q2"),),
    ),
    "the same question twice": (
        "duplicate", "warning", QA,
        [qa(1, "Capital of Peru?", "Lima"), qa(2, "Capital of Peru", "Lima", "lima")],
        (("q1", "q2"),),
    ),
    "long answers to one input": (
        "split_references", "warning", QA,
        [qa(1, "Sum up.", "a b c d e f g h i j"), qa(2, "Sum up.", "k l m n o p q r s t")],
        (("q1", "q2"),),
    ),
    "almost the same with the same answer": (
        "near_duplicate", "warning", QA,
        [qa(1, NOTE + " How many?", "8 rooms"), qa(2, NOTE.replace("3", "4") + " How many?", "8 rooms")],
        (("q1", "q2"),),
    ),
    "almost the same with another answer": (
        "near_duplicate_other_answer", "note", QA,
        [qa(1, NOTE, "8 rooms"), qa(2, NOTE.replace("3", "4"), "9 rooms")],
        (("q1", "q2"),),
    ),
    "one text, several items, no cluster": (
        "unclustered_source", "warning", READ,
        [read(1, "How many rooms?", "room number 3"), read(2, "Who has them?", "The clinic")],
        (("r1", "r2"),),
    ),
    "the answer in the question": (
        "answer_in_input", "warning", QA,
        [qa(1, "The River Thames crosses which city, London?", "London"), qa(2, "Why?", "Because")],
        (("q1",),),
    ),
    "only the right choice in the question": (
        "answer_in_input", "warning", PICK,
        [pick(1, 0, "Thames", "Seine", input="What crosses London, the Thames maybe?"), pick(2, 1)],
        (("p1",),),
    ),
    "an answer that max_tokens cuts": (
        "answer_longer_than_max_tokens", "warning", QA,
        [qa(1, "Tell all.", "word " * 60 + "end"), qa(2, "Tell less.", "word")],
        (("q1",),),
    ),
    "mojibake": ("damaged_text", "warning", QA, [qa(1, "What is a cafÃ© good for?", "tea")], (("q1",),)),
    "a character that was lost": ("damaged_text", "warning", QA, [qa(1, "Who?", "Zo\ufffd")], (("q1",),)),
    "HTML": ("damaged_text", "warning", QA, [qa(1, "R&amp;D is what?", "work")], (("q1",),)),
    "a space behind a reference": ("stray_space", "warning", QA, [qa(1, "Who?", "Zoe ")], (("q1",),)),
    "an invisible character": ("stray_space", "warning", QA, [qa(1, "Who?", "Zo\u200be")], (("q1",),)),
    "an extract that is not in the text": (
        "answer_not_in_text", "warning", READ, [read(1, "Which?", "room ninety")], (("r1",),)
    ),
    "an answer that is no label": (
        "unknown_label", "error", "  sort: {labels: [red, blue], metrics: [exact_match]}\n",
        [sort(1, "red"), sort(2, "bleu"), sort(3, "blue")], (("s2",),),
    ),
    "a label without items": ("empty_class", "warning", SORT, [sort(1, "red")], ()),
    "one label nearly always": (
        "class_balance", "warning", SORT, [sort(i, "red" if i else "blue") for i in range(12)], ()
    ),
    "the right choice always first": (
        "answer_position", "warning", PICK,
        [pick(i, 0, f"a{i}", f"b{i}", f"c{i}") for i in range(12)], (),
    ),
    "the right choice always longest": (
        "longest_choice", "warning", PICK,
        [pick(i, i % 3, *(f"{i}{j}" + "x" * (j == i % 3) for j in range(3))) for i in range(12)],
        tuple((f"p{i}",) for i in range(12)),
    ),
    "another language": (
        "other_language", "warning", QA, [qa(1, "秘鲁的首都是哪里？", "利马")], (("q1",),)
    ),
    "a prompt that does not fit": (
        "prompt", "error", "  qa: {prompt: '{{ input.note }}', metrics: [exact_match]}\n",
        [qa(1, "Who?", "Zoe")], (("q1",),),
    ),
    "a prompt that hides the question": (
        "prompt_hides_input", "error", "  qa: {prompt: 'Answer!', metrics: [exact_match]}\n",
        [qa(1, "Who?", "Zoe"), qa(2, "Where?", "here")], (("q1", "q2"),),
    ),
    "personal data": (
        "personal_data", "warning", QA, [qa(1, "Mail jo@example.org how?", "kindly")], (("q1",),)
    ),
    "a task without items": ("empty_task", "warning", QA + PICK, [qa(1, "Who?", "Zoe")], ()),
    "few independent sources": (
        "few_clusters", "note", QA, [qa(i, q, "x", cluster=f"c{i % 4}") for i, q in enumerate(MANY_PLACES)],
        (),
    ),
    "one source": (
        "few_clusters", "warning", QA, [qa(i, q, "x", cluster="c") for i, q in enumerate(MANY_PLACES)],
        (),
    ),
    "an input twenty times as long": (
        "unusual_length", "note", QA,
        [*(qa(i, q, "x") for i, q in enumerate(MANY_PLACES)), qa(99, NOTE * 3, "y")], (("q99",),),
    ),
    "a very long input": ("too_long", "note", QA, [qa(1, NOTE * 30, "x")], (("q1",),)),
}  # fmt: skip

CLEAN: dict[str, tuple[str, Rows]] = {
    "questions with one pattern": (
        QA, [qa(i, f"What lies near {p} town?", PLACES[i - 1]) for i, p in enumerate(PLACES)]
    ),
    "two questions about one note, clustered": (
        READ, [read(1, "How many?", "room number 3", cluster="n"), read(2, "Who?", "The clinic", cluster="n"),
               *(read(i, "Where?", "room", context=f"{PLACES[i]} has one room.") for i in range(3, 12))]
    ),
    "an unanswerable question": (READ, [read(1, "Why?"), read(2, "Who?", "The clinic", context="The clinic.")]),
    "classes named in each question": (
        QA, [qa(i, f"Is {p} big, small or old?", ("big", "small", "old")[i % 3]) for i, p in enumerate(PLACES)]
    ),
    "choices in balanced places": (
        PICK, [pick(i, i % 3, f"a{i}", f"b{i}", f"c{i}") for i in range(12)]
    ),
    "sentences that name now the right choice, now the wrong one": (
        PICK,
        [
            pick(i, i // 2 % 2, f"{PLACES[i]}a", f"{PLACES[i]}b", input=f"{PLACES[i]}{'ab'[i % 2]} is it?")
            for i in range(12)
        ],
    ),
    "choices that begin with a space": (PICK, [pick(i, i % 2, f" a{i}", f" b{i}") for i in range(4)]),
}  # fmt: skip
QUIET = {"kinds_missing", "few_items", "few_clusters", "not_locked"}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_with_its_items(tmp_path: Path, name: str) -> None:
    kind, severity, tasks, rows, items = FAULTS[name]

    finding = found(suite_of(tmp_path, tasks, rows), kind)

    assert finding is not None, f"{kind} was not found"
    assert (finding.severity, finding.items) == (severity, items)
    assert finding.mend


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_set_stays_quiet(tmp_path: Path, name: str) -> None:
    tasks, rows = CLEAN[name]

    assert [f for f in check_gold(suite_of(tmp_path, tasks, rows)) if f.kind not in QUIET] == []


def test_chinese_items_are_checked_as_chinese(tmp_path: Path) -> None:
    asked = "秘鲁的首都是利马还是别处？"
    rows = [
        qa(1, asked, "利马"),
        qa(2, asked[:-1], "库斯科"),
        qa(3, "谁？", "我"),
        qa(4, "几？", "五"),
    ]

    suite = suite_of(tmp_path, QA, rows, language="zh")

    assert found(suite, "contradiction") is not None
    assert found(suite, "answer_in_input") is not None
    assert found(suite, "other_language") is None


def test_errors_alone_are_those_of_the_whole_check(tmp_path: Path) -> None:
    rows = [
        qa(1, "Capital of Peru?", "Lima"),
        qa(2, "Capital of Peru?", "Cusco"),
        qa(3, "Why?", "x "),
    ]
    suite = suite_of(tmp_path, QA, rows)

    assert gold_errors(suite) == tuple(f for f in check_gold(suite) if f.severity == "error")
    assert len(gold_errors(suite)) == 1


def test_a_tokenizer_makes_lengths_exact(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, QA, [qa(1, "word " * 50, "x"), qa(2, "Who?", "y")])

    findings = check_gold(suite, count=lambda text: len(text.split()), context=60)

    (too_long,) = [f for f in findings if f.kind == "too_long"]
    assert (too_long.severity, too_long.items) == ("error", (("q1",),))


def test_items_are_told_with_their_lines(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, QA, [qa(1, "A?", "1"), qa(2, "B?", "2"), qa(3, "B?", "3")])
    finding = found(suite, "contradiction")
    assert finding is not None

    assert spelled(finding, lines_of(suite), most=5) == "q2 (line 2) = q3 (line 3)"
    assert as_json(finding, lines_of(suite))["items"] == [
        [{"id": "q2", "line": 2}, {"id": "q3", "line": 3}]
    ]


SHIPPED = ("clinic-en", "clinic-zh", "retention", "retention-zh")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_gold_sets_are_locked_and_have_no_faults(ROOT: Path, name: str) -> None:
    findings = check_gold(load_suite(ROOT / "suites" / name))

    assert [f for f in findings if f.severity != "note"] == []
    assert not {"not_locked", "version_not_locked"} & {f.kind for f in findings}


def rows_of(folder: Path, task: str) -> list[dict[str, Any]]:
    lines = (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        {"id": row["id"], "task": task, "input": row["input"], "references": [row["output"]]}
        for row in map(json.loads, lines)
    ]


def test_real_dialogues_raise_no_false_alarm(SHARED: Path, tmp_path: Path) -> None:
    rows = rows_of(SHARED / "data" / "mts-dialog", "note")
    suite = suite_of(tmp_path, "  note: {type: summarisation, max_tokens: 512}\n", rows)

    assert [f for f in check_gold(suite) if f.severity != "note"] == []


@pytest.mark.slow
def test_real_chinese_reading_has_the_faults_that_it_has(SHARED: Path, tmp_path: Path) -> None:
    source = json.loads(
        (SHARED / "data" / "cmrc2018" / "cmrc2018_dev_every4th.squad.json").read_text(
            encoding="utf-8"
        )
    )
    rows = [
        read(0, qas["question"], *dict.fromkeys(a["text"] for a in qas["answers"]),
             context=paragraph["context"], id=qas["id"])
        for article in source["data"]
        for paragraph in article["paragraphs"]
        for qas in paragraph["qas"]
    ]  # fmt: skip
    suite = suite_of(
        tmp_path, "  read: {type: extractive_qa, max_tokens: 64}\n", rows, language="zh"
    )

    findings = {f.kind: f for f in check_gold(suite) if f.severity != "note"}

    # Each article has three to five questions; two references end with an invisible character.
    assert set(findings) == {"unclustered_source", "stray_space"}
    assert findings["stray_space"].items == (("DEV_253_QUERY_1",), ("DEV_591_QUERY_1",))
