from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.agreement import agreement, rank_correlation

ratings = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=40)


def test_two_raters_of_a_textbook() -> None:
    # Gwet (2014), cont3x3abstractors: 100 patients, 2 abstractors; rows and columns as printed.
    table = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(table[i][j])]

    found = agreement([a for a, _ in pairs], [b for _, b in pairs])

    assert (found.n, found.raw) == (100, pytest.approx(0.89))
    assert found.kappa == pytest.approx(0.7964094, abs=1e-7)  # scikit-learn 1.9.1


def test_quadratic_kappa_and_rank_correlation() -> None:
    # scikit-learn 1.9.1 cohen_kappa_score(weights="quadratic"), scipy 1.17.1 spearmanr.
    first, second = [1, 2, 3, 4, 5, 5, 3, 2, 1, 4], [1, 3, 3, 5, 5, 4, 2, 2, 2, 4]

    found = agreement(first, second)

    assert found.raw == 0.5
    assert found.quadratic_kappa == pytest.approx(0.8648648648648649, abs=1e-12)
    assert found.spearman == pytest.approx(0.8679416943609326, abs=1e-12)


@given(pairs=ratings)
def test_kappas_equal_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    first, second = [a for a, _ in pairs], [b for _, b in pairs]

    found = agreement(first, second)

    labels = [1, 2, 3, 4, 5]
    for ours, weights in ((found.kappa, None), (found.quadratic_kappa, "quadratic")):
        if ours is not None:
            theirs = metrics.cohen_kappa_score(first, second, labels=labels, weights=weights)
            assert ours == pytest.approx(theirs, abs=1e-9)


@given(pairs=ratings)
def test_agreement_is_symmetric_and_bounded(pairs: list[tuple[int, int]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]

    there, back = agreement(first, second), agreement(second, first)

    assert there == back or there.spearman == pytest.approx(back.spearman)
    assert 0 <= there.raw <= 1
    for value in (there.kappa, there.quadratic_kappa, there.spearman):
        assert value is None or -1 - 1e-9 <= value <= 1 + 1e-9


def test_equal_raters_agree_fully() -> None:
    found = agreement([1, 2, 3], [1, 2, 3])

    assert (found.raw, found.kappa, found.quadratic_kappa) == (1.0, 1.0, 1.0)
    assert found.spearman == pytest.approx(1.0)


def test_raters_that_never_vary_have_no_coefficient() -> None:
    found = agreement([3, 3, 3], [3, 3, 3])

    assert (found.raw, found.kappa, found.quadratic_kappa, found.spearman) == (
        1.0,
        None,
        None,
        None,
    )
    assert rank_correlation([1, 2], [1, 2]) is None


def test_the_annotators_of_pandalm_agree_as_published(SHARED: Path) -> None:
    # PandaLM's README prints 0.85, 0.88, 0.86; full digits in SOURCE.md.
    rows = json.loads((SHARED / "data/pandalm-human/testset-v1.json").read_text(encoding="utf-8"))
    raters = np.array([[row[f"annotator{k}"] for k in (1, 2, 3)] for row in rows]).T

    kappas = [
        agreement(raters[i].tolist(), raters[j].tolist()).kappa for i, j in ((0, 1), (0, 2), (1, 2))
    ]

    assert kappas == pytest.approx([0.852023, 0.878944, 0.861662], abs=1e-6)
