"""Checking a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune.data.check import Checked, Measuring, check_data, rows_that
from finetune.data.lengths import estimate
from harness.suite import Suite, load_suite
from tests.finetune.data.support import chat, rows

MEASURING = Measuring(measure=estimate, unit="tokens")


def checked(fields: list[dict[str, Any]], form: str = "messages", **options: Any) -> Checked:
    return check_data([rows(fields, form)], MEASURING, **options)


def told(found: Checked) -> dict[str, tuple[str, tuple[tuple[str, ...], ...]]]:
    return {one.kind: (one.severity, one.items) for one in found.findings}


def test_clean_data_has_no_findings() -> None:
    found = checked([chat("What opens at eight?", "The clinic."), chat("何时关门？", "晚上六点。")])

    assert found.findings == ()
    assert (found.n_rows, found.languages) == (2, {"en": 1, "zh": 1})


def test_faults_are_listed_with_their_lines_the_gravest_first() -> None:
    found = checked(
        [
            chat("One?", "1"),
            chat("One?", "1"),
            chat("One?", "uno"),
            chat("Two?", ""),
            chat("a<br>b?", "Sorry, I can't help with that."),
        ]
    )

    assert told(found) == {
        "empty": ("error", (("rows.jsonl:4",),)),
        "markup": ("warning", (("rows.jsonl:5",),)),
        "duplicate": ("warning", (("rows.jsonl:1", "rows.jsonl:2"),)),
        "contradiction": ("warning", (("rows.jsonl:1", "rows.jsonl:3"),)),
        "refusals": ("note", (("rows.jsonl:5",),)),
    }
    assert [one.severity for one in found.findings] == ["error", *["warning"] * 3, "note"]


def test_longer_answers_that_differ_are_only_noted() -> None:
    story = "Once upon a time there was a clinic by the river, and it"
    found = checked([chat("Tell!", f"{story} closed early."), chat("Tell!", f"{story} never did.")])

    assert [*told(found)] == ["several_answers"]


def test_answers_in_the_other_language_are_noted() -> None:
    assert [*told(checked([chat("诊所几点开门？", "It opens at eight.")]))] == ["crossed_languages"]


def test_truncation_is_told_with_the_answers_it_would_take() -> None:
    measuring = Measuring(measure=estimate, unit="tokens", limit=20)

    found = check_data([rows([chat("好" * 40, "好"), chat("a", "b")])], measuring)

    assert told(found)["truncation"] == ("warning", (("rows.jsonl:1",),))
    assert found.cut is not None
    assert found.cut.lost == (0,)


def test_named_tasks_are_counted() -> None:
    fields = [chat(f"{i}?", str(i)) | {"task": "qa" if i else "summary"} for i in range(3)]

    assert checked(fields).tasks == {"task": {"qa": 2, "summary": 1}}


def test_pairs_whose_chosen_answer_is_mostly_longer_are_told() -> None:
    fields = [
        {"prompt": f"{i}?", "chosen": f"{i} it is, I say", "rejected": str(i)} for i in range(20)
    ]

    assert told(checked(fields, "preference"))["length_bias"] == ("warning", ())


def test_labels_of_one_side_only_are_told() -> None:
    fields = [{"prompt": f"{i}?", "completion": f"{i}.", "label": True} for i in range(3)]

    assert told(checked(fields, "kto"))["labels"] == ("warning", ())


def test_what_training_would_not_heed_is_told() -> None:
    fields = {
        "messages": [{"role": "user", "content": "a", "weight": 0}, *chat("", "b")["messages"][1:]]
    }

    assert told(checked([fields]))["untrained_fields"] == ("warning", (("rows.jsonl:1",),))


@pytest.fixture
def clinic(ROOT: Path) -> Suite:
    return load_suite(ROOT / "suites" / "clinic-zh")


def test_a_planted_gold_item_is_an_error(clinic: Suite) -> None:
    note = next(
        r.input["note"] for r in clinic.gold if isinstance(r.input, dict) and "note" in r.input
    )

    found = checked([chat("一加一？", "二"), chat(f"请看：{note}", "好")], suites=[clinic])

    assert told(found)["leaked"][0] == "error"
    assert all(place == "rows.jsonl:2" for place, _ in told(found)["leaked"][1])


def test_shipped_training_data_is_sound(ROOT: Path) -> None:
    from finetune.data.source import read_source

    files = [
        ROOT / "suites" / "general" / "train.jsonl",
        ROOT / "suites" / "general" / "train-zh.jsonl",
    ]

    found = check_data([read_source(file) for file in files], MEASURING)

    assert [one for one in found.findings if one.severity == "error"] == []


def test_one_row_is_told_in_the_singular() -> None:
    assert rows_that(1, "have an empty answer") == "1 row has an empty answer"
    assert rows_that(1, "repeat another") == "1 row repeats another"
    assert rows_that(2, "are long") == "2 rows are long"
