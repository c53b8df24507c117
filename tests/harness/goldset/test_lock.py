from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import GoldError
from harness.goldset.lock import (
    LOCK_FILE,
    change_since,
    lock_file,
    lock_findings,
    lock_gold,
    read_lock,
    version_of,
    write_lock,
)
from harness.store import keep_gold
from harness.suite import Suite
from tests.harness.goldset.support import Rows, qa, suite_of

TASKS = "  qa: {metrics: [exact_match]}\n"
FIRST = [qa(1, "One?", "1"), qa(2, "Two?", "2"), qa(3, "Three?", "3")]
SECOND = [qa(1, "One?", "1"), qa(2, "Two?", "two"), qa(4, "Four?", "4")]
THIRD = [qa(1, "One?", "1"), qa(2, "Two?", "two"), qa(3, "Three!?", "3"), qa(4, "Four?", "4")]


def locked(folder: Path, rows: Rows, version: str, *, note: str = "why") -> Suite:
    suite = suite_of(folder, TASKS, rows, version=version)
    write_lock(suite, lock_gold(suite, note=note, date="2026-01-02"))
    return suite


def test_the_history_says_what_was_added_removed_and_changed(tmp_path: Path) -> None:
    locked(tmp_path, FIRST, "1.0.0", note="first")
    suite = locked(tmp_path, SECOND, "1.1.0", note="mended two")

    lock = read_lock(suite)

    assert lock is not None
    assert [(e.version, e.n_items, e.note) for e in lock.history] == [
        ("1.0.0", 3, "first"),
        ("1.1.0", 3, "mended two"),
    ]
    assert (lock.history[1].added, lock.history[1].removed) == (("q4",), ("q3",))
    assert lock.history[1].changed == ("q2",)
    assert lock.history[1].digest == suite.gold_digest


def test_a_changed_set_needs_a_new_version(tmp_path: Path) -> None:
    locked(tmp_path, FIRST, "1.0.0")
    suite = suite_of(tmp_path, TASKS, SECOND)

    with pytest.raises(GoldError, match=r"1 added \(q4\); 1 removed \(q3\); 1 changed \(q2\)"):
        lock_gold(suite, note="again", date="2026-01-03")


def test_an_earlier_version_number_is_not_given_again(tmp_path: Path) -> None:
    locked(tmp_path, FIRST, "1.0.0")
    locked(tmp_path, SECOND, "1.1.0")
    suite = suite_of(tmp_path, TASKS, THIRD, version="1.0.0")

    with pytest.raises(GoldError, match=r"since version 1\.0\.0 was locked"):
        lock_gold(suite, note="again", date="2026-01-03")


def test_an_unchanged_set_is_not_locked_twice(tmp_path: Path) -> None:
    suite = locked(tmp_path, FIRST, "1.0.0")

    with pytest.raises(GoldError, match="locked already"):
        lock_gold(suite, note="again", date="2026-01-03")


def test_the_order_of_the_lines_is_no_change(tmp_path: Path) -> None:
    locked(tmp_path, FIRST, "1.0.0")

    suite = suite_of(tmp_path, TASKS, FIRST[::-1])

    assert list(lock_findings(suite)) == []


def test_a_change_since_the_lock_is_reported_with_its_items(tmp_path: Path) -> None:
    locked(tmp_path, FIRST, "1.0.0")

    (finding,) = lock_findings(suite_of(tmp_path, TASKS, SECOND))

    assert (finding.severity, finding.kind) == ("warning", "changed_since_lock")
    assert finding.items == (("q4",), ("q2",))


def test_the_history_alone_tells_what_changed_since_an_old_run(tmp_path: Path) -> None:
    old = locked(tmp_path, FIRST, "1.0.0")
    locked(tmp_path, SECOND, "1.1.0")
    suite = locked(tmp_path, THIRD, "1.2.0")

    change = change_since(suite, old.gold_digest, tmp_path / "no-copy.jsonl")

    # q3 went and came back in other words: changed, neither added nor removed.
    assert change is not None
    assert (change.added, change.removed, change.changed) == (("q4",), (), ("q2", "q3"))
    assert version_of(suite, old.gold_digest) == "1.0.0"


def test_the_kept_copy_of_a_gold_set_tells_it_without_a_lock(tmp_path: Path) -> None:
    old = suite_of(tmp_path / "suite", TASKS, FIRST)
    kept = keep_gold(tmp_path / "runs", old.gold_digest, old.gold)
    suite = suite_of(tmp_path / "suite", TASKS, THIRD)

    change = change_since(suite, old.gold_digest, kept)

    assert str(change) == "1 added (q4); 2 changed (q2, q3)"


def test_nothing_is_told_of_a_set_that_nobody_knows(tmp_path: Path) -> None:
    suite = locked(tmp_path, FIRST, "1.0.0")

    assert change_since(suite, "0" * 64, tmp_path / "none.jsonl") is None
    assert version_of(suite, "0" * 64) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2}', '{"suite": "toy", "history": []}']
)
def test_a_damaged_lock_is_refused_by_name(tmp_path: Path, text: str) -> None:
    suite = suite_of(tmp_path, TASKS, FIRST)
    (tmp_path / LOCK_FILE).write_text(text, encoding="utf-8")

    with pytest.raises(GoldError, match=LOCK_FILE):
        read_lock(suite)


def test_another_suite_s_lock_is_refused(tmp_path: Path) -> None:
    suite = locked(tmp_path, FIRST, "1.0.0")
    file = tmp_path / LOCK_FILE
    file.write_text(file.read_text(encoding="utf-8").replace('"toy"', '"other"'), encoding="utf-8")

    with pytest.raises(GoldError, match="locks suite 'other'"):
        read_lock(suite)


def test_a_recipe_s_lock_bears_its_name_since_others_share_the_folder(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, TASKS, FIRST)
    recipe = replace(suite, file=tmp_path / "gsm8k.yaml")

    assert lock_file(suite).name == "gold.lock.json"
    assert lock_file(recipe).name == "gsm8k.gold.lock.json"
