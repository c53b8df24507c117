from __future__ import annotations

import numpy as np
import pytest

from harness.compare import Pair, compare, compare_all, correct_for_many
from harness.stats.multiple import holm
from tests.harness.compare.support import comparison, scores


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


def sweep(
    rng: np.random.Generator,
    *,
    n: int = 60,
    m: int = 6,
    effect: float = 0.0,
    metric: str = "token_f1",
) -> list[Pair]:
    """Return m configurations that differ from one baseline in common, and a little by themselves."""
    base = rng.beta(0.8, 0.8, n)
    common = rng.normal(0, 0.15, n)
    is_binary = metric == "exact_match"

    def seen(values: np.ndarray) -> list[float]:
        return ((values > 0.5).astype(float) if is_binary else values).tolist()

    before = scores(seen(base), metric=metric)
    return [
        Pair(
            before=before,
            after=scores(
                seen(base + common + rng.normal(0, 0.08, n) + effect), metric=metric, run=f"t{i}"
            ),
        )
        for i in range(m)
    ]  # fmt: skip


def test_with_the_scores_at_hand_the_correction_is_max_t() -> None:
    found = compare_all(sweep(np.random.default_rng(0)), n_draws=500)

    assert {(c.correction, c.n_family) for c in found} == {("max-T", 6)}


def test_without_the_scores_it_is_holms() -> None:
    found = correct_for_many([comparison(0.02, 0.1, 0.2) for _ in range(2)])

    assert {(c.correction, c.n_family) for c in found} == {("Holm", 2)}


def test_one_comparison_needs_no_correction() -> None:
    (found,) = compare_all(sweep(np.random.default_rng(0), m=1), n_draws=500)

    assert (found.correction, found.p_adjusted) == ("none", found.p_value)


@pytest.mark.parametrize("metric", ["token_f1", "exact_match"])
@pytest.mark.parametrize("effect", [0.0, 0.1])
def test_no_adjusted_p_is_below_its_own(metric: str, effect: float) -> None:
    pairs = sweep(np.random.default_rng(3), metric=metric, effect=effect)

    found = compare_all(pairs, n_draws=500)

    assert all(c.p_adjusted >= c.p_value for c in found)
    assert [c.p_value for c in found] == [compare(p.before, p.after, n_draws=500).p_value for p in pairs]  # fmt: skip


def test_equal_configurations_cost_nothing() -> None:
    (pair,) = sweep(np.random.default_rng(4), m=1, effect=0.08)

    one, twenty = (
        compare(pair.before, pair.after, n_draws=2000),
        compare_all([pair] * 20, n_draws=2000),
    )

    # One comparison twenty times: Holm would multiply by 20. The p alone is equal-tailed, the joint
    # one two-sided by size, so they differ a little.
    assert {c.p_adjusted for c in twenty} == {twenty[0].p_adjusted}
    assert twenty[0].p_adjusted <= 2 * one.p_value + 0.002


def test_a_metric_on_some_of_the_items_joins_the_family() -> None:
    rng = np.random.default_rng(5)
    whole = sweep(rng, n=60, m=2, effect=0.1)
    some = frozenset(f"q{i}" for i in range(20))
    part = [Pair(before=p.before.only(some), after=p.after.only(some)) for p in whole]

    found = compare_all([*whole, *part], n_draws=500)

    assert [c.n for c in found] == [60, 60, 20, 20]
    assert {c.n_family for c in found} == {4}


def test_suites_are_drawn_independently() -> None:
    (pair,) = sweep(np.random.default_rng(6), m=1, effect=0.05)
    other = Pair(
        before=scores([x for x, _ in pair.before.stats.values()], suite="other"),
        after=scores([x for x, _ in pair.after.stats.values()], suite="other", run="t0"),
    )

    together = compare_all([pair, pair], n_draws=2000)[0].p_adjusted
    apart = compare_all([pair, other], n_draws=2000)[0].p_adjusted

    assert apart > together


def test_too_few_units_to_prove_anything_do_not_burden_the_others() -> None:
    pairs = sweep(np.random.default_rng(7), m=2, effect=0.06)
    few = frozenset({"q0", "q1", "q2"})
    tiny = Pair(before=pairs[0].before.only(few), after=pairs[0].after.only(few))

    without, with_tiny = compare_all(pairs, n_draws=1000), compare_all([*pairs, tiny], n_draws=1000)

    assert [c.p_adjusted for c in with_tiny[:2]] == pytest.approx(
        [c.p_adjusted for c in without], abs=0.002
    )
    assert with_tiny[2].verdict != "improved"


def test_simultaneous_intervals_are_nowhere_narrower_and_within_the_range() -> None:
    pairs = sweep(np.random.default_rng(8), effect=0.1, metric="exact_match")

    found = compare_all(pairs, is_simultaneous=True, n_draws=1000)

    for c in found:
        assert c.simultaneous is not None
        assert -1 <= c.simultaneous.low <= c.difference.low
        assert 1 >= c.simultaneous.high >= c.difference.high
    assert all(c.simultaneous is None for c in compare_all(pairs, n_draws=100))


def test_equal_seeds_give_equal_corrections() -> None:
    pairs = sweep(np.random.default_rng(9))

    assert compare_all(pairs, n_draws=300) == compare_all(pairs, n_draws=300)


def skewed(rng: np.random.Generator, *, n: int = 48) -> list[Pair]:
    """Return comparisons without a true difference that are hard: few items change, in clusters."""
    clusters = [f"c{i // 2}" for i in range(n)]
    base = rng.beta(0.5, 0.5, n)
    pairs: list[Pair] = []
    for metric in ("token_f1", "exact_match"):
        values = np.round(base) if metric == "exact_match" else base
        before = scores(values.tolist(), metric=metric, clusters=clusters)
        for i in range(5):
            # Exchanged with another item's: the same law before and after.
            moved = np.where(rng.random(n) < 0.15, rng.permutation(values), values)
            after = scores(moved.tolist(), metric=metric, clusters=clusters, run=f"t{i}")
            pairs.append(Pair(before=before, after=after))
    return pairs


FAMILIES = {
    "means": lambda rng: sweep(rng, m=8),
    "binary": lambda rng: sweep(rng, m=8, metric="exact_match"),
    "means and binary on the same items": lambda rng: [
        *sweep(rng, m=4, n=40),
        *sweep(rng, m=4, n=40, metric="exact_match"),
    ],
    "few changes in clusters": skewed,
}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_without_differences_raises_a_false_alarm_in_five_percent(family: str) -> None:
    rng = np.random.default_rng(20250101)
    n_families = 400

    alarms = sum(
        min(c.p_adjusted for c in compare_all(FAMILIES[family](rng), n_draws=400)) < 0.05
        for _ in range(n_families)
    )

    # The Monte Carlo error of 400 families at .05 is .011.
    assert alarms / n_families <= 0.05 + 2 * 0.011, alarms / n_families


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["token_f1", "exact_match"])
def test_on_comparisons_with_one_baseline_max_t_finds_at_least_what_holm_finds(metric: str) -> None:
    rng = np.random.default_rng(20250102)
    by_max_t = by_holm = 0

    for _ in range(100):
        found = compare_all(sweep(rng, m=8, effect=0.06, metric=metric), n_draws=400)
        by_max_t += sum(c.p_adjusted < 0.05 for c in found)
        by_holm += sum(p < 0.05 for p in holm([c.p_value for c in found]))

    assert by_max_t >= by_holm, (by_max_t, by_holm)
    assert by_max_t > 0


@pytest.mark.slow
def test_simultaneous_intervals_hold_all_truths_together() -> None:
    rng = np.random.default_rng(20250103)
    n_families = 300

    held = 0
    for _ in range(n_families):
        found = compare_all(sweep(rng, m=6, effect=0.1), is_simultaneous=True, n_draws=400)
        held += all(
            c.simultaneous is not None and c.simultaneous.low <= 0.1 <= c.simultaneous.high
            for c in found
        )

    assert held / n_families >= 0.95 - 2 * 0.0126, held / n_families
