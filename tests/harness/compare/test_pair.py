from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.compare import compare
from harness.errors import IncomparableError
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.stats.power import minimum_detectable_effect
from tests.harness.compare.support import scores


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


def test_what_is_bootstrapped_has_the_other_tests_beside_it() -> None:
    rng = np.random.default_rng(0)
    before = rng.beta(2, 2, size=60)
    after = before + rng.normal(0.05, 0.1, size=60)

    found = compare(scores(before.tolist()), scores(after.tolist(), run="tuned"), n_draws=4000)

    assert found.method == "paired bootstrap"
    assert list(found.sensitivity) == ["approximate randomisation", "Wilcoxon", "sign test"]
    # All ask whether nothing differs: on bell-shaped differences they come to the same.
    assert found.p_randomisation == pytest.approx(found.p_value, abs=0.02)
    assert found.p_wilcoxon == pytest.approx(found.p_value, abs=0.05)


def test_the_exact_test_stands_alone() -> None:
    before = scores([0.0] * 6 + [1.0] * 10, metric="exact_match")

    found = compare(before, scores([1.0] * 16, metric="exact_match", run="tuned"))

    assert found.sensitivity == {}


def test_one_differing_segment_of_a_thousand_is_no_evidence_by_any_test() -> None:
    # Riezler and Maxwell 2005.
    after = [0.5] * 999 + [1.0]

    found = compare(scores([0.5] * 1000), scores(after, run="tuned"), n_draws=500)

    assert found.p_value == 1.0
    assert set(found.sensitivity.values()) == {1.0}


def test_clusters_are_the_units_of_the_other_tests() -> None:
    clusters = [f"c{i // 10}" for i in range(60)]
    rng = np.random.default_rng(1)
    before = scores(rng.random(60).tolist(), clusters=clusters)
    up = [float(x) + 0.1 for (x, _) in before.stats.values()]

    found = compare(before, scores(up, run="tuned", clusters=clusters), n_draws=200)

    assert found.p_sign == pytest.approx(2 * 0.5**6)
    assert found.p_wilcoxon == pytest.approx(2 * 0.5**6)


def test_intervals_stay_within_what_the_metric_can_be() -> None:
    rng = np.random.default_rng(2)
    before = scores(rng.choice([0.0, 0.1, 1.0], size=7).tolist())
    after = scores(rng.choice([0.8, 0.9, 1.0], size=7).tolist(), run="tuned")

    found = compare(before, after, n_draws=300)

    assert found.before.low >= 0
    assert found.after.high <= 1
    assert found.difference.high <= 1
    assert found.after.low <= found.after.value <= found.after.high


def test_a_drop_by_everything_is_not_below_minus_one() -> None:
    found = compare(
        scores([1.0, 0.9, 1.0, 1.0]), scores([0.0, 0.1, 0.0, 0.0], run="tuned"), n_draws=300
    )

    assert found.difference.low == -1.0


def test_few_units_have_a_larger_detectable_effect_by_student() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.random(12), rng.random(12)

    found = compare(scores(before.tolist()), scores(after.tolist(), run="tuned"), n_draws=300)

    # No two differences are alike, so no imaginary item is added.
    error = (after - before).std() / np.sqrt(12 - 1)
    assert found.minimum_detectable_effect == pytest.approx(
        minimum_detectable_effect(error, n_groups=12), rel=0.05
    )
    assert found.minimum_detectable_effect > minimum_detectable_effect(error) * 1.05
