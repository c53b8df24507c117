from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest

from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.stats.randomisation import approximate_randomisation
from tests.harness.metrics.support import matrix

Array = NDArray[np.float64]


def mean(totals: Array) -> Array:
    return totals[..., 0] / totals[..., 1]


def rows(scores: Any) -> Array:
    return np.column_stack([scores, np.ones(len(scores))])


def test_equal_systems_give_one() -> None:
    assert approximate_randomisation(rows([0.2, 0.9]), rows([0.2, 0.9]), mean) == 1.0


def test_one_differing_segment_of_a_thousand_gives_one() -> None:
    # Riezler and Maxwell 2005, as set in an exercise of the UFAL reading group 2012: p = 1.0.
    before = np.full(1000, 0.5)
    after = before.copy()
    after[17] = 1.0

    assert approximate_randomisation(rows(before), rows(after), mean, n_draws=2000) == 1.0


def test_it_comes_near_the_exact_randomisation() -> None:
    gains = np.asarray([0.3, 0.1, 0.4, -0.1, 0.2, 0.25, -0.05, 0.5])
    exact = np.mean(
        [
            abs(np.dot(signs, gains)) >= abs(gains.sum()) - 1e-12
            for signs in product((1, -1), repeat=8)
        ]
    )

    found = approximate_randomisation(rows(np.zeros(8)), rows(gains), mean, n_draws=40_000)

    assert found == pytest.approx(float(exact), abs=3 * np.sqrt(exact * (1 - exact) / 40_000))


def test_clusters_are_exchanged_as_a_whole() -> None:
    gains = np.repeat([0.5, 0.4, 0.6, 0.5], 10)
    groups = [i // 10 for i in range(40)]
    before, after = rows(np.zeros(40)), rows(gains)

    apart = approximate_randomisation(before, after, mean, n_draws=4000)
    together = approximate_randomisation(before, after, mean, groups=groups, n_draws=4000)

    assert apart < 0.001
    # Four clusters of one sign: 2 · 2⁻⁴.
    assert together == pytest.approx(0.125, abs=0.02)


@pytest.mark.slow
def test_bleu_p_values_are_those_of_sacrebleu(SHARED: Path) -> None:
    folder = SHARED / "data" / "wmt23-ende"
    lines = {
        name: (folder / file).read_text(encoding="utf-8").removesuffix("\n").split("\n")[:200]
        for name, file in {
            "ref": "ref.de.txt",
            "ONLINE-A": "systems/ONLINE-A.txt",
            "ONLINE-Y": "systems/ONLINE-Y.txt",
            "ONLINE-G": "systems/ONLINE-G.txt",
        }.items()
    }
    systems: list[tuple[str, Sequence[str]]] = [
        (name, lines[name]) for name in ("ONLINE-A", "ONLINE-Y", "ONLINE-G")
    ]
    n_draws = 2000
    theirs: Any = PairedTest(
        systems, {"BLEU": BLEU(references=[lines["ref"]])}, references=None,
        test_type="ar", n_samples=n_draws,
    )()[1]["BLEU"]  # fmt: skip
    metric = build_metric("bleu", Setting(language="en"))
    stats = {
        name: matrix(
            metric, [(said, (ref,)) for said, ref in zip(texts, lines["ref"], strict=True)]
        )
        for name, texts in systems
    }

    for result, (name, _) in zip(theirs[1:], systems[1:], strict=True):
        p = approximate_randomisation(
            stats["ONLINE-A"], stats[name], metric.reduce, n_draws=n_draws
        )

        expected = float(result.p_value or 0)
        error = np.sqrt(max(expected * (1 - expected), 1 / n_draws) / n_draws)
        assert p == pytest.approx(expected, abs=4 * np.sqrt(2) * error), name
