"""Agreement with published numbers and with the reference implementations.

Holm and Benjamini–Hochberg (statsmodels) are in test_multiple.py, Bradley–Terry (choix, Stigler's
citations) in test_ranking.py, Newcombe's tables in test_tests.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from harness.compare import compare
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.scoring import Scores
from harness.stats.bootstrap import bootstrap_values, paired_bootstraps
from harness.stats.randomisation import approximate_randomisation
from harness.stats.tests import mcnemar_exact, wilcoxon, wilson
from harness.types import GoldRecord
from tests.harness.metrics.support import matrix

Array = NDArray[np.float64]

SYSTEMS = ("ONLINE-A", "ONLINE-Y", "ONLINE-G", "ONLINE-B", "GPT4-5shot")
THEIRS = {"bleu": BLEU, "chrf": CHRF}
N_DRAWS = 1000


@pytest.fixture(scope="module")
def translations(SHARED: Path) -> dict[str, list[str]]:
    """Return the segments of five systems of WMT 2023 en-de, and the reference."""
    folder = SHARED / "data" / "wmt23-ende"
    files = {"ref": folder / "ref.de.txt"} | {
        name: folder / "systems" / f"{name}.txt" for name in SYSTEMS
    }
    return {
        name: file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        for name, file in files.items()
    }


def of_sacrebleu(texts: dict[str, list[str]], metric: str, kind: str) -> list[Any]:
    """Return sacrebleu's results, the baseline first."""
    test = PairedTest(
        [(name, texts[name]) for name in SYSTEMS],
        {"M": THEIRS[metric](references=[texts["ref"]])},
        references=None,
        test_type=kind,
        n_samples=N_DRAWS,
    )
    (results,) = (found for name, found in test()[1].items() if name != "System")
    return list(results)


def measured(texts: dict[str, list[str]], metric: str) -> list[Array]:
    """Return the statistics of each system, [n, k]."""
    ours = build_metric(metric, Setting(language="en"))
    return [
        matrix(ours, [(said, (ref,)) for said, ref in zip(texts[name], texts["ref"], strict=True)])
        for name in SYSTEMS
    ]


@pytest.mark.slow
@pytest.mark.parametrize("metric", THEIRS)
def test_the_paired_bootstrap_is_sacrebleus(
    translations: dict[str, list[str]], metric: str
) -> None:
    theirs = of_sacrebleu(translations, metric, "bs")
    reduce = build_metric(metric, Setting(language="en")).reduce
    parts = measured(translations, metric)

    drawn = bootstrap_values(parts, reduce, n_draws=N_DRAWS, seed=12345)

    values = [float(reduce(part.sum(axis=0))) for part in parts]
    assert values == pytest.approx([one.score for one in theirs], abs=1e-9)
    # The same items are drawn; sacrebleu computes a draw's value in single precision.
    assert drawn.mean(axis=0) == pytest.approx([one.mean for one in theirs], abs=1e-4)
    for i in range(1, len(SYSTEMS)):
        # Its formula: how often a centred size of the difference exceeds the observed one. Single
        # precision can tip a draw that lies on the edge.
        sizes = np.abs(drawn[:, i] - drawn[:, 0])
        p = (1 + (sizes - sizes.mean() > abs(values[i] - values[0])).sum()) / (N_DRAWS + 1)
        assert p == pytest.approx(theirs[i].p_value, abs=1.5 / N_DRAWS), SYSTEMS[i]


@pytest.mark.slow
@pytest.mark.parametrize("metric", THEIRS)
def test_randomisation_and_our_interval_give_sacrebleus_p(
    translations: dict[str, list[str]], metric: str
) -> None:
    theirs = of_sacrebleu(translations, metric, "ar")
    reduce = build_metric(metric, Setting(language="en")).reduce
    first, *others = measured(translations, metric)

    ours = [approximate_randomisation(first, one, reduce, n_draws=N_DRAWS) for one in others]
    estimates = paired_bootstraps(first, others, reduce, spread=100.0)

    for result, p, estimate in zip(theirs[1:], ours, estimates, strict=True):
        expected = float(result.p_value)
        error = np.sqrt(max(expected * (1 - expected), 1 / N_DRAWS) / N_DRAWS)
        assert p == pytest.approx(expected, abs=4 * np.sqrt(2) * error)
        # Another test of the same question: near, not equal.
        assert estimate.p_value == pytest.approx(expected, abs=0.03 + 4 * error)


def test_mcnemar_of_hugging_face_is_the_chi_square_that_exactness_corrects() -> None:
    # `evaluate`, comparisons/mcnemar, its example: gold 1 0 1, answers 1 1 1 and 1 0 1; printed are
    # 1.0 and 0.31731050786291115. The module is loaded from the hub, so statsmodels stands in.
    table = [[2, 0], [1, 0]]

    theirs: Any = mcnemar(table, exact=False, correction=False)

    assert (theirs.statistic, theirs.pvalue) == pytest.approx((1.0, 0.31731050786291115))
    assert mcnemar_exact(1, 0) == 1.0


def test_wilcoxon_is_that_of_hugging_face() -> None:
    # `evaluate`, comparisons/wilcoxon, its example: statistic 5.0, p 0.625.
    first, second = [-7, 123.45, 43, 4.91, 5], [1337.12, -9.74, 1, 2, 3.21]

    assert wilcoxon([a - b for a, b in zip(first, second, strict=True)]) == 0.625


@given(n_gained=st.integers(0, 80), n_lost=st.integers(0, 80))
def test_mcnemar_is_that_of_statsmodels(n_gained: int, n_lost: int) -> None:
    theirs: Any = mcnemar([[30, n_gained], [n_lost, 40]], exact=True)

    assert mcnemar_exact(n_gained, n_lost) == pytest.approx(min(1.0, theirs.pvalue), abs=1e-12)


@given(n=st.integers(1, 400), share=st.floats(0, 1), confidence=st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson_is_that_of_statsmodels(n: int, share: float, confidence: float) -> None:
    right = round(share * n)

    found = wilson(right, n, confidence=confidence)

    theirs = proportion_confint(right, n, alpha=1 - confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx(theirs, abs=1e-12)


def test_draws_have_the_law_of_scipys_bootstrap() -> None:
    scores = np.random.default_rng(3).gamma(2.0, size=80)
    theirs: Any = stats.bootstrap(
        (scores,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(4)
    )

    drawn = bootstrap_values(
        [np.column_stack([scores, np.ones(80)])], lambda t: t[..., 0] / t[..., 1], n_draws=20_000
    )

    # The standard error of 20,000 draws is known to 0.5 %, their 2.5 % quantile to some 2 % of it.
    error = float(theirs.standard_error)
    assert drawn.std(ddof=1) == pytest.approx(error, rel=0.02)
    interval = theirs.confidence_interval
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx(
        [interval.low, interval.high], abs=0.1 * error
    )


@pytest.mark.parametrize("metric", ["exact_match", "token_f1"])
def test_riezlers_trap_is_seen_in_a_comparison(metric: str) -> None:
    # Riezler and Maxwell 2005, as an exercise of the UFAL reading group 2012: of 1,000 segments
    # one differs; p must be 1.0, and a bootstrap that is not centred finds .26 or .37.
    planned = tuple(
        GoldRecord(id=f"s{i}", task="t", input="?", references=("x",)) for i in range(1000)
    )

    def scores(run: str, right: int) -> Scores:
        return Scores(
            run=run,
            suite="trap",
            metric=build_metric(metric, Setting(language="en")),
            gold_digest="g" * 64,
            template_digest="t" * 64,
            stats={f"s{i}": (float(i < right), 1.0) for i in range(1000)},
            planned=planned,
        )

    found = compare(scores("base", 500), scores("tuned", 501))

    assert (found.p_value, found.verdict) == (1.0, "cannot tell")
    assert found.difference.low < 0 < found.difference.high
