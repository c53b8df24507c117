"""Message files, and how rows are drawn and split."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.data.rows import choose_rows, load_rows, split_rows
from finetune.data.source import DataSource
from harness.errors import DataError
from tests.finetune.support import row, rows_of_all_lengths, write_rows

GOOD = row("Hello?", "Hi.")


def test_message_files_are_read_in_order(tmp_path: Path) -> None:
    first = write_rows(tmp_path / "a.jsonl", [row("One?", "1"), row("Two?", "2")])
    second = write_rows(tmp_path / "b.jsonl", [row("Three?", "3", system="Be brief.")])

    rows = load_rows([first, second])

    assert [r.messages[-1].content for r in rows] == ["1", "2", "3"]
    assert [r.origin for r in rows] == [f"{first}:1", f"{first}:2", f"{second}:1"]


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (["user"], "the last turn must be the assistant's"),
        ([], "the last turn must be the assistant's"),
        (["assistant"], "turns must alternate user, assistant"),
        (["user", "user", "assistant"], "got user, user, assistant"),
        (["user", "assistant", "assistant"], "got user, assistant, assistant"),
        (["user", "system", "assistant"], "got user, system, assistant"),
        (["system", "assistant"], "got system, assistant"),
    ],
)
def test_turns_out_of_order_are_named_with_file_and_line(
    tmp_path: Path, roles: list[str], message: str
) -> None:
    bad = {"messages": [{"role": role, "content": "text"} for role in roles]}
    file = write_rows(tmp_path / "rows.jsonl", [GOOD])
    file.write_text(file.read_text(encoding="utf-8") + json.dumps(bad) + "\n", encoding="utf-8")

    with pytest.raises(DataError) as caught:
        load_rows([file])

    assert str(caught.value).startswith(f"{file}:2: ")
    assert message in str(caught.value)


def test_an_empty_turn_is_refused(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", [row("Hello?", " \n")])

    with pytest.raises(DataError, match=r"rows\.jsonl:1: turn 1 \(assistant\) is empty"):
        load_rows([file])


def test_a_misspelt_field_is_named_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"mesages": []}\n', encoding="utf-8")

    with pytest.raises(DataError, match=r"rows\.jsonl:1: .*messages"):
        load_rows([file])


def test_files_without_rows_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n", encoding="utf-8")

    with pytest.raises(DataError, match="no training rows"):
        load_rows([file])


FORMS = {
    "alpaca.json": '[{"instruction": "Hello?", "input": "", "output": "Hi."}]',
    "alpaca.csv": "instruction,input,output\nHello?,,Hi.\n",
    "sharegpt.jsonl": '{"conversations": [{"from": "human", "value": "Hello?"}, '
    '{"from": "gpt", "value": "Hi."}]}\n',
    "pairs.tsv": "prompt\tcompletion\nHello?\tHi.\n",
    "messages.jsonl": '{"messages": [{"role": "user", "content": "Hello?"}, '
    '{"role": "assistant", "content": "Hi."}], "id": 7}\n',
}


@pytest.mark.parametrize("name", FORMS)
def test_conversations_of_any_format_are_rows(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FORMS[name], encoding="utf-8")

    (found,) = load_rows([tmp_path / name])

    assert found.messages == GOOD.messages


def test_a_source_may_name_its_format(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"instruction": "Hello?", "output": "Hi.", "text": "x"}\n', encoding="utf-8")

    with pytest.raises(DataError, match="fit several formats: alpaca, text"):
        load_rows([file])
    assert load_rows([DataSource(path=str(file), format="alpaca")])[0].messages == GOOD.messages


def test_a_source_may_name_a_data_set_of_a_catalogue(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(FORMS["alpaca.json"], encoding="utf-8")
    (tmp_path / "dataset_info.json").write_text('{"hi": {"file_name": "a.json"}}', encoding="utf-8")

    assert load_rows([DataSource(path=str(tmp_path), name="hi")])[0].messages == GOOD.messages


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"prompt": "a", "chosen": "b", "rejected": "c"}', "holds preference pairs"),
        ('{"prompt": "a", "completion": "b", "label": true}', "holds answers labelled good or bad"),
        ('{"text": "a"}', "holds raw text"),
        (
            (
                '{"messages": [{"role": "user", "content": "a"}, '
                '{"role": "assistant", "content": "b", "weight": 0}]}'
            ),
            r"rows\.jsonl:1: turn 1 \(assistant\): this training would not heed 'weight'",
        ),
        (
            (
                '{"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}, '
                '{"role": "assistant", "content": "c"}]}'
            ),
            r"rows\.jsonl:1: turn 1 \(tool\): this training would not heed answers of tools",
        ),
        (
            '{"messages": [{"role": "user", "content": 5}]}',
            r"rows\.jsonl:1: messages\[0\]\.content: expected text, got 5",
        ),
    ],
)
def test_what_training_cannot_learn_from_is_refused(
    tmp_path: Path, line: str, message: str
) -> None:
    (tmp_path / "rows.jsonl").write_text(line + "\n", encoding="utf-8")

    with pytest.raises(DataError, match=message):
        load_rows([tmp_path / "rows.jsonl"])


def test_rows_are_drawn_by_the_seed_in_file_order() -> None:
    rows = rows_of_all_lengths(30)

    chosen = choose_rows(rows, n=10, seed=1)

    assert chosen == choose_rows(rows, n=10, seed=1)
    assert chosen != choose_rows(rows, n=10, seed=2)
    assert chosen == [r for r in rows if r in chosen]
    assert len(chosen) == 10


def test_all_rows_are_kept_when_fewer_than_wanted() -> None:
    rows = rows_of_all_lengths(3)

    assert choose_rows(rows, n=10, seed=0) == rows
    assert choose_rows(rows, n=None, seed=0) == rows


def test_the_split_is_a_partition_by_the_seed() -> None:
    rows = rows_of_all_lengths(40)

    training, heldout = split_rows(rows, heldout=0.1, seed=3)

    assert (training, heldout) == split_rows(rows, heldout=0.1, seed=3)
    assert len(heldout) == 4
    assert [r for r in rows if r in training or r in heldout] == rows
    assert not [r for r in training if r in heldout]
