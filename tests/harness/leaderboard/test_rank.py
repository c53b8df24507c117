"""The order of the models, on the recorded demo and on toy runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from harness.errors import ConfigError, InputError, UnknownNameError
from harness.leaderboard.board import Board, Status, status_of, tied_with_first
from harness.scoring import score_run
from harness.stats.ranking import Rank, weight_sensitivity
from harness.store import RunFolder
from harness.suite import load_suite
from tests.harness.leaderboard.support import (
    BOTH,
    DEMO,
    LOOP,
    TOY,
    WEIGHED,
    N,
    Toy,
    demo_board,
    entry,
)


@pytest.fixture(scope="module")
def demo(ROOT: Path, tmp_path_factory: pytest.TempPathFactory) -> Board:
    runs = tmp_path_factory.mktemp("demo") / "runs"
    shutil.copytree(ROOT / "tests" / "data" / "demo", runs)
    return demo_board(ROOT, runs)


def test_the_demo_has_a_first_a_tie_group_and_a_last(demo: Board) -> None:
    assert [one.name for one in demo.ranked] == [
        "lora-r16-replay",
        "lora-r8",
        "base",
        "lora-excess",
    ]
    assert [one.rank for one in demo.ranked] == [
        Rank(best=1, worst=1),
        Rank(best=2, worst=3),
        Rank(best=2, worst=3),
        Rank(best=4, worst=4),
    ]
    assert len({one.tie for one in demo.ranked[1:3]}) == 1
    assert len({one.tie for one in demo.ranked}) == 3
    assert tied_with_first(demo) == 0
    assert demo.unranked == ()


def test_the_demo_forgets_in_one_suite_what_it_gains_in_the_other(demo: Board) -> None:
    excess = entry(demo, "lora-excess")
    ranks = {cell.suite: cell.rank for cell in excess.cells}
    assert ranks == {"clinic-en": Rank(best=2, worst=3), "retention": Rank(best=4, worst=4)}


def test_values_of_the_demo_are_those_of_the_scores(
    demo: Board, ROOT: Path, demo_runs: Path
) -> None:
    cell = entry(demo, "base").cell("retention")
    suite = load_suite(ROOT / "suites" / "retention")
    assert cell is not None
    assert cell.value is not None
    scores = score_run(RunFolder(path=demo_runs / "retention" / cell.run), suite, "base")
    contains = next(one for one in scores if one.metric.name == "contains")
    assert cell.value.value == contains.value()
    assert cell.n == len(contains.planned) == 170


def test_composite_is_the_weighted_mean_of_the_scaled_values(demo: Board) -> None:
    assert [column.weight for column in demo.columns] == [
        pytest.approx(2 / 3),
        pytest.approx(1 / 3),
    ]
    for one in demo.ranked:
        clinic, retention = (cell.scaled for cell in one.cells)
        assert clinic is not None
        assert retention is not None
        assert one.composite is not None
        assert one.composite.value == pytest.approx(2 / 3 * clinic + 1 / 3 * retention, abs=1e-12)
        assert one.mean == pytest.approx((clinic + retention) / 2, abs=1e-12)


def test_weights_that_favour_retention_put_the_base_above_lora_r8(
    ROOT: Path, demo_runs: Path
) -> None:
    heavy = DEMO.replace("weight: 2", "weight: 0.1")

    board = demo_board(ROOT, demo_runs, heavy)

    assert [one.name for one in board.ranked][:3] == ["lora-r16-replay", "base", "lora-r8"]
    assert entry(board, "base").rank == Rank(best=2, worst=2)


def test_what_other_weights_would_change_is_told(demo: Board) -> None:
    assert entry(demo, "lora-r16-replay").weight_ranks == Rank(best=1, worst=1)
    assert entry(demo, "base").weight_ranks == Rank(best=2, worst=4)


def test_sensitivity_is_that_of_the_scaled_values(ROOT: Path, demo_runs: Path) -> None:
    # With equal weights, which are among those tried, base is second; with 200 to 1 it is last.
    board = demo_board(ROOT, demo_runs, DEMO.replace("weight: 2", "weight: 200"))

    scaled = np.asarray([[cell.scaled or 0 for cell in one.cells] for one in board.ranked])
    expected = weight_sensitivity(scaled, [200, 1], seed=12345)
    assert [one.weight_ranks for one in board.ranked] == expected
    assert entry(board, "base").rank == Rank(best=4, worst=4)
    assert entry(board, "base").weight_ranks == Rank(best=2, worst=4)


def test_without_weights_there_is_no_overall_rank(ROOT: Path, demo_runs: Path) -> None:
    board = demo_board(ROOT, demo_runs, DEMO.replace(", weight: 2", "").replace(", weight: 1", ""))

    assert not board.has_order
    assert not board.has_composite
    means = [one.mean for one in board.ranked]
    assert means == sorted(means, key=lambda value: -(value or 0))


def test_the_same_board_is_the_same_to_the_last_bit(ROOT: Path, demo_runs: Path) -> None:
    assert demo_board(ROOT, demo_runs).digest == demo_board(ROOT, demo_runs).digest


def test_models_far_apart_have_each_their_rank(toy: Toy) -> None:
    for name, right in (("low", 2), ("middle", 20), ("high", 38)):
        toy.run(name, right)

    board = toy.board()

    assert [(one.name, one.rank) for one in board.ranked] == [
        ("high", Rank(best=1, worst=1)),
        ("middle", Rank(best=2, worst=2)),
        ("low", Rank(best=3, worst=3)),
    ]
    assert board.openness == 0
    assert board.status == "preliminary"


def test_equal_models_share_all_ranks(toy: Toy) -> None:
    for name in ("a", "b", "c"):
        toy.run(name, 20)

    board = toy.board()

    assert {one.rank for one in board.ranked} == {Rank(best=1, worst=3)}
    assert {one.tie for one in board.ranked} == {1}
    assert board.openness == 1
    assert tied_with_first(board) == 2


def test_the_only_model_is_first(toy: Toy) -> None:
    toy.run("alone", 20)

    board = toy.board()

    assert board.ranked[0].rank == Rank(best=1, worst=1)


def test_the_only_model_is_first_by_composite(toy: Toy) -> None:
    toy.run("alone", 20)
    toy.run("alone", 20, suite="two")

    board = toy.board(WEIGHED)

    assert board.ranked[0].rank == board.ranked[0].weight_ranks == Rank(best=1, worst=1)
    assert board.ranked[0].win_rate is None


def test_where_less_is_better_the_least_is_first(toy: Toy) -> None:
    toy.run("circles", 0, wrong=LOOP)
    toy.run("mostly", 36, wrong=LOOP)
    toy.run("never", 0)

    board = toy.board(TOY.replace("exact_match", "repetition"))

    assert [one.name for one in board.ranked] == ["never", "mostly", "circles"]
    assert board.columns[0].better == "lower"
    assert [one.rank and one.rank.best for one in board.ranked] == [1, 1, 3]
    assert [one.cells[0].scaled for one in board.ranked] == [1.0, pytest.approx(0.9), 0.0]


def test_composite_turns_round_what_is_better_when_less(toy: Toy) -> None:
    toy.run("good", 30)
    toy.run("good", 0, suite="two")
    toy.run("bad", 30)
    toy.run("bad", 0, suite="two", wrong=LOOP)

    board = toy.board(WEIGHED)

    composites = {one.name: one.composite and one.composite.value for one in board.ranked}
    assert composites == {
        "good": pytest.approx(0.75 * 0.75 + 0.25),
        "bad": pytest.approx(0.75 * 0.75),
    }
    assert [one.name for one in board.ranked] == ["good", "bad"]


def test_win_rate_is_the_mean_share_of_models_that_are_beaten(toy: Toy) -> None:
    for name, one, two in (("a", 30, 10), ("b", 20, 20), ("c", 10, 10)):
        toy.run(name, one)
        toy.run(name, two, suite="two")

    board = toy.board(BOTH)

    assert {one.name: one.win_rate for one in board.ranked} == {
        "a": pytest.approx((1 + 0.25) / 2),
        "b": pytest.approx((0.5 + 1) / 2),
        "c": pytest.approx((0 + 0.25) / 2),
    }


def test_an_older_run_of_the_same_model_does_not_count(toy: Toy) -> None:
    toy.run("a", 10, created="2026-01-01T00:00:00+00:00")
    toy.run("a", 30, created="2026-02-01T00:00:00+00:00")
    toy.run("b", 20)

    board = toy.board()

    value = entry(board, "a").cells[0].value
    assert value is not None
    assert value.value == 30 / N
    assert board.notes == ("older runs of the same models, not used: 1",)


def test_two_models_of_one_name_are_told_apart(toy: Toy) -> None:
    toy.run("a", 10, adapter="1" * 64)
    toy.run("a", 30, adapter="2" * 64)

    board = toy.board()

    assert [one.name for one in board.ranked] == ["a (22222222)", "a (11111111)"]


def test_a_metric_without_bounds_has_no_part_in_a_composite(toy: Toy) -> None:
    toy.run("a", 10)
    toy.run("a", 10, suite="two")

    with pytest.raises(ConfigError, match="two: ter has no bounds"):
        toy.board(WEIGHED.replace("repetition", "ter"))


def test_a_metric_without_bounds_ranks_its_suite(toy: Toy) -> None:
    toy.run("a", 38)
    toy.run("b", 2)

    board = toy.board(TOY.replace("exact_match", "ter"))

    assert [one.name for one in board.ranked] == ["a", "b"]
    assert board.columns[0].high is None
    assert board.ranked[0].cells[0].scaled is None


def test_a_gauge_ranks_nothing(toy: Toy) -> None:
    toy.run("a", 10)

    with pytest.raises(InputError, match="length has no better side"):
        toy.board(TOY.replace("exact_match", "length"))


def test_a_suite_with_many_metrics_asks_which_decides(toy: Toy) -> None:
    toy.run("a", 10)

    with pytest.raises(ConfigError, match="which metric decides on one"):
        toy.board("name: b\nsuites: [one]\nruns: [runs]\n")


def test_a_metric_that_the_suite_does_not_have_is_named(toy: Toy) -> None:
    toy.run("a", 10)

    with pytest.raises(UnknownNameError, match="exact_match"):
        toy.board(TOY.replace("exact_match", "exact_mach"))


def test_a_place_without_runs_is_named(toy: Toy) -> None:
    toy.run("a", 10)

    with pytest.raises(InputError, match="elsewhere: no such folder"):
        toy.board(TOY.replace("[runs]", "[runs, elsewhere]"))


@pytest.mark.parametrize(
    ("n_groups", "openness", "status"),
    [
        (99, 0.0, "preliminary"),
        (100, 0.5, "usable"),
        (100, 0.51, "preliminary"),
        (399, 0.0, "usable"),
        (400, 0.2, "established"),
        (400, 0.21, "usable"),
    ],
)
def test_status_is_by_units_and_by_what_is_open(
    n_groups: int, openness: float, status: Status
) -> None:
    assert status_of(n_groups, openness) == status


def test_status_grows_with_the_items(toy: Toy) -> None:
    toy.suite("one", n=400)
    toy.run("a", 300)
    toy.run("b", 100)

    board = toy.board()

    assert board.status == board.columns[0].status == "established"
