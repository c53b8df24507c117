"""Training seeds as repeats: one mean inside each item, and the noise between them."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.compare import Comparison
from harness.metrics.base import Array, Item, Metric, Scale
from harness.scoring import Scores
from harness.types import Measurement, Record

MOST_PAIRS = 3
"""Named in one warning; the others are counted."""


class NoiseFloor(Record):
    """How far the seed of training alone moves one metric of a configuration."""

    configuration: str
    suite: str
    metric: str
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    """The metric with each seed, on the items that all of them have a score for."""

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return statistics.mean(self.values)

    @property
    def deviation(self) -> float:
        """Standard deviation between the seeds (n − 1), in the metric's unit."""
        return statistics.stdev(self.values)


@dataclass(frozen=True, slots=True)
class SeedMean:
    """A metric of statistics that are means over seeds: an item's score is no longer 0 or 1."""

    metric: Metric

    @property
    def name(self) -> str:
        """That of the metric."""
        return self.metric.name

    @property
    def signature(self) -> str:
        """That of the metric: a baseline without seeds is measured alike."""
        return self.metric.signature

    @property
    def scale(self) -> Scale:
        """That of the metric, but never binary."""
        return replace(self.metric.scale, is_binary=False)

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Measure one seed's answers."""
        return self.metric.measure(items)

    def reduce(self, totals: Array) -> Array:
        """Return values from summed statistics."""
        return self.metric.reduce(totals)


def mean_of_seeds(scores: Sequence[Scores], configuration: str) -> Scores:
    """Return the mean of the statistics inside every item that all seeds have a score for.

    For a mean of item scores that is the mean over the seeds; for a corpus metric it is the value
    of all seeds' answers together, at the size of one. An item counts as without answer when it is
    in any of the seeds.

    Args:
        scores: One metric of one suite, one entry a seed.
        configuration: What the mean is called.
    """
    first = scores[0]
    if len(scores) == 1:
        return replace(first, run=configuration)
    shared = _shared(scores)
    stats = {
        gold_id: tuple(np.mean([score.stats[gold_id] for score in scores], axis=0).tolist())
        for gold_id in shared
    }
    no_answer = frozenset[str]().union(*(score.not_extracted for score in scores))
    return replace(
        first,
        run=configuration,
        metric=SeedMean(first.metric),
        stats=stats,
        not_extracted=no_answer & stats.keys(),
    )


def noise_floor(
    scores: Sequence[Scores], seeds: Sequence[int], configuration: str
) -> NoiseFloor | None:
    """Return how far the seeds' values lie apart; None with fewer than two."""
    shared = frozenset(_shared(scores))
    values = [score.only(shared).value() for score in scores]
    found = [
        (seed, value)
        for seed, value in zip(seeds, values, strict=True)
        if value is not None and math.isfinite(value)
    ]
    if len(found) < 2:
        return None
    return NoiseFloor(
        configuration=configuration,
        suite=scores[0].suite,
        metric=scores[0].metric.name,
        seeds=tuple(seed for seed, _ in found),
        values=tuple(value for _, value in found),
    )


def noise_warnings(comparisons: Sequence[Comparison], floors: Sequence[NoiseFloor]) -> list[str]:
    """Name the primaries on which two configurations differ by less than seeds of one do."""
    found: list[str] = []
    for suite, metric in dict.fromkeys((c.suite, c.metric) for c in comparisons if c.is_primary):
        noise = {
            floor.configuration: floor.deviation
            for floor in floors
            if (floor.suite, floor.metric) == (suite, metric)
        }
        group = [c for c in comparisons if (c.suite, c.metric) == (suite, metric)]
        values = {group[0].baseline: group[0].before.value}
        values |= {c.configuration: c.after.value for c in group}
        pairs = _within_noise(values, noise)
        if pairs:
            shown = ", ".join(pairs[:MOST_PAIRS])
            more = f" and {len(pairs) - MOST_PAIRS} more pairs" if len(pairs) > MOST_PAIRS else ""
            found.append(
                f"{suite} {metric}: the difference is smaller than what the seed of training alone "
                f"changes (standard deviation between seeds): {shown}{more}"
            )
    return found


def _within_noise(values: Mapping[str, float], noise: Mapping[str, float]) -> list[str]:
    """Return the pairs that differ by less than the larger of their noise floors."""
    return [
        f"{one} and {other} ({gap:.3g} < {floor:.3g})"
        for one, other in itertools.combinations(values, 2)
        if (gap := abs(values[one] - values[other]))
        < (floor := max(noise.get(one, 0.0), noise.get(other, 0.0)))
    ]


def _shared(scores: Sequence[Scores]) -> list[str]:
    return [
        record.id
        for record in scores[0].planned
        if all(record.id in score.stats for score in scores)
    ]
