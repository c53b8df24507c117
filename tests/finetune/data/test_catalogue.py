"""LLaMA-Factory's dataset_info.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.data.convert import convert_rows
from finetune.data.examples import Turn
from finetune.data.formats import FORMATS
from finetune.data.source import read_source
from harness.errors import DataError, UnknownNameError

# Entries as in LLaMA-Factory's own data/dataset_info.json, each with a row of its data.
ENTRIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "alpaca_en": ({}, {"instruction": "a", "input": "b", "output": "c"}),
    "glaive": (
        {
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "tools": "tools"},
        },
        {
            "conversations": [
                {"from": "human", "value": "a"},
                {"from": "function_call", "value": '{"name": "f", "arguments": {}}'},
                {"from": "observation", "value": "1"},
                {"from": "gpt", "value": "c"},
            ],
            "tools": "[]",
        },
    ),
    "dpo": (
        {
            "ranking": True,
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
        },
        {
            "conversations": [{"from": "human", "value": "a"}],
            "chosen": {"from": "gpt", "value": "c"},
            "rejected": {"from": "gpt", "value": "d"},
        },
    ),
    "kto": (
        {
            "formatting": "sharegpt",
            "columns": {"messages": "messages", "kto_tag": "label"},
            "tags": {
                "role_tag": "role",
                "content_tag": "content",
                "user_tag": "user",
                "assistant_tag": "assistant",
            },
        },
        {
            "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "c"}],
            "label": False,
        },
    ),
    "law": (
        {"columns": {"prompt": "问题", "response": "答案", "history": "历史"}},
        {"问题": "a", "答案": "c", "历史": [["p", "q"]]},
    ),
    "c4": ({"columns": {"prompt": "text"}}, {"text": "a"}),
}


def catalogue(folder: Path, **changed: Any) -> Path:
    entries: dict[str, Any] = {}
    for name, (entry, row) in ENTRIES.items():
        entries[name] = {"file_name": f"{name}.json", **entry}
        (folder / f"{name}.json").write_text(json.dumps([row]), encoding="utf-8")
    entries |= changed
    (folder / "dataset_info.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder / "dataset_info.json"


@pytest.mark.parametrize(
    ("name", "form", "last"),
    [
        ("alpaca_en", "alpaca", Turn(role="assistant", content="c")),
        ("glaive", "sharegpt", Turn(role="assistant", content="c")),
        ("dpo", "sharegpt_preference", Turn(role="user", content="a")),
        ("kto", "sharegpt_kto", Turn(role="assistant", content="c")),
        ("law", "alpaca", Turn(role="assistant", content="c")),
    ],
)
def test_an_entry_tells_how_its_file_is_written(
    tmp_path: Path, name: str, form: str, last: Turn
) -> None:
    rows = read_source(catalogue(tmp_path), name=name)

    assert rows.format.name == form
    assert rows.examples[0].turns[-1] == last


def test_only_a_prompt_means_raw_text(tmp_path: Path) -> None:
    rows = read_source(catalogue(tmp_path), name="c4")

    assert (rows.format.name, rows.examples[0].text) == ("text", "a")


def test_a_folder_stands_for_its_catalogue(tmp_path: Path) -> None:
    catalogue(tmp_path)

    assert read_source(tmp_path, name="law").examples[0].questions == ("p", "a")


def test_the_label_of_an_answer_is_read(tmp_path: Path) -> None:
    assert read_source(catalogue(tmp_path), name="kto").examples[0].label is False


def test_only_so_many_rows_are_taken_as_the_entry_says(tmp_path: Path) -> None:
    file = catalogue(tmp_path, few={"file_name": "few.jsonl", "num_samples": 2})
    row = json.dumps({"instruction": "a", "output": "b"})
    (tmp_path / "few.jsonl").write_text(f"{row}\n" * 5, encoding="utf-8")

    assert len(read_source(file, name="few").examples) == 2


@pytest.mark.parametrize(
    ("changed", "name", "message"),
    [
        ({"x": {"hf_hub_url": "org/x"}}, "x", r"lies elsewhere \(hf_hub_url\)"),
        ({"x": {"file_nam": "x.json"}}, "x", "x: unknown key 'file_nam'.*file_name"),
        ({"x": {"columns": {"promt": "q"}, "file_name": "x"}}, "x", "promt.*prompt"),
        (
            {"x": {"columns": {"messages": "m"}, "file_name": "x"}},
            "x",
            "columns.messages: alpaca data has no such column",
        ),
        (
            {"x": {"columns": {"images": "i"}, "file_name": "x"}},
            "x",
            "columns.images: only text can be learnt from",
        ),
        ({}, None, "say which data set: --name"),
    ],
)
def test_faults_name_the_data_set_and_the_key(
    tmp_path: Path, changed: dict[str, Any], name: str | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_source(catalogue(tmp_path, **changed), name=name)


def test_a_misspelt_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown data set 'alpaca_em'.*'alpaca_en'"):
        read_source(catalogue(tmp_path), name="alpaca_em")


def test_ms_swifts_file_of_the_same_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text("[]", encoding="utf-8")

    with pytest.raises(DataError, match=r"expected .*LLaMA-Factory"):
        read_source(tmp_path / "dataset_info.json", name="a")


def test_a_folder_without_a_catalogue_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a folder without a dataset_info\.json"):
        read_source(tmp_path)


def test_a_layout_of_ones_own_is_converted_without_its_old_columns(tmp_path: Path) -> None:
    file = catalogue(tmp_path)
    row = {"问题": "a", "答案": "c", "history": "own", "编号": 3}
    (tmp_path / "law.json").write_text(json.dumps([row]), encoding="utf-8")
    rows = read_source(file, name="law")

    (made,) = convert_rows(rows.raw, rows.format, FORMATS["alpaca"])

    assert made == {
        "instruction": "a",
        "input": "",
        "output": "c",
        "编号": 3,
        "extra": {"format": "alpaca", "fields": {"history": "own"}, "absent": []},
    }
