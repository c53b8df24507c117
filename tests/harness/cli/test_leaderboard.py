"""`tunemark leaderboard`: boards, runs, votes and snapshots, and all that is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.cli.support import Done
from tests.harness.leaderboard.support import BOTH, DEMO, TOY, WEIGHED, Toy

Command = Callable[..., Done]


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    made = Toy(tmp_path / "toy")
    made.place.mkdir()
    for suite in ("one", "two"):
        made.suite(suite)
        made.run("good", 38, suite=suite)
        made.run("bad", 2, suite=suite)
    return made


@pytest.fixture
def votes(tmp_path: Path) -> Callable[..., Path]:
    def write(*pairs: tuple[str, str]) -> Path:
        lines = [
            {"item": f"q{i}", "rater": f"r{i % 3}", "a": a, "b": b, "winner": "a" if i % 6 else "b"}
            for a, b in pairs
            for i in range(30)
        ]
        file = tmp_path / "liked.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return file

    return write


def test_the_demo_is_put_in_order(
    tunemark: Command, ROOT: Path, demo_runs: Path, tmp_path: Path
) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(DEMO.format(root=ROOT, runs=demo_runs), encoding="utf-8")

    done = tunemark("leaderboard", file)

    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines() if "[" in line]
    assert [row[:2] for row in rows] == [
        ["1", "lora-r16-replay"],
        ["2–3", "lora-r8"],
        ["2–3", "base"],
        ["4", "lora-excess"],
    ]
    assert "lora-r16-replay is first of 4. Status: preliminary" in done.out


def test_the_documented_board_prints_what_the_document_says(
    tunemark: Command, ROOT: Path, demo_runs: Path
) -> None:
    text = (ROOT / "docs" / "leaderboard.md").read_text(encoding="utf-8")
    board, printed = re.findall(r"```(?:yaml)?\n(.*?)```", text, re.DOTALL)[:2]
    file = demo_runs.parent / "board.yaml"
    file.write_text(board, encoding="utf-8")

    done = tunemark("leaderboard", file)

    assert [line.rstrip() for line in done.out.splitlines()] == printed.splitlines()


def test_the_short_form_says_the_same_as_a_file(tunemark: Command, toy: Toy) -> None:
    short = tunemark(
        "leaderboard", toy.place / "runs", "--suite", toy.place / "one", "--metric", "exact_match",
        "--json",
    )  # fmt: skip
    whole = tunemark("leaderboard", toy.file(TOY), "--json")

    one, other = json.loads(short.out), json.loads(whole.out)
    assert short.code == whole.code == 0
    assert one["config"]["name"] == "one"
    assert one["entries"] == other["entries"]
    assert one["columns"] == other["columns"]


def test_a_board_of_several_suites_gets_a_name_of_theirs(tunemark: Command, toy: Toy) -> None:
    done = tunemark(
        "leaderboard", toy.place / "runs", "--suite", toy.place / "one", "--suite",
        toy.place / "two", "--metric", "exact_match", "--json",
    )  # fmt: skip

    assert done.code == 0
    assert json.loads(done.out)["config"]["name"] == "one-two"


@pytest.mark.parametrize("name", ["a/b", "榜单", "", "../x"])
def test_a_name_that_is_no_folder_is_refused(tunemark: Command, toy: Toy, name: str) -> None:
    done = tunemark(
        "leaderboard", toy.place / "runs", "--suite", toy.place / "one", "--metric", "exact_match",
        "--name", name,
    )  # fmt: skip

    assert done.code == 2
    assert done.err.startswith("Error: --name")
    assert "Traceback" not in done.err


def test_runs_without_a_suite_ask_for_it(tunemark: Command, toy: Toy) -> None:
    done = tunemark("leaderboard", toy.place / "runs")

    assert done.code == 2
    assert "--suite" in done.err


def test_a_file_leaves_nothing_to_add(tunemark: Command, toy: Toy) -> None:
    done = tunemark("leaderboard", toy.file(TOY), "--suite", toy.place / "one")

    assert done.code == 2
    assert "says everything by itself" in done.err


def test_a_wrong_file_is_told_with_its_line(tunemark: Command, toy: Toy) -> None:
    file = toy.file(TOY + "limits: {coverage: 2}\n")

    done = tunemark("leaderboard", file)

    assert done.code == 2
    assert done.err.startswith(f"Error: {file}:5")
    assert "coverage" in done.err
    assert len(done.err.splitlines()) == 1


def test_what_is_not_there_is_told(tunemark: Command, toy: Toy) -> None:
    gone = [
        tunemark("leaderboard", toy.place / "gone.yaml"),
        tunemark("leaderboard", toy.place / "gone.jsonl"),
        tunemark("leaderboard", toy.place / "gone", "--suite", toy.place / "one",
                 "--metric", "exact_match"),
        tunemark("leaderboard", toy.place / "runs", "--suite", toy.place / "gone"),
        tunemark("leaderboard", toy.file(TOY), "--against", toy.place / "gone"),
    ]  # fmt: skip

    assert [done.code for done in gone] == [2, 2, 2, 2, 2]
    assert all("gone" in done.err and "Traceback" not in done.err for done in gone)


def test_who_is_not_ranked_is_listed_with_the_reason(tunemark: Command, toy: Toy) -> None:
    toy.run("half", 20, answered=20)

    done = tunemark("leaderboard", toy.file(TOY))

    assert "Not ranked:\n  half: one: 20 of 40 items are answered and scored\n" in done.out


def test_everything_is_written_at_once(tunemark: Command, toy: Toy, tmp_path: Path) -> None:
    out = tmp_path / "out"

    done = tunemark(
        "leaderboard", toy.file(WEIGHED), "--html", out / "b.html", "--markdown", out / "b.md",
        "--csv", out / "b.csv", "--hf", out / "hf", "--eee", out / "eee", "--publish", out / "all",
    )  # fmt: skip

    assert done.code == 0
    assert (out / "b.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (out / "b.md").read_text(encoding="utf-8").startswith("# weighed")
    assert (out / "b.csv").read_text(encoding="utf-8").count("\n") == 5
    assert len(list((out / "hf").glob("*/README.md"))) == 2
    assert len(list((out / "eee").rglob("*.json"))) == 2
    assert len(list((out / "all" / "weighed").glob("1-*/board.json"))) == 1
    assert "no .eval_results for one, two" in done.err


def test_json_is_the_board_with_its_digest(tunemark: Command, toy: Toy) -> None:
    done = tunemark("leaderboard", toy.file(TOY), "--json")

    found = json.loads(done.out)
    assert found["kind"] == "scores"
    assert len(found["digest"]) == 64
    assert found["changes"] == []
    assert [one["name"] for one in found["entries"]] == ["good", "bad"]
    assert found["entries"][0]["rank"] == {"best": 1, "worst": 1}


def test_a_published_board_is_shown_without_its_runs(tunemark: Command, toy: Toy) -> None:
    shown = tunemark("leaderboard", toy.file(TOY), "--publish", toy.place / "all")
    snapshot = next((toy.place / "all" / "toy").glob("1-*"))
    (toy.place / "runs").rename(toy.place / "elsewhere")

    by_folder = tunemark("leaderboard", snapshot)
    by_file = tunemark("leaderboard", snapshot / "board.json")
    by_home = tunemark("leaderboard", snapshot.parent)

    assert by_folder.code == by_file.code == by_home.code == 0
    assert by_folder.out == by_file.out == by_home.out == shown.out


def test_publishing_twice_tells_changes_once(tunemark: Command, toy: Toy) -> None:
    file = toy.file(TOY)
    tunemark("leaderboard", file, "--publish", toy.place / "all")
    toy.run("best", 40)

    second = tunemark("leaderboard", file, "--publish", toy.place / "all")
    third = tunemark("leaderboard", file, "--publish", toy.place / "all")

    assert "Changes:\n  best: new, rank 1–2" in second.out
    assert "Changes" not in third.out
    assert "nothing changed since" in third.err
    assert len(list((toy.place / "all" / "toy").glob("[0-9]*"))) == 2


def test_changes_are_told_against_any_snapshot(tunemark: Command, toy: Toy) -> None:
    file = toy.file(TOY)
    tunemark("leaderboard", file, "--publish", toy.place / "all")
    snapshot = next((toy.place / "all" / "toy").glob("1-*"))
    same = tunemark("leaderboard", file, "--against", snapshot)
    toy.run("half", 20, answered=20)

    text = tunemark("leaderboard", file, "--against", snapshot)
    as_json = tunemark("leaderboard", file, "--against", snapshot, "--json")

    assert "No changes.\n" in same.out
    told = "half: new, not ranked (one: 20 of 40 items are answered and scored)"
    assert f"Changes:\n  {told}\n" in text.out
    assert [change["text"] for change in json.loads(as_json.out)["changes"]] == [told]


def test_an_edited_snapshot_is_refused(tunemark: Command, toy: Toy) -> None:
    tunemark("leaderboard", toy.file(TOY), "--publish", toy.place / "all")
    file = next((toy.place / "all" / "toy").glob("1-*/board.json"))
    file.chmod(0o644)
    text = file.read_text(encoding="utf-8").replace("2026-01-01", "2025-01-01")
    file.write_text(text, encoding="utf-8")

    for arguments in ([file], [toy.file(TOY), "--against", file], [toy.file(TOY), "--publish",
                      toy.place / "all"]):  # fmt: skip
        done = tunemark("leaderboard", *arguments)
        assert done.code == 1
        assert "was changed after it was published" in done.err


def test_votes_are_put_in_order(tunemark: Command, votes: Callable[..., Path]) -> None:
    done = tunemark("leaderboard", votes(("x", "y"), ("y", "z"), ("x", "z")))

    assert done.code == 0
    assert done.out.startswith("liked")
    rows = [line.split() for line in done.out.splitlines() if "[" in line]
    assert [row[1] for row in rows] == ["x", "y", "z"]


def test_votes_of_separate_groups_are_refused(
    tunemark: Command, votes: Callable[..., Path]
) -> None:
    done = tunemark("leaderboard", votes(("a", "b"), ("c", "d")))

    assert done.code == 2
    assert "2 groups that never met" in done.err
    assert "a, b; c, d" in done.err


def test_a_board_of_votes_is_the_same_from_everywhere(
    tunemark: Command, votes: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = votes(("x", "y"))
    here = tunemark("leaderboard", file, "--json")
    monkeypatch.chdir(file.parent)
    there = tunemark("leaderboard", file.name, "--json")

    assert json.loads(here.out)["digest"] == json.loads(there.out)["digest"]


def test_votes_are_no_evaluation_for_the_hub(
    tunemark: Command, votes: Callable[..., Path], tmp_path: Path
) -> None:
    done = tunemark("leaderboard", votes(("x", "y")), "--hf", tmp_path / "hf")

    assert done.code == 2
    assert "nothing for --hf" in done.err


def test_the_page_is_written_in_chinese(tunemark: Command, toy: Toy, tmp_path: Path) -> None:
    tunemark("leaderboard", toy.file(BOTH), "--html", tmp_path / "b.html", "--lang", "zh")

    page = (tmp_path / "b.html").read_text(encoding="utf-8")
    assert '<html lang="zh-Hans">' in page
    assert "名次" in page


def test_nothing_is_written_where_something_is_wrong(
    tunemark: Command, toy: Toy, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")

    done = tunemark("leaderboard", toy.file(TOY), "--markdown", tmp_path / "file" / "b.md")

    assert done.code in {1, 2}
    assert "Traceback" not in done.err
    assert "b.md" in done.err
