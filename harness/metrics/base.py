"""A metric is a map and a reduce: statistics per item, summed, then turned into a value.

Since every value is a function of summed statistics, resampling needs no second look at the
texts: one matrix product gives the sums of thousands of bootstrap draws (harness/stats).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.digest import digest_of
from harness.registry import METRICS, load
from harness.types import Completion, GoldRecord, Measurement

Array = NDArray[np.float64]


class Metric(Protocol):
    """What a metric offers to scoring, comparison and reports."""

    @property
    def name(self) -> str:
        """Registered name."""
        ...

    @property
    def signature(self) -> str:
        """Everything that decides the number, such as token_f1@1|lang:zh|tok:char."""
        ...

    @property
    def is_binary(self) -> bool:
        """Whether an item's score is 0 or 1."""
        ...

    def measure(self, gold: GoldRecord, completion: Completion) -> Measurement | None:
        """Return the item's statistics, or None when it cannot be scored."""
        ...

    def reduce(self, totals: Array) -> Array:
        """Return values [...] from summed statistics [..., k]."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanMetric:
    """A metric whose corpus value is the mean of its item scores."""

    name: str
    signature: str
    score: Callable[[GoldRecord, Completion], float | None]
    is_binary: bool = False

    def measure(self, gold: GoldRecord, completion: Completion) -> Measurement | None:
        """Return (score, 1)."""
        score = self.score(gold, completion)
        return None if score is None else Measurement(stats=(float(score), 1.0))

    def reduce(self, totals: Array) -> Array:
        """Return the sum of scores over the number of items."""
        return totals[..., 0] / totals[..., 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusMetric:
    """A metric whose corpus value is not a mean, such as BLEU."""

    name: str
    signature: str
    statistics: Callable[[GoldRecord, Completion], tuple[float, ...]]
    formula: Callable[[Array], Array]
    is_binary: bool = False

    def measure(self, gold: GoldRecord, completion: Completion) -> Measurement | None:
        """Return the item's sufficient statistics."""
        return Measurement(stats=self.statistics(gold, completion))

    def reduce(self, totals: Array) -> Array:
        """Apply the corpus formula to summed statistics."""
        return self.formula(totals)


def build_metric(name: str, language: str) -> Metric:
    """Return a registered metric, set up for a language.

    Raises:
        UnknownNameError: no such metric.
    """
    factory: Any = load("metric", name, METRICS)
    return factory(language)


def metric_key(metric: Metric, gold_digest: str) -> str:
    """Return the hash of all that decides a stored measurement besides the completion."""
    return digest_of([metric.signature, gold_digest])
