"""A metric is a map and a reduce: statistics per item, summed, then turned into a value.

Since every value is a function of summed statistics, resampling needs no second look at the
texts: one matrix product gives the sums of thousands of bootstrap draws (harness/stats).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.metrics.normalise import chinese
from harness.types import Completion, GoldRecord, Measurement

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A gold item with what a model answered."""

    gold: GoldRecord
    completion: Completion


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How to read a metric's values."""

    low: float = 0.0
    high: float = 1.0
    """May be infinite."""
    better: Literal["higher", "lower", "neither"] = "higher"
    """"neither": a gauge, such as the length of answers; it never gets a verdict."""
    is_binary: bool = False
    """Whether an item's value is 0 or 1 and the metric is their mean."""

    @property
    def spread(self) -> float:
        """How far a value can move at most; 0 where there is no limit."""
        width = self.high - self.low
        return width if math.isfinite(width) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a metric is built for; the parameters of its spec come on top."""

    language: str
    """Decides tokenisation and normalisation."""
    labels: tuple[str, ...] = ()
    """The classes of a classification task."""
    no_answer: tuple[str, ...] = ()
    """What a model was asked to say where there is no answer; the same as saying nothing."""
    folder: Path | None = None
    """Where paths in the metric's parameters start."""
    trusts_code: bool = False
    """Whether Python files that a suite names may be run."""


class Metric(Protocol):
    """What a metric offers to scoring, comparison and reports."""

    @property
    def name(self) -> str:
        """Name in tables: the registered one, with parameters where they are not the defaults."""
        ...

    @property
    def signature(self) -> str:
        """Everything that decides the number, such as token_f1@1|tok:zh-char|refs:max."""
        ...

    @property
    def scale(self) -> Scale:
        """How to read its values."""
        ...

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return each item's statistics, or None where it cannot be scored (yet)."""
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
    scale: Scale = Scale()

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return (score, 1) of each item."""
        scores = (self.score(item.gold, item.completion) for item in items)
        return [None if s is None else Measurement(stats=(float(s), 1.0)) for s in scores]

    def reduce(self, totals: Array) -> Array:
        """Return the sum of scores over the number of items."""
        return totals[..., 0] / totals[..., 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusMetric:
    """A metric whose corpus value is not a mean, such as BLEU."""

    name: str
    signature: str
    statistics: Callable[[GoldRecord, Completion], tuple[float, ...] | None]
    formula: Callable[[Array], Array]
    scale: Scale = Scale(high=100.0)

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return the sufficient statistics of each item."""
        found = (self.statistics(item.gold, item.completion) for item in items)
        return [None if stats is None else Measurement(stats=stats) for stats in found]

    def reduce(self, totals: Array) -> Array:
        """Apply the corpus formula to summed statistics."""
        return self.formula(totals)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingMetric:
    """A metric that itself looks for the answer in a text, and tells when there is none.

    Its `judge` returns a whole measurement, so that "wrong" and "nothing found" stay apart.
    """

    name: str
    signature: str
    judge: Callable[[GoldRecord, Completion], Measurement | None]
    formula: Callable[[Array], Array] = lambda totals: totals[..., 0] / totals[..., 1]
    scale: Scale = Scale()

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Judge each item."""
        return [self.judge(item.gold, item.completion) for item in items]

    def reduce(self, totals: Array) -> Array:
        """Apply the formula to summed statistics; by default their ratio, which is the mean."""
        return self.formula(totals)


UNIT = Scale()
BINARY = Scale(is_binary=True)


@dataclass(frozen=True, slots=True)
class Answers:
    """Reads the answers of items that have references; a declared phrase is an empty answer."""

    no_answer: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """The phrases, with a bar before them; empty without."""
        return f"|no-answer:{','.join(self.no_answer)}" if self.no_answer else ""

    def text(self, completion: Completion) -> str:
        """Return what a model said, "" where it said that there is no answer."""
        said = chinese(completion.text) if self.no_answer else ""
        return "" if said in map(chinese, self.no_answer) else completion.text

    def scored_by(
        self, score: Callable[[str, tuple[str, ...]], float]
    ) -> Callable[[GoldRecord, Completion], float | None]:
        """Turn a score of a text against references into one of items.

        A multiple choice item has neither: it is not scored. An item of another type without
        references is a question that has no answer, and only the empty answer is right.
        """

        def of_item(gold: GoldRecord, completion: Completion) -> float | None:
            return None if gold.choices else score(self.text(completion), gold.references)

        return of_item
