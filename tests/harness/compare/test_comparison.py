from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.compare import verdict_of
from tests.harness.compare.support import comparison

VERDICTS = {
    "gain outside chance": ((0.02, 0.1, 0.2), {}, "improved"),
    "gain, p too large after correction": ((-0.01, 0.1, 0.2), {"p_adjusted": 0.2}, "cannot tell"),
    "gain above zero, p too large": ((0.02, 0.1, 0.2), {"p_adjusted": 0.06}, "no worse"),
    "gain, p small, interval with zero": ((-0.01, 0.1, 0.2), {}, "cannot tell"),
    "loss outside chance": ((-0.2, -0.1, -0.02), {}, "regressed"),
    "loss within the margin": ((-0.08, -0.05, -0.02), {"margin": 0.1}, "no worse"),
    "loss beyond the margin": ((-0.12, -0.05, -0.02), {"margin": 0.1}, "regressed"),
    "loss, p too large": ((-0.2, -0.1, -0.02), {"p_adjusted": 0.3}, "cannot tell"),
    "about equal, within the margin": ((-0.05, 0.0, 0.05), {"margin": 0.1, "p_adjusted": 1.0}, "no worse"),
    "about equal, no margin": ((-0.05, 0.0, 0.05), {"p_adjusted": 1.0}, "cannot tell"),
    "exactly at the margin": ((-0.1, 0.0, 0.1), {"margin": 0.1, "p_adjusted": 1.0}, "cannot tell"),
    "equal answers": ((0.0, 0.0, 0.0), {"p_adjusted": 1.0}, "cannot tell"),
    "p exactly .05": ((0.02, 0.1, 0.2), {"p_adjusted": 0.05}, "no worse"),
    "one unit only": ((0.1, 0.1, 0.1), {"n_groups": 1}, "cannot tell"),
}  # fmt: skip


@pytest.mark.parametrize(("interval", "fields", "expected"), VERDICTS.values(), ids=VERDICTS)
def test_the_verdict_says_what_interval_and_p_allow(
    interval: tuple[float, float, float], fields: dict[str, Any], expected: str
) -> None:
    assert verdict_of(comparison(*interval, **fields)) == expected


@pytest.mark.parametrize(("interval", "fields", "expected"), VERDICTS.values(), ids=VERDICTS)
def test_where_lower_is_better_the_same_holds_of_the_drop(
    interval: tuple[float, float, float], fields: dict[str, Any], expected: str
) -> None:
    low, value, high = interval

    assert verdict_of(comparison(-high, -value, -low, better="lower", **fields)) == expected


@pytest.mark.parametrize("value", [0.1, -0.1])
def test_a_gauge_changes_or_nothing_can_be_told(value: float) -> None:
    clear = comparison(value - 0.05, value, value + 0.05, better="neither")

    assert verdict_of(clear) == "changed"
    assert verdict_of(replace(clear, p_adjusted=0.2)) == "cannot tell"


def test_won_tied_and_lost_items_are_all_items() -> None:
    found = comparison(0.0, 0.1, 0.2, n=100, n_gained=30, n_lost=10)

    assert found.n_tied == 60
