"""Which of an lm-eval task's metrics can be compared item by item, and how their parts are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from harness.metrics.imported import NO_FILTER, Aggregation, sacrebleu_metric, score_key
from harness.spec import ALIAS, Spec

IMPORTED = "imported"
MEANS = ("mean", "nanmean", "brier_score")
"""Aggregations whose value is the mean of the items' own values."""
ADDITIVE = ("perplexity", "weighted_perplexity", "bits_per_byte", "f1", "matthews_corrcoef")
TEXTUAL = ("bleu", "chrf", "chrf++", "ter")
BINARY = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match")
"""lm-eval's own metrics that are 0 or 1 for an item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredMetric:
    """One metric under one filter of one task."""

    name: str
    filter: str
    aggregation: Aggregation
    how: str
    """lm-eval's own name of the aggregation."""
    is_binary: bool
    higher_is_better: bool | None
    classes: int = 2

    @property
    def key(self) -> str:
        """Where its scores stand."""
        return score_key(self.name, self.filter)

    def spec(self, by: str) -> Spec:
        """Return the suite's entry; parameters that have their default value are left out."""
        better = {True: "higher", False: "lower", None: "neither"}[self.higher_is_better]
        params: dict[str, Any] = {"name": self.name, ALIAS: self.key, "by": by}
        if self.filter != NO_FILTER:
            params["filter"] = self.filter
        if self.aggregation != "mean":
            params["aggregation"] = self.aggregation
        if better != "higher":
            params["better"] = better
        if self.is_binary:
            params["binary"] = True
        if self.aggregation == "matthews_corrcoef":
            params["classes"] = self.classes
        return Spec(name=IMPORTED, params=params)

    def parts(self, value: Any, task: Any) -> dict[str, float]:
        """Return an item's numbers by key; empty where there is nothing to keep.

        Args:
            value: What lm-eval keeps of an item.
            task: The lm-eval task, for its own aggregation.
        """
        if self.how in TEXTUAL:
            numbers = _text_counts(self.how, value)
        elif self.how == "brier_score":
            numbers = [float(task.aggregation()[self.name]([value]))]
        elif isinstance(value, list | tuple):
            numbers = [float(part) for part in value]
        else:
            numbers = [] if value is None else [float(value)]
        if not all(map(math.isfinite, numbers)):
            return {}
        if len(numbers) == 1:
            return {self.key: numbers[0]}
        return {f"{self.key}#{i}": number for i, number in enumerate(numbers)}


def measured_metrics(task: Any, classes: int = 2) -> tuple[list[MeasuredMetric], list[str]]:
    """Return the metrics of a task that add up over items, and why others do not.

    Args:
        task: An lm_eval.api.task.Task.
        classes: How many choices its documents have.
    """
    names = _aggregation_names()
    filters = [ensemble.name for ensemble in getattr(task, "_filters", [])] or [NO_FILTER]
    directions: Mapping[str, Any] = task.higher_is_better()
    is_own_code = getattr(task.config, "process_results", None) is not None
    found: list[MeasuredMetric] = []
    left_out: list[str] = []
    for name, aggregate in task.aggregation().items():
        how = names.get(aggregate, "")
        if how == "bypass":
            continue
        if how not in (*MEANS, *ADDITIVE, *TEXTUAL):
            shown = how or getattr(aggregate, "__name__", "a function of its own")
            left_out.append(
                f"{task.task_name} {name}: lm-eval aggregates it with {shown}, "
                "which is no formula of sums over items"
            )
            continue
        found.extend(
            MeasuredMetric(
                name=name,
                filter=filter_name,
                aggregation="mean" if how in MEANS else cast("Aggregation", how),
                how=how,
                is_binary=how == "mean" and name in BINARY and not is_own_code,
                higher_is_better=directions.get(name),
                classes=classes,
            )
            for filter_name in filters
        )
    return found, left_out


def macro_averages(groups: Mapping[str, Any]) -> list[str]:
    """Return what groups average over tasks instead of over items."""
    return [
        f"{name} {config.metric}: lm-eval averages it over tasks of any size; here all items count "
        "alike"
        for name, group in groups.items()
        for config in group.aggregate_metric_list or []
        if not config.weight_by_size
    ]


def _aggregation_names() -> dict[Any, str]:
    """Return the names under which lm-eval registers its aggregations, by function."""
    import_module("lm_eval.api.metrics")  # registers them
    from lm_eval.api.registry import AGGREGATION_REGISTRY, get_aggregation

    return {get_aggregation(name): name for name in AGGREGATION_REGISTRY}


def _text_counts(how: str, value: Sequence[Any]) -> list[float]:
    """Return sacrebleu's counts of one (reference, prediction), formatted as lm-eval does."""
    from lm_eval.api.metrics import _sacreformat

    references, predictions = _sacreformat([value[0]], [value[1]])
    streams = [list(stream) for stream in references]
    library = sacrebleu_metric(how)
    (counts,) = library._extract_corpus_statistics(list(predictions), streams)  # noqa: SLF001
    return [float(count) for count in counts]
