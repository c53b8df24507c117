"""Boards of pairwise votes, from the file on."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest

from harness.errors import DataError, IncomparableError
from harness.leaderboard.board import Board
from harness.leaderboard.config import BoardConfig
from harness.leaderboard.exports.text import as_markdown
from harness.leaderboard.votes import read_votes, votes_board

CITED = {
    ("Biometrika", "Comm Statist"): (730, 33),
    ("Biometrika", "JASA"): (498, 320),
    ("Biometrika", "JRSS-B"): (221, 284),
    ("Comm Statist", "JASA"): (68, 813),
    ("Comm Statist", "JRSS-B"): (17, 276),
    ("JASA", "JRSS-B"): (142, 325),
}
"""Who cited whom among four journals (Stigler 1994, as in R's BradleyTerry2): wins of each side."""


def vote(a: str, b: str, winner: str, *, item: int = 0, rater: int = 0) -> str:
    row = {"item": f"i{item}", "rater": f"r{rater}", "a": a, "b": b, "winner": winner}
    return json.dumps(row, ensure_ascii=False) + "\n"


def board_of(folder: Path, text: str, **config: float) -> Board:
    (folder / "votes.jsonl").write_text(text, encoding="utf-8")
    told = {"name": "liked", "votes": "votes.jsonl", **config}
    return votes_board(BoardConfig.model_validate(told), folder)


def test_stiglers_citations_from_a_file_give_the_published_strengths(tmp_path: Path) -> None:
    lines = [
        vote(a, b, winner, item=i)
        for (a, b), wins in CITED.items()
        for winner, n in zip("ab", wins, strict=True)
        for i in range(n)
    ]

    board = board_of(tmp_path, "".join(lines), ridge=1e-12)

    strengths = {one.name: one.strength.value for one in board.entries if one.strength}
    first = strengths["Biometrika"]
    assert {name: value - first for name, value in strengths.items()} == {
        "Biometrika": 0,
        "Comm Statist": pytest.approx(-2.94907, abs=5e-6),
        "JASA": pytest.approx(-0.47957, abs=5e-6),
        "JRSS-B": pytest.approx(0.26895, abs=5e-6),
    }
    assert [one.name for one in board.entries] == ["JRSS-B", "Biometrika", "JASA", "Comm Statist"]
    assert board.entries[0].tally is not None
    assert board.entries[0].tally.beaten == (0, 284, 325, 276)
    assert board.n_votes == sum(sum(wins) for wins in CITED.values())


def test_models_that_never_met_are_refused_with_their_groups(tmp_path: Path) -> None:
    text = vote("a", "b", "a") + vote("b", "a", "a") + vote("c", "d", "tie")

    with pytest.raises(IncomparableError, match=r"2 groups that never met.*: a, b; c, d\.") as told:
        board_of(tmp_path, text)

    assert told.value.exit_code == 2


def test_ties_are_half_a_win(tmp_path: Path) -> None:
    board = board_of(tmp_path, "".join(vote("a", "b", "tie", item=i) for i in range(10)))

    tallies = {one.name: one.tally for one in board.entries}
    assert tallies["a"] is not None
    assert (tallies["a"].wins, tallies["a"].ties, tallies["a"].losses) == (0, 10, 0)
    assert tallies["a"].beaten == (0, 5)
    assert tallies["a"].out_of_ten == pytest.approx(5)
    assert board.openness == 1


def test_sides_do_not_matter(tmp_path: Path) -> None:
    winners = ["a", "a", "b", "tie"] * 10
    turned = {"a": "b", "b": "a", "tie": "tie"}
    one = "".join(vote("x", "y", w, item=i) for i, w in enumerate(winners))
    other = "".join(vote("y", "x", turned[w], item=i) for i, w in enumerate(winners))

    left, right = board_of(tmp_path, one), board_of(tmp_path, other)

    for mine, theirs in zip(left.entries, right.entries, strict=True):
        assert mine.name == theirs.name
        assert mine.tally == theirs.tally
        assert mine.rank == theirs.rank
        assert mine.strength is not None
        assert theirs.strength is not None
        assert mine.strength.value == pytest.approx(theirs.strength.value, abs=1e-9)


def test_few_raters_keep_a_board_preliminary(tmp_path: Path) -> None:
    def lines(raters: int) -> str:
        return "".join(
            vote("x", "y", "b" if i % 7 == 0 else "a", item=i, rater=i % raters) for i in range(400)
        )

    assert board_of(tmp_path, lines(4)).status == "preliminary"
    assert board_of(tmp_path, lines(5)).status == "established"


def test_many_models_are_put_in_order(tmp_path: Path) -> None:
    names = ["first", "second", "third"]
    text = "".join(
        vote(a, b, "a" if (names.index(a) < names.index(b)) != (i % 8 == 0) else "b",
             item=i, rater=i % 7)
        for i in range(300)
        for a, b in permutations(names, 2)
    )  # fmt: skip

    board = board_of(tmp_path, text)

    assert [one.name for one in board.entries] == names
    assert [(one.rank and one.rank.best) for one in board.entries] == [1, 2, 3]
    assert "| 1 | first |" in as_markdown(board)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (vote("a", "a", "a"), "'a' is compared with itself"),
        (vote("a", "b", "c"), "winner"),
        (vote("", "b", "a"), "a"),
        ('{"item": "i"}\n', "rater"),
        ("not json\n", "JSON"),
        (vote("a", "b", "a").replace('"item"', '"itm"'), "itm"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "votes.jsonl"
    file.write_text(vote("a", "b", "a") + line, encoding="utf-8")

    with pytest.raises(DataError, match=told) as error:
        read_votes(file)

    assert f"{file}:2" in str(error.value)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "votes.jsonl").write_text("", encoding="utf-8")

    with pytest.raises(DataError, match=r"votes\.jsonl: no votes"):
        read_votes(tmp_path / "votes.jsonl")


def test_chinese_names_are_kept(tmp_path: Path) -> None:
    text = "".join(vote("模型甲", "模型乙", "a" if i % 4 else "b", item=i) for i in range(40))

    assert board_of(tmp_path, text).entries[0].name == "模型甲"
