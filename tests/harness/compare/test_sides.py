from __future__ import annotations

import pytest

from harness.compare.sides import Side, pairs_of, side_of
from harness.errors import InputError, UnknownNameError
from tests.harness.compare.support import scores

METRICS = ("token_f1", "length", "exact_match")


@pytest.fixture
def sides() -> tuple[Side, Side]:
    first, second = (
        side_of(name, [[scores([1.0, 0.0], metric=metric) for metric in METRICS]])
        for name in ("base", "tuned")
    )
    return first, second


def test_all_metrics_but_gauges_decide_by_default(sides: tuple[Side, Side]) -> None:
    pairs = pairs_of(sides[0], [sides[1]])

    assert [pair.is_primary for pair in pairs] == [True, False, True]
    assert {(pair.before.run, pair.after.run) for pair in pairs} == {("base", "tuned")}


def test_named_metrics_decide(sides: tuple[Side, Side]) -> None:
    pairs = pairs_of(sides[0], [sides[1]], primary=("exact_match",))

    assert [pair.is_primary for pair in pairs] == [False, False, True]


def test_a_gauge_cannot_decide(sides: tuple[Side, Side]) -> None:
    with pytest.raises(InputError, match="--primary: 'length' is a gauge: neither more nor less"):
        pairs_of(sides[0], [sides[1]], primary=("length",))


def test_an_unknown_metric_cannot_decide(sides: tuple[Side, Side]) -> None:
    with pytest.raises(UnknownNameError, match=r"'token_f2' \(did you mean 'token_f1'\?\)"):
        pairs_of(sides[0], [sides[1]], primary=("token_f2",))


def test_what_nobody_has_scored_is_left_out() -> None:
    empty = side_of("base", [[scores([None, None])]])

    assert pairs_of(empty, [empty]) == []
