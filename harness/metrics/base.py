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
from harness.suite import Suite
from harness.types import Completion, GoldRecord, Measurement

Array = NDArray[np.float64]

BATCH = 512
"""Items whose statistics are counted together: enough to be fast, little enough for the caches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A gold item with what a model answered."""

    gold: GoldRecord
    completion: Completion
    rival: Completion | None = None
    """What the baseline answered, for metrics that compare the two."""


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
    suite: Suite | None = None
    """The suite it belongs to, where there is one."""
    runs: Path | None = None
    """Folder of all runs, where judgements lie."""
    baseline: str | None = None
    """The run that `Item.rival` comes from, by its folder's name."""


class Metric(Protocol):
    """What a metric offers to scoring, comparison and reports.

    A metric that is `pure` (see `MeanMetric`) is measured in several processes at once, and items
    that are equal but for their ids are measured once.
    """

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
    pure: bool = True
    """Whether it looks at nothing but gold and completion, and not at ids. False also where it
    asks a model."""

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return (score, 1) of each item."""
        scores = (self.score(item.gold, item.completion) for item in items)
        return [None if s is None else Measurement(stats=(float(s), 1.0)) for s in scores]

    def reduce(self, totals: Array) -> Array:
        """Return the sum of scores over the number of items."""
        return mean_of(totals)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusMetric:
    """A metric whose corpus value is not a mean, such as BLEU."""

    name: str
    signature: str
    statistics: Callable[[GoldRecord, Completion], tuple[float, ...] | None]
    formula: Callable[[Array], Array]
    scale: Scale = Scale(high=100.0)
    pure: bool = True
    """As in `MeanMetric`."""

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
    pure: bool = True
    """As in `MeanMetric`."""

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Judge each item."""
        return [self.judge(item.gold, item.completion) for item in items]

    def reduce(self, totals: Array) -> Array:
        """Apply the formula to summed statistics; by default their ratio, which is the mean."""
        return self.formula(totals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Answers with their references, at least one each."""

    answers: Sequence[str]
    references: Sequence[Sequence[str]]

    def pairs(self) -> tuple[list[str], list[str]]:
        """Return every answer beside each of its references."""
        answers = [a for a, refs in zip(self.answers, self.references, strict=True) for _ in refs]
        return answers, [ref for refs in self.references for ref in refs]

    def first_pairs(self) -> NDArray[np.int64]:
        """Return where each item's pairs begin."""
        counts = [len(refs) for refs in self.references]
        return np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMetric:
    """A metric that is measured much faster on many texts at once than on one after the other.

    Items without a reference are not scored.
    """

    name: str
    signature: str
    statistics: Callable[[Texts], Array]
    """Returns the sufficient statistics, [n, k]."""
    formula: Callable[[Array], Array]
    scale: Scale
    pure: bool = True
    """As in `MeanMetric`."""

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return the sufficient statistics of each item."""
        scored = [item for item in items if item.gold.references]
        rows: list[tuple[float, ...]] = []
        for start in range(0, len(scored), BATCH):
            part = scored[start : start + BATCH]
            texts = Texts(
                answers=[item.completion.text for item in part],
                references=[item.gold.references for item in part],
            )
            rows += map(tuple, self.statistics(texts).tolist())
        found = iter(rows)
        return [Measurement(stats=next(found)) if item.gold.references else None for item in items]

    def reduce(self, totals: Array) -> Array:
        """Apply the corpus formula to summed statistics."""
        return self.formula(totals)


def is_pure(metric: Metric) -> bool:
    """Return whether equal items have equal measurements, wherever they are measured."""
    return bool(getattr(metric, "pure", False))


def mean_of(totals: Array) -> Array:
    """Return the sum of scores over the number of items, from totals [..., 2]."""
    return totals[..., 0] / totals[..., 1]


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
