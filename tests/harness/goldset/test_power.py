from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from harness.compare import compare
from harness.errors import UnknownNameError
from harness.goldset.power import Assumptions, evidence_from, plan_power
from harness.metrics.base import BINARY, Array, Scale
from harness.metrics.build import metric_of
from harness.scoring import Scores
from harness.spec import Spec
from harness.suite import Suite
from tests.harness.goldset.support import qa, suite_of

TASKS = "  qa: {metrics: [exact_match, token_f1, bleu]}\n"


def suite_with(folder: Path, n: int, *, per_cluster: int = 1) -> Suite:
    rows = [
        qa(i, f"Question {i}?", f"answer {i}", **({"cluster": f"c{i // per_cluster}"} if per_cluster > 1 else {}))
        for i in range(n)
    ]  # fmt: skip
    return suite_of(folder, TASKS, rows)


def mean(totals: Array) -> Array:
    return totals[..., 0] / totals[..., 1]


def test_binary_metrics_are_planned_by_mcnemar_and_others_by_their_spread(tmp_path: Path) -> None:
    exact, f1, bleu = plan_power(suite_with(tmp_path, 100), Assumptions())

    assert (exact.method, exact.discordance, exact.n_groups) == ("exact McNemar", 0.25, 100)
    assert exact.minimum_detectable_effect == pytest.approx(0.1442, abs=1e-4)
    assert (f1.method, f1.deviation) == ("paired bootstrap", 0.35)
    # (t(.975, 99) + t(.8, 99)) · 0.35 / √100, and the same on BLEU's scale.
    assert f1.minimum_detectable_effect == pytest.approx((1.984217 + 0.845267) * 0.035, abs=1e-5)
    assert bleu.minimum_detectable_effect == pytest.approx((1.984217 + 0.845267) * 3.5, abs=1e-3)


def test_clusters_ask_for_more_items(tmp_path: Path) -> None:
    alone = plan_power(suite_with(tmp_path / "a", 200), Assumptions(), effect=0.05)
    together = plan_power(
        suite_with(tmp_path / "b", 200, per_cluster=5), Assumptions(), effect=0.05
    )

    for one, other in zip(alone, together, strict=True):
        assert other.design_effect == pytest.approx(1 + 4 * 0.3)
        assert one.items_needed is not None
        assert other.items_needed is not None
        assert other.items_needed > 1.8 * one.items_needed
    assert together[0].method == "paired bootstrap, clustered"


def test_an_effect_is_a_part_of_the_range(tmp_path: Path) -> None:
    exact, f1, bleu = plan_power(suite_with(tmp_path, 100), Assumptions(), effect=0.05)

    assert (exact.effect, f1.effect, bleu.effect) == (0.05, 0.05, 5.0)
    assert f1.items_needed == bleu.items_needed == 385


def test_more_deciding_comparisons_ask_for_more(tmp_path: Path) -> None:
    suite = suite_with(tmp_path, 100)

    one, five = (
        plan_power(suite, Assumptions(n_comparisons=n), only=["token_f1"])[0] for n in (1, 5)
    )

    assert one.minimum_detectable_effect is not None
    # Level .01: t(.995, 99) + t(.8, 99)
    assert five.minimum_detectable_effect == pytest.approx((2.626405 + 0.845267) * 0.035, abs=1e-5)


def test_an_unknown_metric_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'exact_match'"):
        plan_power(suite_with(tmp_path, 10), Assumptions(), only=["exact_mach"])


def test_two_runs_measure_the_differences_and_their_clusters() -> None:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(60), 5)
    shared = rng.normal(0, 0.3, size=60)[groups]
    first = np.column_stack([rng.normal(0.5, 0.1, size=300), np.ones(300)])
    second = first + np.column_stack([shared + rng.normal(0, 0.3, size=300), np.zeros(300)])

    evidence = evidence_from(
        first, second, mean, groups=groups.tolist(), scale=Scale(high=math.inf)
    )

    # SD √(0.3² + 0.3²); correlation in a cluster ½, so 1 + 4·½. Both from 60 clusters only.
    assert evidence.deviation == pytest.approx(0.424, rel=0.12)
    assert evidence.design_effect == pytest.approx(3.0, rel=0.25)
    assert evidence.n_runs == 2


def test_one_run_tells_the_share_that_is_right(tmp_path: Path) -> None:
    scores = np.column_stack([np.r_[np.ones(90), np.zeros(10)], np.ones(100)])
    suite = suite_with(tmp_path, 100)

    evidence = evidence_from(scores, None, mean, groups=list(range(100)), scale=BINARY)
    (plan,) = plan_power(
        suite, Assumptions(), evidence={"exact_match": evidence}, only=["exact_match"]
    )

    assert evidence.share_right == 0.9
    assert evidence.deviation == pytest.approx(0.3, abs=0.02)
    assert plan.discordance == pytest.approx(2 * 0.9 * 0.1 * 0.5)


def test_two_runs_without_a_difference_still_give_a_plan(tmp_path: Path) -> None:
    scores = np.column_stack([np.ones(20), np.ones(20)])

    evidence = evidence_from(scores, scores, mean, groups=list(range(20)), scale=BINARY)
    (plan,) = plan_power(
        suite_with(tmp_path, 20), Assumptions(), evidence={"exact_match": evidence},
        only=["exact_match"], effect=0.3,
    )  # fmt: skip

    assert (evidence.discordance, evidence.design_effect) == (0.0, 1.0)
    assert plan.minimum_detectable_effect is not None


@pytest.mark.slow
def test_compare_finds_the_detectable_effect_in_about_four_of_five_studies(tmp_path: Path) -> None:
    suite = suite_with(tmp_path, 120)
    (plan,) = plan_power(suite, Assumptions(discordance=0.2), only=["exact_match"])
    effect = plan.minimum_detectable_effect
    assert effect is not None
    metric = metric_of(suite, Spec(name="exact_match"))
    rng = np.random.default_rng(8)

    def scores(run: str, right: np.ndarray) -> Scores:
        stats = {r.id: (float(x), 1.0) for r, x in zip(suite.gold, right, strict=True)}
        return Scores(
            run=run, suite=suite.name, metric=metric, gold_digest="g", template_digest="t",
            stats=stats, planned=suite.gold,
        )  # fmt: skip

    verdicts: list[str] = []
    for _ in range(300):
        kind = rng.choice(3, size=120, p=[(0.2 + effect) / 2, (0.2 - effect) / 2, 0.8])
        same = rng.random(120) < 0.5
        before = np.where(kind == 2, same, kind == 1)
        after = np.where(kind == 2, same, kind == 0)
        verdicts.append(compare(scores("a", before), scores("b", after), n_draws=50).verdict)

    # Newcombe's interval, which must exclude zero too, is a little stricter than the test.
    assert 0.7 < verdicts.count("improved") / 300 < 0.87
