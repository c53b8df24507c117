"""Rows in files of every form."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.files import RawRow, read_rows, write_rows
from harness.errors import DataError
from tests.finetune.data.strategies import JSON, TEXT

ROWS: list[dict[str, Any]] = [
    {"instruction": "问题，\n一", "output": 'say "hi"'},
    {"instruction": "two", "output": "2"},
]
ENDINGS = ["jsonl", "ndjson", "json", "csv", "tsv", "parquet", "jsonl.gz", "json.gz", "csv.gz"]


def file_of(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_read(tmp_path: Path, ending: str) -> None:
    n_different = write_rows(tmp_path / f"rows.{ending}", ROWS)

    assert [row.fields for row in read_rows(tmp_path / f"rows.{ending}")] == ROWS
    assert n_different == 0


@pytest.mark.parametrize("ending", ["jsonl", "json", "jsonl.gz"])
@given(rows=st.lists(st.dictionaries(TEXT, JSON, max_size=4), max_size=4))
def test_json_of_any_kind_comes_back(
    tmp_path_factory: pytest.TempPathFactory, ending: str, rows: list[dict[str, Any]]
) -> None:
    file = tmp_path_factory.mktemp("rows") / f"rows.{ending}"

    write_rows(file, rows)

    assert json.dumps([row.fields for row in read_rows(file)]) == json.dumps(rows)


def test_equal_rows_give_equal_packed_files(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl.gz", ROWS)
    write_rows(tmp_path / "b.jsonl.gz", ROWS)

    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_rows_know_their_lines(tmp_path: Path) -> None:
    lines = file_of(tmp_path, "a.jsonl", '{"a": 1}\n\n{"a": 2}\n')
    listed = file_of(tmp_path, "a.json", '[\n {"a": 1},\n\n {"a":\n 2}, {"a": 3}]\n')
    table = file_of(tmp_path, "a.csv", 'a,b\n"one\nmore",2\n3,4\n')
    texts = file_of(tmp_path, "a.txt", "one\nmore\n\n \n\nthree\n")

    assert [row.where for row in read_rows(lines)] == [f"{lines}:1", f"{lines}:3"]
    assert [row.where for row in read_rows(listed)] == [f"{listed}:2", f"{listed}:4", f"{listed}:5"]
    assert [row.where for row in read_rows(table)] == [f"{table}:2", f"{table}:4"]
    assert read_rows(texts) == [
        RawRow(where=f"{texts}:1", fields={"text": "one\nmore"}),
        RawRow(where=f"{texts}:6", fields={"text": "three"}),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": }\n', r"a\.jsonl:2: this line is not valid JSON"),
        ("a.jsonl", '{"a": 1, "a": 2}\n', r"a\.jsonl:1: key 'a' appears twice"),
        ("a.jsonl", "[1]\n", r"a\.jsonl:1: expected a JSON object, got a list"),
        ("a.json", '[{"a": 1},\n{"a": }]', r"a\.json:2: this is not valid JSON"),
        ("a.json", '[{"a": 1},\n{"b": 1, "b": 2}]', r"a\.json:2: key 'b' appears twice"),
        ("a.json", '[{"a": 1}\n\n{"b": 1}]', r"a\.json:3: .*expected one list"),
        ("a.json", '[{"a": 1}]\n[]', r"a\.json:2: .*expected one list"),
        ("a.json", '[{"a": 1},\n 3]', r"a\.json:2: expected a JSON object, got 3"),
        ("a.json", '"text"', r"a\.json: expected a list of rows"),
        ("a.json", '[{"a": "\\ud800"}]', r"a\.json:1: this row is not valid JSON"),
        ("a.csv", "a,b\n1\n", r"a\.csv:2: 1 cells, expected 2"),
        ("a.csv", "a,a\n1,2\n", r"a\.csv:1: two columns have the same name"),
        ("a.xlsx", "", r"a\.xlsx: cannot tell what this file is"),
        ("a.gz", "", r"a\.gz: cannot tell what this file is"),
        ("a.jsonl.gz", "no", r"a\.jsonl\.gz: this is not a whole gzip file"),
        ("a.parquet", "no", r"a\.parquet: not a readable Parquet file"),
    ],
)
def test_a_damaged_file_is_told_with_its_line(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    file = file_of(tmp_path, name, text)

    with pytest.raises(DataError, match=message):
        read_rows(file)


def test_a_missing_file_is_told_with_the_nearest(tmp_path: Path) -> None:
    file_of(tmp_path, "train.jsonl", "")

    with pytest.raises(DataError, match=r"trian\.jsonl: no such file.*train\.jsonl"):
        read_rows(tmp_path / "trian.jsonl")


def test_half_a_packed_file_is_told(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"a": 1}\n' * 100)
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DataError, match="not a whole gzip file"):
        read_rows(tmp_path / "a.jsonl.gz")


def test_json_lines_under_the_name_of_json_are_read(tmp_path: Path) -> None:
    file = file_of(tmp_path, "a.json", '{"a": 1}\n{"a": 2}\n')

    assert [row.fields for row in read_rows(file)] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "rows", [[{"a": "x"}, {"b": "y"}], [{"a": 1}], [{"a": None}], [{"a": True, "b": "x"}]]
)
def test_what_a_table_cannot_say_is_counted(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    assert write_rows(tmp_path / "a.csv", rows) == len(rows)


def test_lists_in_a_table_are_no_loss(tmp_path: Path) -> None:
    assert write_rows(tmp_path / "a.csv", [{"a": [{"role": "user"}], "b": {"c": 1}}]) == 0


def test_columns_of_two_types_are_refused_by_parquet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"do not fit into columns.*write \.jsonl instead"):
        write_rows(tmp_path / "a.parquet", [{"a": 1}, {"a": "x"}])


@pytest.mark.parametrize(
    "row", [{"text": "a\n\nb"}, {"text": " "}, {"text": "a", "b": 1}, {"b": 1}]
)
def test_text_files_hold_texts_without_blank_lines_only(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    with pytest.raises(DataError, match=r"row 1 .*write \.jsonl"):
        write_rows(tmp_path / "a.txt", [row])
