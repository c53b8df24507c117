from __future__ import annotations

import pytest

from harness.stats.caution import cautions, rater_cautions, share_cautions


def test_many_items_need_no_caution() -> None:
    assert cautions(n_groups=500, n_items=500, n_changed=80) == ()
    assert share_cautions(n_right=40, n=80) == ()
    assert rater_cautions(n_raters=6, n_items=60) == ()


def test_few_clusters_are_told_and_few_items_are_not_clusters() -> None:
    assert cautions(n_groups=9, n_items=90) == ("only 9 clusters: the interval rests on little",)
    assert cautions(n_groups=9, n_items=9) == ()
    assert cautions(n_groups=10, n_items=90) == ()


@pytest.mark.parametrize(("n_changed", "is_told"), [(0, False), (1, True), (9, True), (10, False)])
def test_few_changes_are_told(n_changed: int, is_told: bool) -> None:
    assert bool(cautions(n_groups=100, n_items=100, n_changed=n_changed)) is is_told


def test_few_items_of_a_metric_without_bounds_are_told() -> None:
    (told,) = cautions(n_groups=49, n_items=49, is_bounded=False)

    assert told.startswith("49 units of a metric without bounds")
    assert cautions(n_groups=50, n_items=50, is_bounded=False) == ()


@pytest.mark.parametrize(
    ("n_right", "expected"),
    [(0, None), (1, "only 1 answer is right"), (4, "only 4 answers are right"), (5, None),
     (97, "only 3 answers are wrong"), (100, None)],
)  # fmt: skip
def test_shares_near_an_end_are_told(n_right: int, expected: str | None) -> None:
    told = share_cautions(n_right=n_right, n=100)

    assert [text.split(":")[0] for text in told] == ([] if expected is None else [expected])


def test_few_raters_are_told() -> None:
    assert rater_cautions(n_raters=1, n_items=60)[0].startswith("one rater")
    assert rater_cautions(n_raters=4, n_items=60)[0].startswith("only 4 raters")
    assert rater_cautions(n_raters=5, n_items=9) == ("only 9 items: the interval rests on little",)
