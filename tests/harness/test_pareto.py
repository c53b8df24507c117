from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare import Comparison
from harness.pareto import Cost, TradeOff, front, relative, trade_offs
from harness.stats.bootstrap import Interval
from harness.study_config import Role
from tests.harness.test_advice import found

ROLES: dict[str, Role] = {"clinic": "domain", "wards": "domain", "general": "retention", "math": "retention"}  # fmt: skip
points_strategy = st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=12)


def weigh(
    *comparisons: Comparison, **costs: tuple[float | None, int | None]
) -> dict[str, TradeOff]:
    names = ["base", *dict.fromkeys(c.configuration for c in comparisons)]
    known = {
        name: Cost(seconds=costs.get(name, (1.0, 1))[0], peak_bytes=costs.get(name, (1.0, 1))[1])
        for name in names
    }
    points = trade_offs(comparisons, ROLES, known, baseline="base")
    return {point.configuration: point for point in points}


def pair(name: str, gain: float, kept: float) -> tuple[Comparison, Comparison]:
    return found(name, "clinic", "improved", gain), found(name, "general", "no worse", kept)


def test_gain_is_the_mean_of_the_domain_primaries_as_shares_of_their_ranges() -> None:
    points = weigh(
        found("lora", "clinic", "improved", 0.2),
        found("lora", "wards", "improved", 30.0, metric="bleu", highest=100.0),
    )

    gain = points["lora"].gain
    assert gain is not None
    assert gain.value == pytest.approx((0.2 + 0.3) / 2)
    assert gain.low == pytest.approx((0.1 + 0.299) / 2)


def test_retention_is_the_primary_that_lost_most() -> None:
    points = weigh(
        found("lora", "clinic", "improved", 0.2),
        found("lora", "general", "no worse", 0.05),
        found("lora", "math", "regressed", -0.1),
    )

    kept = points["lora"].retention
    assert kept is not None
    assert (kept.value, points["lora"].worst) == (-0.1, "math token_f1")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (0.2, 0.1, 0.3)),
        ({"better": "lower"}, (-0.2, -0.3, -0.1)),
        ({"lowest": -1.0}, (0.1, 0.05, 0.15)),
        ({"highest": None}, (0.8, 0.4, 1.2)),  # of the baseline's 0.25
        ({"lowest": None, "better": "lower"}, (-0.8, -1.2, -0.4)),
    ],
)
def test_a_change_is_a_share_of_the_range_and_better_is_above_zero(
    fields: dict[str, Any], expected: tuple[float, float, float]
) -> None:
    change = relative(found("lora", "clinic", "improved", 0.2, **fields))

    assert change is not None
    assert (change.value, change.low, change.high) == pytest.approx(expected)


def test_a_change_without_a_range_from_nothing_has_no_share() -> None:
    nothing = Interval(value=0.0, low=0.0, high=0.0)

    assert relative(found("lora", "clinic", "improved", highest=None, before=nothing)) is None


def test_the_front_has_the_configurations_that_none_beats_in_both() -> None:
    points = weigh(
        *pair("gains", 0.3, -0.2), *pair("keeps", 0.1, -0.01), *pair("beaten", 0.1, -0.1)
    )

    assert {name for name, point in points.items() if point.is_on_front} == {
        "base",
        "gains",
        "keeps",
    }


def test_what_only_loses_is_beaten_by_the_baseline() -> None:
    points = weigh(*pair("worse", -0.1, -0.1))

    assert (points["base"].is_on_front, points["worse"].is_on_front) == (True, False)


def test_a_beaten_one_that_is_cheaper_is_on_the_front_with_costs() -> None:
    comparisons = (*pair("large", 0.3, 0.0), *pair("small", 0.2, 0.0), *pair("slow", 0.2, -0.1))
    points = weigh(*comparisons, large=(90.0, 9), small=(60.0, 9), slow=(60.0, 9))

    assert [points[name].is_on_front for name in ("large", "small", "slow")] == [True, False, False]
    assert [points[name].is_on_full_front for name in ("large", "small", "slow")] == [
        True,
        True,
        False,
    ]


def test_an_unknown_cost_is_no_place_on_the_front_with_costs() -> None:
    points = weigh(*pair("made elsewhere", 0.3, 0.0), **{"made elsewhere": (None, 9)})

    point = points["made elsewhere"]
    assert (point.is_on_front, point.is_on_full_front) == (True, None)


def test_a_primary_that_was_not_measured_is_no_place_on_the_front() -> None:
    points = weigh(*pair("whole", 0.1, 0.0), found("part", "clinic", "improved", 0.5))

    assert (points["part"].is_on_front, points["whole"].is_on_front) == (None, True)
    assert points["part"].retention is None


def test_without_retention_the_front_is_the_largest_gain() -> None:
    points = weigh(found("a", "clinic", "improved", 0.1), found("b", "clinic", "improved", 0.2))

    assert [point.is_on_front for point in points.values()] == [False, False, True]


def test_a_study_without_primaries_has_nothing_to_weigh() -> None:
    assert weigh(found("a", "clinic", "improved", is_primary=False)) == {}


def test_equal_points_are_on_the_front_together() -> None:
    assert front([(1, 2), (1, 2), (0, 2)]) == [True, True, False]


@given(points_strategy)
def test_there_is_a_front_and_nothing_on_it_is_dominated(points: list[tuple[int, ...]]) -> None:
    flags = front(points)

    best = [point for point, is_on in zip(points, flags, strict=True) if is_on]
    assert best
    for point, is_on in zip(points, flags, strict=True):
        dominating = [
            other for other in best if other != point and all(map(int.__ge__, other, point))
        ]
        assert is_on == (not dominating)


@given(points_strategy)
def test_another_axis_takes_nothing_off_the_front_but_ties(points: list[tuple[int, ...]]) -> None:
    unique = [(*point, i) for i, point in enumerate(dict.fromkeys(points))]
    flags = front(unique)
    without = front([point[:-1] for point in unique])

    assert all(is_on for is_on, was_on in zip(flags, without, strict=True) if was_on)
