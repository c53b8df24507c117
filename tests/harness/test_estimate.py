from __future__ import annotations

from collections.abc import Sequence

from harness.estimate import Estimate, estimate_all
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.scoring import Scores
from harness.types import GoldRecord


def estimate(
    metric: str, stats: Sequence[tuple[float, ...]], *, n_clusters: int | None = None
) -> Estimate:
    """Return the estimate of one run from the statistics of its items."""
    planned = tuple(
        GoldRecord(
            id=f"q{i}",
            task="qa",
            input="?",
            references=("x",),
            cluster=None if n_clusters is None else f"c{i % n_clusters}",
        )
        for i in range(len(stats))
    )
    scores = Scores(
        run="base",
        suite="toy",
        metric=build_metric(metric, Setting(language="en")),
        gold_digest="g",
        template_digest="t",
        stats={f"q{i}": row for i, row in enumerate(stats)},
        planned=planned,
    )
    return estimate_all([scores])[0]


def test_a_share_near_an_end_is_told_as_such() -> None:
    found = estimate("exact_match", [(float(i < 2), 1.0) for i in range(60)])

    assert found.method == "Wilson"
    assert found.cautions[0].startswith("only 2 answers are right")
    assert found.as_row()["cautions"] == list(found.cautions)


def test_few_clusters_are_told() -> None:
    rows = [(i / 90, 1.0) for i in range(90)]

    assert estimate("token_f1", rows, n_clusters=9).cautions == (
        "only 9 clusters: the interval rests on little",
    )
    assert estimate("token_f1", rows).cautions == ()


def test_few_items_of_a_metric_without_bounds_are_told() -> None:
    few, many = (estimate("ter", [(float(i), 10.0) for i in range(n)]) for n in (49, 50))

    assert few.cautions[0].startswith("49 units of a metric without bounds")
    assert many.cautions == ()
