from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.compare import Comparison
from harness.slices import SliceComparison
from harness.stats.bootstrap import Interval
from reports.comparisons import comparison_table, slice_table
from tests.harness.compare.support import comparison

CLEAR = (0.02, 0.1, 0.2)


def found(**fields: Any) -> Comparison:
    given: dict[str, Any] = {
        "correction": "max-T", "n_family": 2, "verdict": "improved", "method": "paired bootstrap",
        "n_gained": 30, "n_lost": 10, **fields,
    }  # fmt: skip
    return comparison(*CLEAR, **given)


def test_a_row_has_value_difference_p_counts_verdict_and_items() -> None:
    table = comparison_table([found(p_adjusted=0.0123)])

    row = next(line for line in table.splitlines() if line.strip().startswith("tuned"))
    assert row.split() == [
        "tuned", "0.500", "+0.100", "[+0.020,", "+0.200]", "0.012", "30/60/10", "▲", "improved", "100",
    ]  # fmt: skip


def test_the_baseline_stands_once_above_its_configurations() -> None:
    lines = comparison_table([found(), found(configuration="big")]).splitlines()

    names = [line.split()[0] for line in lines if line.startswith("   ") and line.strip()]
    assert names[-3:] == ["base", "tuned", "big"]


def test_the_baseline_is_repeated_where_other_items_are_missing() -> None:
    other = replace(found(configuration="big"), before=Interval(value=0.7, low=0.6, high=0.8), n=90)

    table = comparison_table([found(), other])

    assert table.count("   base ") == 2
    assert "90 of 100" in table


def test_what_was_asked_to_decide_is_starred_and_named() -> None:
    secondary = found(metric="bleu", signature="b", is_primary=False, correction="none")

    table = comparison_table([found(), found(configuration="big"), secondary], is_chosen=True)

    assert "token_f1 ★" in table
    assert "bleu ★" not in table
    assert "p adjusted over the 2 comparisons of the primary metrics (token_f1) by max-T" in table
    assert "not adjusted, to explore: bleu" in table


def test_joint_intervals_replace_the_single_ones() -> None:
    joint = found(simultaneous=Interval(value=0.1, low=-0.03, high=0.25))

    table = comparison_table([joint])

    assert "difference [95 % joint]" in table
    assert "+0.100 [−0.030, +0.250]" in table


def test_methods_are_named_with_their_metrics_and_clusters() -> None:
    exact = found(metric="exact_match", signature="e", method="exact McNemar, score interval")
    clustered = found(method="paired bootstrap, clustered", n_groups=12)

    table = comparison_table([exact, clustered])

    assert "exact McNemar, score interval: exact_match" in table
    assert "paired bootstrap, clustered over 12 clusters: token_f1" in table


def test_a_margin_is_said() -> None:
    assert "margin 0.05: how much worse" in comparison_table([found(margin=0.05)])
    assert "margin" not in comparison_table([found()])


def test_notes_are_printed_below() -> None:
    assert "! watch out [here]" in comparison_table([found()], notes=["watch out [here]"])


def test_nothing_scored_is_said() -> None:
    assert "nothing to compare" in comparison_table([])


@pytest.mark.parametrize(("p", "shown"), [(0.0001, "<0.001"), (0.0006, "0.001"), (1.0, "1.000")])
def test_p_has_three_digits(p: float, shown: str) -> None:
    assert f" {shown} " in comparison_table([found(p_adjusted=p)])


def test_slices_stand_under_their_metric_with_the_warning() -> None:
    sliced = [
        SliceComparison(key="topic", slice=name, comparison=found(n=n), is_judged=n >= 10)
        for name, n in (("剂量", 40), ("use", 4))
    ]

    table = slice_table(sliced)

    assert "By topic (exploratory)" in table
    assert table.index("剂量: base") < table.index("use: base")
    lines = table.splitlines()
    small = lines[next(i for i, line in enumerate(lines) if "use: base" in line) + 1]
    assert "– too few items" in small
    assert "improved" not in small
    assert "over these 1 comparisons by Benjamini-Hochberg" in table
