from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.compare import Comparison, compare, correct_for_many, verdict_of
from harness.errors import IncomparableError
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.scoring import Scores
from harness.stats.bootstrap import Interval
from harness.types import GoldRecord


def scores(
    values: Sequence[float | None],
    *,
    run: str = "base",
    metric: str = "token_f1",
    clusters: Sequence[str | None] | None = None,
) -> Scores:
    """Return a run's scores, None where an item is not scored."""
    groups = clusters or [None] * len(values)
    planned = tuple(
        GoldRecord(id=f"q{i}", task="qa", input="?", references=("x",), cluster=group)
        for i, group in enumerate(groups)
    )
    return Scores(
        run=run,
        suite="toy",
        metric=build_metric(metric, Setting(language="en")),
        gold_digest="g" * 64,
        template_digest="t" * 64,
        stats={f"q{i}": (x, 1.0) for i, x in enumerate(values) if x is not None},
        planned=planned,
    )


def comparison(low: float, value: float, high: float, **fields: Any) -> Comparison:
    dull = Interval(value=0.5, low=0.4, high=0.6)
    values: dict[str, Any] = {
        "suite": "toy",
        "metric": "token_f1",
        "signature": "s",
        "baseline": "base",
        "configuration": "tuned",
        "before": dull,
        "after": dull,
        "difference": Interval(value=value, low=low, high=high),
        "p_value": 0.01,
        "p_adjusted": 0.01,
        "is_primary": True,
        "margin": 0.0,
        "minimum_detectable_effect": 0.1,
        "n": 100,
        "n_groups": 100,
        "n_planned": 100,
        "n_gained": 0,
        "n_lost": 0,
        "method": "m",
        "verdict": "cannot tell",
    }
    return Comparison(**{**values, **fields})


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


def test_items_gain_where_a_metric_of_which_less_is_better_falls() -> None:
    found = compare(
        scores([0.9, 0.2, 0.5], metric="brier"),
        scores([0.1, 0.1, 0.8], metric="brier", run="tuned"),
        n_draws=200,
    )

    assert (found.n_gained, found.n_lost) == (2, 1)
    assert found.gain == pytest.approx(0.2)
    assert found.difference.value == pytest.approx(-0.2)
    assert (found.better, found.lowest, found.highest) == ("lower", 0.0, 2.0)


def test_a_metric_without_a_bound_has_none() -> None:
    found = compare(
        scores([0.9, 2.0], metric="nll"), scores([0.1, 1.0], metric="nll", run="tuned"), n_draws=50
    )

    assert (found.lowest, found.highest) == (0.0, None)


DIFFERENT = {
    "suite": {"suite": "other"},
    "gold set": {"gold_digest": "h" * 64},
    "metric signature": {"metric": build_metric("token_f1", Setting(language="zh"))},
    "prompt template": {"template_digest": "u" * 64},
}


@pytest.mark.parametrize(("what", "change"), DIFFERENT.items())
def test_runs_that_differ_are_not_compared(what: str, change: dict[str, Any]) -> None:
    before, after = scores([0.1, 0.2]), replace(scores([0.3, 0.4], run="tuned"), **change)

    with pytest.raises(IncomparableError, match=f"'base' and 'tuned' .* their {what} differs"):
        compare(before, after)


def test_runs_without_a_shared_item_are_not_compared() -> None:
    with pytest.raises(IncomparableError, match="share no scored item; run both"):
        compare(scores([0.1, None]), scores([None, 0.4]))


def test_only_shared_items_are_compared_and_coverage_says_so() -> None:
    before = scores([0.5, 0.5, None, 0.5])
    after = scores([0.6, 0.4, 1.0, None], run="tuned")

    found = compare(before, after, n_draws=100)

    assert (found.n, found.n_planned, found.coverage) == (2, 4, 0.5)
    assert found.difference.value == pytest.approx(0.0)


def test_items_gained_and_lost_are_counted() -> None:
    before = scores([0.5, 0.5, 0.5, 0.5, 0.5])
    after = scores([0.6, 0.7, 0.5, 0.1, 0.5 + 1e-14], run="tuned")

    found = compare(before, after, n_draws=100)

    assert (found.n_gained, found.n_lost) == (2, 1)


def test_binary_metrics_get_the_exact_test() -> None:
    before = scores([0.0] * 6 + [1.0] * 10, metric="exact_match")
    after = scores([1.0] * 16, metric="exact_match", run="tuned")

    found = compare(before, after, n_draws=100)

    assert found.method == "exact McNemar, score interval"
    assert found.p_value == pytest.approx(0.03125)
    assert found.before.value == 10 / 16
    assert found.difference.value == 6 / 16


def test_binary_metrics_on_clusters_get_the_clustered_bootstrap() -> None:
    clusters = [f"c{i // 2}" for i in range(16)]
    before = scores([0.0] * 6 + [1.0] * 10, metric="exact_match", clusters=clusters)
    after = scores([1.0] * 16, metric="exact_match", run="tuned", clusters=clusters)

    found = compare(before, after, n_draws=200)

    assert found.method == "paired bootstrap, clustered"
    assert found.n_groups == 8


def test_one_item_proves_nothing() -> None:
    found = compare(scores([0.0]), scores([1.0], run="tuned"), n_draws=200)

    assert found.verdict == "cannot tell"
    assert found.p_value == 1.0


def test_a_run_compared_with_itself_does_not_differ() -> None:
    found = compare(scores([0.1, 0.9, 0.5]), scores([0.1, 0.9, 0.5], run="twin"), n_draws=200)

    assert (found.difference.value, found.p_value, found.verdict) == (0.0, 1.0, "cannot tell")


def test_comparing_twice_gives_the_same() -> None:
    before, after = scores([0.1, 0.9, 0.5, 0.4]), scores([0.2, 0.8, 0.7, 0.9], run="tuned")

    assert compare(before, after, n_draws=200) == compare(before, after, n_draws=200)


def test_only_primaries_are_corrected_for_their_number() -> None:
    primaries = [comparison(0.02, 0.1, 0.2, p_value=p, p_adjusted=p) for p in (0.01, 0.03)]
    secondary = comparison(0.02, 0.1, 0.2, p_value=0.04, p_adjusted=0.04, is_primary=False)

    found = correct_for_many([primaries[1], secondary, primaries[0]])

    assert [c.p_adjusted for c in found] == pytest.approx([0.03, 0.04, 0.02])
    assert [c.p_value for c in found] == [0.03, 0.04, 0.01]


def test_the_correction_can_turn_a_verdict() -> None:
    several = [comparison(0.02, 0.1, 0.2, p_value=0.03, verdict="improved") for _ in range(3)]

    found = correct_for_many(several)

    assert [c.verdict for c in found] == ["no worse"] * 3
    assert [c.p_adjusted for c in found] == pytest.approx([0.09] * 3)
