from __future__ import annotations

import pytest

from harness.compare import Unscored, compare
from tests.harness.compare.support import scores


def test_all_scored_needs_no_bounds() -> None:
    found = compare(scores([0.1, 0.2]), scores([0.1, 0.3], run="tuned"), n_draws=50)

    assert found.unscored is None


def test_unscored_items_bound_the_difference_from_worst_to_best() -> None:
    before = scores([0.5, 0.5, 0.5, None])
    after = scores([1.0, 0.5, None, 0.0], run="tuned")

    found = compare(before, after, n_draws=50).unscored

    # Worst: (1 + .5 + 0 + 0) − (.5·3 + 1) over four; best: (1 + .5 + 1 + 0) − (.5·3 + 0).
    assert found is not None
    assert (found.n_before, found.n_after) == (1, 1)
    assert (found.worst, found.best) == (pytest.approx(-0.25), pytest.approx(0.25))


def test_where_lower_is_better_the_best_is_the_lowest() -> None:
    before = scores([0.5, 0.5], metric="brier")
    after = scores([0.5, None], metric="brier", run="tuned")

    found = compare(before, after, n_draws=50).unscored

    # Brier goes from 0 to 2: best is the falling difference.
    assert found is not None
    assert (found.worst, found.best) == (pytest.approx(0.75), pytest.approx(-0.25))


@pytest.mark.parametrize("metric", ["nll", "bleu"])
def test_without_a_bounded_mean_the_items_are_only_counted(metric: str) -> None:
    before, after = scores([0.5, 2.0], metric="nll"), scores([0.5, None], metric="nll", run="t")
    if metric == "bleu":
        row = (7.0, 7.0, 7.0, 6.0, 5.0, 4.0, 7.0, 6.0, 5.0, 4.0)
        before, after = (
            scores([0.0, 0.0], metric="bleu"),
            scores([0.0, None], metric="bleu", run="t"),
        )
        before.stats.update(dict.fromkeys(before.stats, row))
        after.stats.update(dict.fromkeys(after.stats, row))

    found = compare(before, after, n_draws=50).unscored

    assert found == Unscored(n_before=0, n_after=1, worst=None, best=None)
