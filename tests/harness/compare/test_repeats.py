from __future__ import annotations

import numpy as np
import pytest

from harness.compare import compare
from harness.compare.repeats import noise_of, pooled, repeats_of
from harness.compare.sides import compare_sides, pairs_of, side_of
from harness.errors import IncomparableError
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from tests.harness.compare.support import scores


def identity(**changes: object) -> dict[str, object]:
    return {"model": "m", "adapter": None, "temperature": 0.7, "seed": 0, **changes}


def test_runs_that_differ_in_the_seed_are_repeats_whatever_they_are_called() -> None:
    found = repeats_of(
        ["base", "tuned", "base-2", "tuned"],
        [identity(), identity(adapter="a"), identity(seed=1), identity(adapter="a", seed=5)],
    )

    assert found == [[0, 2], [1, 3]]


def test_the_same_run_twice_is_no_repeat() -> None:
    assert repeats_of(["base", "base"], [identity(), identity()]) == [[0], [1]]


def test_repeats_that_differ_in_more_than_the_seed_are_refused_by_name() -> None:
    runs = [identity(), identity(seed=1, temperature=0.9)]

    with pytest.raises(IncomparableError, match=r"seeds 0 and 1 also differ in temperature \(0.7 and 0.9\)"):  # fmt: skip
        repeats_of(["base", "base"], runs)


def test_two_configurations_of_one_name_and_seed_stay_apart() -> None:
    assert repeats_of(["lora", "lora"], [identity(adapter="a"), identity(adapter="b")]) == [[0], [1]]  # fmt: skip


def test_an_item_counts_with_the_average_of_its_repeats() -> None:
    repeats = [scores([0.0, 1.0, 0.5]), scores([1.0, 1.0, 0.0])]

    found = pooled(repeats)

    assert found.item_scores() == {"q0": 0.5, "q1": 1.0, "q2": 0.25}
    assert found.value() == pytest.approx(3.5 / 6)
    assert found.n_repeats == 2


def test_a_corpus_metric_gets_the_statistics_of_all_repeats() -> None:
    rng = np.random.default_rng(0)
    bleu = build_metric("bleu", Setting(language="en"))
    repeats = [scores([0.0] * 5, metric="bleu") for _ in range(3)]
    for one in repeats:
        matches = rng.integers(2, 9, size=(5, 4)).cumsum(axis=1)[:, ::-1].astype(float)
        rows = np.column_stack([np.full((5, 2), 40.0), matches, matches + 5.0])
        one.stats.update(dict(zip(one.stats, map(tuple, rows.tolist()), strict=True)))
    everything = np.concatenate([one.matrix(list(one.stats)) for one in repeats])

    found = pooled(repeats)

    assert found.value() == pytest.approx(float(bleu.reduce(everything.sum(axis=0))), abs=1e-12)


def test_an_item_that_one_repeat_lacks_is_unscored() -> None:
    found = pooled([scores([0.0, 1.0, None]), scores([1.0, 1.0, 0.0])])

    assert list(found.stats) == ["q0", "q1"]
    assert found.coverage == pytest.approx(2 / 3)


def test_repeats_without_a_common_item_have_no_value() -> None:
    found = pooled([scores([0.5, None]), scores([None, 0.5])])

    assert (found.stats, found.value()) == ({}, None)


def test_shares_of_repeats_are_not_tested_as_if_they_were_yes_and_no() -> None:
    twice = pooled([scores([0.0, 1.0] * 5, metric="exact_match")] * 2)
    once = scores([1.0, 1.0] * 5, metric="exact_match", run="tuned")

    assert compare(twice, once, n_draws=100).method == "paired bootstrap"
    assert compare(once, twice, n_draws=100).method == "paired bootstrap"


def test_equal_repeats_add_no_evidence() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.random(40).tolist(), rng.random(40).tolist()

    one = compare(scores(before), scores(after, run="tuned"), n_draws=500)
    three = compare(
        pooled([scores(before)] * 3), pooled([scores(after, run="tuned")] * 3), n_draws=500
    )

    assert three.p_value == pytest.approx(one.p_value)
    assert three.difference.low == pytest.approx(one.difference.low)
    assert three.n == one.n == 40


def test_noise_is_the_spread_of_the_repeats_values() -> None:
    noise = noise_of([scores([0.4]), scores([0.5]), scores([0.6])])

    assert noise is not None
    assert noise.deviation == pytest.approx(0.1)
    assert (noise.n_repeats, noise.lowest, noise.highest) == (3, 0.4, 0.6)
    assert noise_of([scores([0.4])]) is None


def test_the_noise_stands_beside_the_comparison() -> None:
    base = side_of("base", [[scores([0.4, 0.2])], [scores([0.6, 0.4])]])
    tuned = side_of("tuned", [[scores([0.9, 0.8])]])

    (found,) = compare_sides(base, [tuned], pairs_of(base, [tuned]))

    assert found.noise_before is not None
    assert found.noise_before.n_repeats == 2
    assert found.noise_after is None
    assert found.before.value == pytest.approx(0.4)
