from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.goldset.logs import read_logs


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text(
        "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8"
    )
    return path


def test_columns_are_found_by_their_usual_names_in_both_languages(tmp_path: Path) -> None:
    english = jsonl(
        tmp_path / "a.jsonl", {"Prompt": "Hi?", "response": "Yo", "intent": "x", "ts": 5}
    )
    chinese = jsonl(tmp_path / "b.jsonl", {"问题": "几点？", "回答": "三点", "类别": "时间"})

    (first,) = read_logs([english], {}).requests
    (second,) = read_logs([chinese], {}).requests

    assert (first.text, first.output, first.type, first.time) == ("Hi?", "Yo", "x", "5")
    assert (second.text, second.output, second.type, second.time) == ("几点？", "三点", "时间", "")


def test_a_dotted_name_leads_inside(tmp_path: Path) -> None:
    row = {"request": {"body": [{"q": "Hi?"}]}}

    logs = read_logs([jsonl(tmp_path / "a.jsonl", row)], {"input": "request.body.0.q"})

    assert logs.requests[0].text == "Hi?"


def test_a_conversation_ends_with_its_last_user_turn(tmp_path: Path) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Bye"},
        {"role": "assistant", "content": "Bye!"},
    ]
    sharegpt = [{"from": "human", "value": "你好"}, {"from": "gpt", "value": "您好"}]

    logs = read_logs(
        [jsonl(tmp_path / "a.jsonl", {"messages": messages}, {"messages": sharegpt})], {}
    )

    first, second = logs.requests
    assert (first.text, len(first.turns)) == ("Bye", 4)
    assert first.before == "system: Be kind.\nuser: Hi\nassistant: Hello"
    assert (second.text, second.turns, second.before) == ("你好", (), "")


def test_csv_and_jsonl_say_the_same(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text(
        '\ufeffquestion,answer\n"Two\nlines, one cell",ok\n几点？,三点\n', encoding="utf-8"
    )
    lines = jsonl(
        tmp_path / "a.jsonl",
        {"question": "Two\nlines, one cell", "answer": "ok"},
        {"question": "几点？", "answer": "三点"},
    )

    from_table, from_lines = read_logs([table], {}), read_logs([lines], {})

    assert [(r.text, r.output) for r in from_table.requests] == [
        (r.text, r.output) for r in from_lines.requests
    ]
    assert from_table.columns == from_lines.columns


def test_rows_without_a_text_are_counted(tmp_path: Path) -> None:
    file = jsonl(
        tmp_path / "a.jsonl", {"input": "Hi"}, {"input": " "}, {"other": 1}, {"input": None}
    )

    logs = read_logs([file], {})

    assert len(logs.requests) == 1
    assert logs.without_input == ("a.jsonl:2", "a.jsonl:3", "a.jsonl:4")


FAULTS = {
    "no such column": ("a.jsonl", '{"input": "x"}\n', {"input": "inptu"}, "did you mean 'input'"),
    "nothing like an input": ("a.jsonl", '{"foo": "x"}\n', {}, "name it with --input"),
    "no rows": ("a.jsonl", "\n", {}, "no rows"),
    "no text anywhere": ("a.jsonl", '{"input": 3}\n', {}, "no row has text"),
    "bad JSON": ("a.jsonl", '{"input": "x"}\n{"input"\n', {}, "a.jsonl:2"),
    "a key twice": ("a.jsonl", '{"input": "x", "input": "y"}\n', {}, "'input' appears twice"),
    "a row that is too long": ("a.csv", "input,output\na,b,c\n", {}, "a.csv:2"),
    "a row that is too short": ("a.csv", "input,output\na\n", {}, "a.csv:2"),
    "an open quote": ("a.csv", 'input,output\n"a,b\n', {}, "not valid CSV"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_log_is_refused_by_place(tmp_path: Path, name: str) -> None:
    file, text, given, message = FAULTS[name]
    (tmp_path / file).write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=message):
        read_logs([tmp_path / file], given)
