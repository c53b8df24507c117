from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import GoldError
from harness.sources.config import Files
from harness.sources.layouts import read_rows

SQUAD = {"version": "1", "data": [{"title": "T", "paragraphs": [
    {"context": "C", "qas": [{"id": "q1"}, {"id": "q2"}]}, {"context": "D", "qas": [{"id": "q3"}]},
]}]}  # fmt: skip


def rows(path: Path, text: str, **layout: Any) -> list[Any]:
    path.write_text(text, encoding="utf-8")
    return list(read_rows(path, Files.model_validate(layout)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"q": "1"}\n\n{"q": "2"}\n'),
        ("a.json", '[{"q": "1"}, {"q": "2"}]'),
        ("a.json", '{"x": {"q": "1"}, "y": {"q": "2"}}'),
        ("a.csv", "q,r\n1,x\n2,\n"),
        ("a.tsv", "q\tr\n1\tx\n2\t\n"),
        ("a.csv", '\ufeffq,r\n"1",x\n2,"a\nb, c"\n'),
    ],
)
def test_files_of_all_layouts_give_their_rows(tmp_path: Path, name: str, text: str) -> None:
    found = rows(tmp_path / name, text)

    assert [row.variables()["q"] for row in found] == ["1", "2"]
    assert [row.variables()["number"] for row in found] == [0, 1]
    assert {row.variables()["file"] for row in found} == {"a"}


def test_nested_rows_see_the_fields_around_them_and_say_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"

    found = rows(path, json.dumps(SQUAD), each="data[].paragraphs[].qas[]")

    assert [(r.variables()["id"], r.variables()["context"]) for r in found] == [
        ("q1", "C"), ("q2", "C"), ("q3", "D"),
    ]  # fmt: skip
    assert found[2].where == f"{path}: data[0].paragraphs[1].qas[0]"
    assert found[2].variables()["parents"][-1]["context"] == "D"


def test_an_object_of_objects_gives_its_keys(tmp_path: Path) -> None:
    found = rows(tmp_path / "a.json", '{"items": {"k1": {"q": 1}, "k2": {"q": 2}}}', each="items{}")

    assert [row.variables()["key"] for row in found] == ["k1", "k2"]


def test_a_field_of_the_row_wins_over_what_is_added(tmp_path: Path) -> None:
    [row] = rows(tmp_path / "a.jsonl", '{"key": 1000, "file": "f", "number": 7}')

    assert (row.variables()["key"], row.variables()["file"], row.variables()["number"]) == (
        1000, "f", 7,
    )  # fmt: skip


def test_a_table_without_a_header_takes_its_columns_from_the_suite(tmp_path: Path) -> None:
    found = rows(tmp_path / "anatomy_test.csv", "q,1,2\nr,3,4\n", columns=["question", "A", "B"])

    assert [row.value for row in found] == [
        {"question": "q", "A": "1", "B": "2"}, {"question": "r", "A": "3", "B": "4"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "layout", "message"),
    [
        ("a.xml", "<a/>", {}, "the layout of .xml is not known"),
        ("a.json", "[1, ", {}, "a.json: this is not valid JSON"),
        ("a.json", '{"a": 1}', {}, "say in `each:` where its rows are"),
        ("a.json", '{"data": 1}', {"each": "data[]"}, "a.json: data: expected a list"),
        ("a.json", '{"d": []}', {"each": "data[]"}, "a.json: data: there is no such field"),
        ("a.json", '{"data": [{"p": {}}]}', {"each": "data[].p[]"}, r"data\[0\].p: expected a list"),
        ("a.csv", "a,b\n1,2\n1\n", {}, r"a.csv:3: 1 cells, expected 2 \(a, b\)"),
        ("a.csv", "a,a\n1,2\n", {}, "a.csv:1: two columns have the same name"),
        ("a.csv", 'a\n"x"y\n', {}, "a.csv:2: this is not valid CSV"),
        ("a.jsonl", "{}\n{\n", {}, "a.jsonl:2: this line is not valid JSON"),
    ],
)  # fmt: skip
def test_faults_name_file_and_place(
    tmp_path: Path, name: str, text: str, layout: dict[str, Any], message: str
) -> None:
    with pytest.raises(GoldError, match=message):
        rows(tmp_path / name, text, **layout)
