from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from harness import store
from harness.errors import StoreError
from harness.store import (
    RunFolder,
    append_jsonl,
    keep_gold,
    locked,
    read_json,
    read_lines,
    run_folder,
    write_json,
    write_text,
)
from harness.types import Completion, GoldRecord

ROWS: list[dict[str, object]] = [
    {"gold_id": f"q{i}", "text": "naïve 中 \u2028 😀", "n": i} for i in range(3)
]
LAST_LINE_BYTES = 52

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def append(file: Path, rows: list[dict[str, object]]) -> None:
    with append_jsonl(file) as writer:
        for row in rows:
            writer.write(row)


def completion(gold_id: str, text: str = "x", **fields: object) -> dict[str, object]:
    values = {"gold_id": gold_id, "text": text, "finish": "stop", "prompt_tokens": 1, **fields}
    return Completion.model_validate(values).model_dump(mode="json")


def test_appended_rows_are_read_back_in_order(tmp_path: Path) -> None:
    append(tmp_path / "f.jsonl", ROWS[:1])
    append(tmp_path / "f.jsonl", ROWS[1:])

    assert list(read_lines(tmp_path / "f.jsonl")) == ROWS


def test_a_row_can_be_read_while_the_writer_is_still_open(tmp_path: Path) -> None:
    with append_jsonl(tmp_path / "f.jsonl") as writer:
        writer.write(ROWS[0])

        assert list(read_lines(tmp_path / "f.jsonl")) == ROWS[:1]


def test_a_file_that_does_not_exist_has_no_lines(tmp_path: Path) -> None:
    assert list(read_lines(tmp_path / "none.jsonl")) == []


def test_the_torn_line_test_covers_the_whole_last_line(tmp_path: Path) -> None:
    append(tmp_path / "f.jsonl", ROWS)

    assert len((tmp_path / "f.jsonl").read_bytes().splitlines(keepends=True)[-1]) == LAST_LINE_BYTES


@pytest.mark.parametrize("kept", range(LAST_LINE_BYTES))
def test_a_line_torn_at_any_byte_is_ignored_cut_off_and_written_again(
    tmp_path: Path, kept: int
) -> None:
    file = tmp_path / "f.jsonl"
    append(file, ROWS)
    undisturbed = file.read_bytes()
    file.write_bytes(undisturbed[: len(undisturbed) - LAST_LINE_BYTES + kept])

    seen = list(read_lines(file))
    append(file, ROWS[2:])

    assert seen == ROWS[:2]
    assert file.read_bytes() == undisturbed


DAMAGES = {
    "half a line": b'{"gold_id": "q\n',
    "zeros": b"\x00\x00\x00\n",
    "not UTF-8": b'{"a": "\xff"}\n',
    "an empty line": b"\n",
    "a list": b"[1]\n",
    "a number": b"7\n",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_line_before_the_last_is_named(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "f.jsonl"
    append(file, ROWS)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + damage + lines[2])

    with pytest.raises(StoreError, match=r"f\.jsonl:2: this line is damaged"):
        list(read_lines(file))


def test_a_line_that_is_no_completion_is_named(tmp_path: Path) -> None:
    append(tmp_path / "completions.jsonl", [completion("q1"), {"gold_id": "q2"}])

    with pytest.raises(StoreError, match=r"completions\.jsonl:2: not a completion"):
        RunFolder(path=tmp_path).completions()


def test_an_answer_with_an_error_does_not_count_as_done(tmp_path: Path) -> None:
    append(tmp_path / "completions.jsonl", [completion("q1", finish="error", error="no")])

    assert RunFolder(path=tmp_path).completions() == {}


def test_an_answer_after_an_error_counts(tmp_path: Path) -> None:
    rows = [completion("q1", finish="error", error="no"), completion("q1", "yes")]
    append(tmp_path / "completions.jsonl", rows)

    assert RunFolder(path=tmp_path).completions()["q1"].text == "yes"


def test_a_folder_locked_by_another_process_is_refused(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLD,
            str(tmp_path / ".lock"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        with (
            pytest.raises(StoreError, match="another process is working on this"),
            RunFolder(path=tmp_path).append_completions(),
        ):
            pass
        holder.communicate()

    assert not (tmp_path / "completions.jsonl").exists()


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    with locked(tmp_path):
        pass

    with locked(tmp_path):
        assert (tmp_path / ".lock").exists()


def test_a_failing_write_leaves_the_old_file_and_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "f.json", "old")
    monkeypatch.setattr(store.os, "fsync", full_disk)

    with pytest.raises(StoreError, match="No space left on device"):
        write_text(tmp_path / "f.json", "new")

    assert [file.name for file in tmp_path.iterdir()] == ["f.json"]
    assert (tmp_path / "f.json").read_text(encoding="utf-8") == "old"


def full_disk(*arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


class FullDisk:
    name = "f.jsonl"

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None: ...


def test_a_full_disk_is_told_with_what_to_do() -> None:
    writer = store.JsonlWriter(FullDisk())  # pyright: ignore[reportArgumentType] - a failing stream

    with pytest.raises(StoreError, match="No space left on device; what was stored before is safe"):
        writer.write({"a": 1})


def test_an_error_of_the_caller_is_not_blamed_on_the_store(tmp_path: Path) -> None:
    with (
        pytest.raises(ConnectionError, match="engine gone"),
        append_jsonl(tmp_path / "f.jsonl"),
    ):
        raise ConnectionError("engine gone")


def test_what_was_written_before_an_error_is_kept(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), append_jsonl(tmp_path / "f.jsonl") as writer:
        writer.write(ROWS[0])
        raise RuntimeError

    assert list(read_lines(tmp_path / "f.jsonl")) == ROWS[:1]


def test_writing_below_a_file_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="cannot be written"):
        write_json(tmp_path / "file" / "x.json", {})


def test_json_is_written_sorted_and_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "f.json", {"b": 1, "a": "中"})

    assert (tmp_path / "f.json").read_text(encoding="utf-8") == '{\n "a": "中",\n "b": 1\n}\n'


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"manifest\.json: missing; is this a run folder\?"):
        _ = RunFolder(path=tmp_path).manifest


def test_a_damaged_manifest_is_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")

    with pytest.raises(StoreError, match=r"manifest\.json: cannot be read"):
        read_json(tmp_path / "manifest.json")


def test_creating_a_run_twice_keeps_the_first_provenance(tmp_path: Path) -> None:
    folder = RunFolder(path=tmp_path / "run")

    folder.create({"a": 1}, {"when": "first"})
    folder.create({"a": 1}, {"when": "second"})

    assert folder.manifest == {"identity": {"a": 1}, "provenance": {"when": "first"}}


def test_equal_identities_share_a_folder_and_others_do_not(tmp_path: Path) -> None:
    one = run_folder(tmp_path, "s", "base", {"a": 1, "b": 2})
    same = run_folder(tmp_path, "s", "base", {"b": 2, "a": 1})
    other = run_folder(tmp_path, "s", "base", {"a": 1, "b": 3})

    assert one == same
    assert one != other
    assert one.path.parent == tmp_path / "s"
    assert one.path.name.startswith("base-")


def test_events_are_read_by_kind(tmp_path: Path) -> None:
    folder = RunFolder(path=tmp_path)

    folder.log("session", seconds=1)
    folder.log("other")
    folder.log("session", seconds=2)

    assert [event["seconds"] for event in folder.events("session")] == [1, 2]


def test_a_kept_gold_set_is_read_back_equal(tmp_path: Path) -> None:
    record = GoldRecord(id="a", task="t", input="中", references=("x",), slices={"s": "1"})

    file = keep_gold(tmp_path, "abc", [record])

    assert [GoldRecord.model_validate(row) for row in read_lines(file)] == [record]
