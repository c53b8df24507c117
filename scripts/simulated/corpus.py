"""Corpus metrics on segments of real translations, drawn with replacement: WMT 2023 en-de."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from harness.metrics.base import Item, Setting
from harness.metrics.build import build_metric
from harness.stats.bootstrap import Interval, paired_bootstrap
from harness.types import Completion, GoldRecord
from scripts.simulated.scenario import N_DRAWS, Array, Rng, Scenario, seed_of

WMT = Path(__file__).resolve().parents[3] / "shared" / "data" / "wmt23-ende"
SIZES = (20, 50, 200)
SYSTEMS = ("ONLINE-A", "ONLINE-M")


def corpus_scenarios() -> list[Scenario]:
    """Return those of BLEU and chrF; the truth is the value on all 557 segments."""
    return [_corpus_pair(name, n) for name in ("bleu", "chrf") for n in SIZES]


def _corpus_pair(name: str, n: int) -> Scenario:
    def truth() -> float:
        metric = build_metric(name, Setting(language="en"))
        before, after = (translations(name, system).sum(axis=0) for system in SYSTEMS)
        return float(metric.reduce(after) - metric.reduce(before))

    def draw(rng: Rng) -> Interval:
        metric = build_metric(name, Setting(language="en"))
        before, after = (translations(name, system) for system in SYSTEMS)
        chosen = rng.integers(len(before), size=n)
        return paired_bootstrap(
            before[chosen],
            after[chosen],
            metric.reduce,
            spread=100.0,
            n_draws=N_DRAWS,
            seed=seed_of(rng),
        ).difference

    return Scenario(
        table="Corpus metrics", data=name, n=n, truth=truth, draw=draw, n_simulations=1000
    )


@cache
def translations(metric_name: str, system: str) -> Array:
    """Return the statistics of a WMT23 system's segments, [557, k]."""
    metric = build_metric(metric_name, Setting(language="en"))
    said, references = lines(f"systems/{system}.txt"), lines("ref.de.txt")
    items = [
        Item(
            gold=GoldRecord(id=f"s{i}", task="t", input="?", references=(reference,)),
            completion=Completion(gold_id=f"s{i}", text=text, finish="stop", prompt_tokens=1),
        )
        for i, (text, reference) in enumerate(zip(said, references, strict=True))
    ]
    measured = [one for one in metric.measure(items) if one is not None]
    assert len(measured) == len(items), f"{metric_name} left out segments of {system}"
    return np.asarray([one.stats for one in measured], dtype=np.float64)


def lines(file: str) -> list[str]:
    """Return the segments of a file of the WMT23 set."""
    return (WMT / file).read_text(encoding="utf-8").removesuffix("\n").split("\n")
