"""Immutable snapshots, and what changed since."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.digest import digest_of
from harness.errors import InputError, StoreError
from harness.leaderboard.changes import changes
from harness.leaderboard.snapshot import FILE, latest, publish, read_snapshot
from tests.harness.leaderboard.support import TOY, WEIGHED, Toy

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def published(toy: Toy) -> Path:
    """Two snapshots: of two models, then of three."""
    home = toy.place / "published"
    toy.run("a", 30)
    toy.run("b", 10)
    publish(toy.board(), home, now=NOW)
    toy.run("c", 38)
    publish(toy.board(), home, now=NOW)
    return home / "toy"


def loosened(folder: Path) -> Path:
    """Return a snapshot's file, made writable as somebody who edits it would."""
    file = folder / FILE
    file.chmod(0o644)
    return file


def test_the_first_has_no_parent_and_no_changes(toy: Toy) -> None:
    toy.run("a", 30)

    stored = publish(toy.board(), toy.place / "published", now=NOW)

    assert stored.is_new
    assert stored.snapshot.number == 1
    assert stored.snapshot.parent is None
    assert stored.snapshot.changes == ()
    assert stored.snapshot.created == "2026-01-02T00:00:00+00:00"
    assert stored.path.name == f"1-{stored.snapshot.digest[:12]}"
    assert [path.name for path in stored.path.iterdir()] == [FILE]


def test_what_is_read_back_is_what_was_published(toy: Toy) -> None:
    toy.run("a", 30)
    toy.run("a", 0, suite="two", wrong="odd")
    board = toy.board(WEIGHED)

    stored = publish(board, toy.place / "published")

    assert read_snapshot(stored.path) == stored.snapshot
    assert read_snapshot(stored.path / FILE).board == board
    assert read_snapshot(stored.path).board.digest == board.digest


def test_the_next_names_its_parent_and_what_changed(published: Path) -> None:
    last = latest(published)
    first = read_snapshot(next(published.glob("1-*")))

    assert last is not None
    assert last.snapshot.number == 2
    assert last.snapshot.parent == first.digest
    assert [change.text for change in last.snapshot.changes] == [
        "c: new, rank 1",
        "a: rank 2 instead of 1",
        "b: rank 3 instead of 2",
    ]


def test_an_unchanged_board_writes_nothing(toy: Toy, published: Path) -> None:
    before = sorted(path.name for path in published.glob("[0-9]*"))

    stored = publish(toy.board(), published.parent)

    assert not stored.is_new
    assert stored.snapshot.number == 2
    assert sorted(path.name for path in published.glob("[0-9]*")) == before


def test_a_snapshot_is_never_written_over(toy: Toy, published: Path) -> None:
    first = next(published.glob("1-*")) / FILE
    before = first.read_bytes()
    toy.run("d", 5)

    publish(toy.board(), published.parent)

    assert first.read_bytes() == before
    assert first.stat().st_mode & 0o222 == 0
    assert len(list(published.glob("[0-9]*"))) == 3


def test_an_edited_snapshot_is_refused(toy: Toy, published: Path) -> None:
    file = loosened(next(published.glob("1-*")))
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"worst": 2', '"worst": 1', 1), encoding="utf-8")
    assert file.read_text(encoding="utf-8") != text
    toy.run("d", 5)

    with pytest.raises(StoreError, match="was changed after it was published"):
        publish(toy.board(), published.parent)


def test_an_edited_snapshot_with_a_new_digest_breaks_the_chain(published: Path) -> None:
    folder = next(published.glob("1-*"))
    file = loosened(folder)
    value = json.loads(file.read_text(encoding="utf-8"))
    value["created"] = "2020-01-01T00:00:00+00:00"
    value["digest"] = digest_of({key: one for key, one in value.items() if key != "digest"})
    file.write_text(json.dumps(value), encoding="utf-8")

    with pytest.raises(StoreError, match="its folder should be called"):
        latest(published)

    folder.rename(published / f"1-{value['digest'][:12]}")
    with pytest.raises(StoreError, match="does not follow snapshot 1"):
        latest(published)


def test_a_snapshot_of_a_version_that_knew_fewer_fields_is_still_whole(published: Path) -> None:
    first = next(published.glob("1-*"))
    value = json.loads((first / FILE).read_text(encoding="utf-8"))
    del value["board"]["notes"]
    del value["digest"]
    value["digest"] = digest_of(value)
    older = published.parent / f"1-{value['digest'][:12]}"
    older.mkdir()
    (older / FILE).write_text(json.dumps(value), encoding="utf-8")

    assert read_snapshot(older).board == read_snapshot(first).board


def test_a_missing_snapshot_is_noticed(published: Path) -> None:
    first = next(published.glob("1-*"))
    first.rename(published / "kept-elsewhere")

    with pytest.raises(StoreError, match="a snapshot is missing or was exchanged"):
        latest(published)


def test_a_boards_folder_stands_for_its_last_snapshot(published: Path) -> None:
    assert read_snapshot(published).number == 2


def test_where_nothing_was_published_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone"):
        with pytest.raises(InputError, match="no published board here"):
            read_snapshot(path)


def test_what_is_no_snapshot_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}", encoding="utf-8")

    with pytest.raises(StoreError, match="not a published board"):
        read_snapshot(tmp_path)


def test_a_crash_while_publishing_leaves_no_half_snapshot(toy: Toy, published: Path) -> None:
    (published / ".3-000000000000.part").mkdir()
    toy.run("d", 5)

    stored = publish(toy.board(), published.parent)

    assert stored.snapshot.number == 3
    assert latest(published) is not None


def test_nothing_changes_from_a_board_to_itself(toy: Toy) -> None:
    toy.run("a", 30)
    board = toy.board()

    assert changes(board, board) == ()


def test_changes_of_models_are_told(toy: Toy) -> None:
    toy.run("gone", 1)
    toy.run("same", 20)
    toy.run("late", 39, answered=39)
    toy.run("spoilt", 39)
    before = toy.board()
    for path in (toy.place / "runs" / "one").iterdir():
        (path / "manifest.json").unlink()
    toy.run("same", 20, model="f" * 64)
    toy.run("late", 39, created="2026-02-01T00:00:00+00:00")
    toy.run("spoilt", 39, created="2026-02-01T00:00:00+00:00", template="u" * 64)
    toy.run("new", 1, model="org/new")

    after = toy.board()
    told = {(change.code, change.name) for change in changes(before, after)}

    assert told == {
        ("replaced", "same"),
        ("ranked", "late"),
        ("unranked", "spoilt"),
        ("added", "new"),
        ("removed", "gone"),
    }


def test_changes_of_suites_are_told(toy: Toy) -> None:
    toy.run("a", 30)
    toy.run("a", 30, suite="two")
    one = toy.board()
    both = toy.board(WEIGHED)
    lighter = toy.board(WEIGHED.replace("weight: 3", "weight: 1"))
    other = toy.board(TOY.replace("exact_match", "repetition") + "limits: {coverage: 0.5}\n")
    toy.suite("one", question="Other question")
    toy.run("a", 30)
    gold = toy.board()

    assert [(c.code, c.name) for c in changes(one, both)][:2] == [
        ("weight", "one"),
        ("suite_added", "two"),
    ]
    assert ("suite_removed", "two") in [(c.code, c.name) for c in changes(both, one)]
    assert [(c.code, c.before, c.after) for c in changes(both, lighter)] == [
        ("weight", "0.75", "0.5"),
        ("weight", "0.25", "0.5"),
    ]
    assert [(c.code, c.after) for c in changes(one, other)] == [
        ("metric", "repetition"),
        ("limits", "coverage 0.5, leaked items 0"),
    ]
    assert [(c.code, c.name) for c in changes(one, gold)] == [("gold", "one")]
