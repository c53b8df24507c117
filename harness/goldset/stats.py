"""Count what a gold set holds: items, references, lengths, classes, slices."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.goldset.balance import classes_of
from harness.goldset.kinds import kind_of
from harness.goldset.language import language_of
from harness.goldset.texts import input_text, n_words, right_answers
from harness.stats.resample import group_numbers
from harness.suite import Suite
from harness.types import GoldRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a number is distributed; lengths are in words, a Chinese character being one."""

    low: float
    """10 % are below."""
    median: float
    high: float
    """10 % are above."""
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStats:
    """One task of a gold set, or all of them."""

    task: str
    kind: str
    type: str
    metrics: tuple[str, ...]
    n_items: int
    n_clusters: int
    """Independent groups: clusters, and items without one."""
    largest_cluster: int
    """Items in it."""
    languages: Mapping[str, int]
    input_words: Spread
    answer_words: Spread
    references: Mapping[int, int]
    """How many items have 1, 2, … references; empty for multiple choice."""
    classes: Mapping[str, int]
    """How often each class is right, the commonest first; empty where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldStats:
    """What a gold set holds."""

    suite: str
    version: str
    language: str
    digest: str
    n_items: int
    tasks: tuple[TaskStats, ...]
    slices: Mapping[str, Mapping[str, int]]
    """Items by value, for each slice."""
    sources: Mapping[str, int]


def gold_stats(suite: Suite) -> GoldStats:
    """Count what a loaded suite's gold set holds."""
    slices: dict[str, Counter[str]] = {}
    for record in suite.gold:
        for name, value in record.slices.items():
            slices.setdefault(name, Counter())[value] += 1
    tasks = [
        _task(suite, task, [record for record in suite.gold if record.task == task])
        for task in suite.config.tasks
    ]
    sources = Counter((record.source or "not said") for record in suite.gold)
    return GoldStats(
        suite=suite.name,
        version=suite.config.version,
        language=suite.config.language,
        digest=suite.gold_digest,
        n_items=len(suite.gold),
        tasks=tuple(task for task in tasks if task is not None),
        slices={name: dict(counts.most_common()) for name, counts in sorted(slices.items())},
        sources=dict(sources.most_common()),
    )


def _task(suite: Suite, task: str, records: Sequence[GoldRecord]) -> TaskStats | None:
    if not records:
        return None
    config = suite.config.tasks[task]
    groups = Counter(group_numbers([record.cluster for record in records]))
    answers = [answer for record in records for answer in right_answers(record)]
    return TaskStats(
        task=task,
        kind=kind_of(suite, task),
        type=config.type,
        metrics=tuple(spec.label for spec in config.metrics),
        n_items=len(records),
        n_clusters=len(groups),
        largest_cluster=max(groups.values()),
        languages=dict(Counter(language_of(input_text(r)) for r in records).most_common()),
        input_words=_spread([n_words(input_text(record)) for record in records]),
        answer_words=_spread([n_words(answer) for answer in answers] or [0]),
        references=dict(
            sorted(Counter(len(r.references) for r in records if r.references).items())
        ),
        classes=dict(classes_of(suite, task).most_common()),
    )


def _spread(values: Sequence[int]) -> Spread:
    low, high = np.quantile(values, [0.1, 0.9])
    return Spread(
        low=float(low),
        median=float(statistics.median(values)),
        high=float(high),
        largest=float(max(values)),
    )
