"""What lm-eval measured becomes completions of ours, and is proven to give lm-eval's number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.errors import RunError
from harness.lmeval.aggregation import MeasuredMetric
from harness.lmeval.materialise import gold_id, metrics_of
from harness.lmeval.responses import Kind, Response, response_key
from harness.lmeval.tasks import LoadedTasks
from harness.metrics.base import Item
from harness.metrics.build import metric_of
from harness.suite import Suite
from harness.types import Completion

TOLERANCE = 1e-9
"""Relative; sums in another order."""


def completions_of(
    samples: Mapping[str, Sequence[Mapping[str, Any]]],
    loaded: LoadedTasks,
    suite: Suite,
    responses: Mapping[str, Response],
) -> list[Completion]:
    """Return one completion per document from lm-eval's logged samples.

    Args:
        samples: By task; one per document and filter.
        loaded: The tasks.
        suite: Made from the same task.
        responses: What the engine answered.
    """
    planned = {record.id: record for record in suite.gold}
    found: list[Completion] = []
    for name in suite.config.tasks:
        metrics, _ = metrics_of(loaded, name)
        by_doc: dict[int, list[Mapping[str, Any]]] = {}
        for sample in samples[name]:
            by_doc.setdefault(int(sample["doc_id"]), []).append(sample)
        for doc_id, group in by_doc.items():
            record = planned[gold_id(name, doc_id)]
            scores = _scores(group, metrics, loaded.tasks[name])
            answered = [
                responses[response_key(kind_of(arguments), arguments)]
                for arguments in group[0]["arguments"]
            ]
            found.append(_completion(record.id, answered, scores, len(record.choices)))
    return found


def kind_of(arguments: Sequence[Any]) -> Kind:
    """Return the request type that takes such arguments."""
    if len(arguments) == 1:
        return "loglikelihood_rolling"
    return "generate_until" if isinstance(arguments[1], Mapping) else "loglikelihood"


def check_values(
    results: Mapping[str, Mapping[str, Any]],
    loaded: LoadedTasks,
    suite: Suite,
    completions: Sequence[Completion],
) -> dict[str, dict[str, float]]:
    """Aggregate the completions here, compare with lm-eval, and return its values by task.

    Raises:
        RunError: our number is another than lm-eval's.
    """
    by_id = {completion.gold_id: completion for completion in completions}
    values: dict[str, dict[str, float]] = {}
    for name, task in suite.config.tasks.items():
        items = [
            Item(gold=record, completion=by_id[record.id])
            for record in suite.gold
            if record.task == name
        ]
        values[name] = {}
        declared = {metric.key: metric for metric in metrics_of(loaded, name)[0]}
        for spec in task.metrics:
            metric = declared[spec.label.removeprefix(f"{name}:")]
            theirs = float(results[name].get(f"{metric.name},{metric.filter}", math.nan))
            stats = [one.stats for one in metric_of(suite, spec).measure(items) if one]
            if not stats:
                continue
            ours = float(metric_of(suite, spec).reduce(np.asarray(stats).sum(axis=0)))
            if not math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
                raise RunError(
                    f"{suite.name}: {name} {metric.key}: lm-eval says {theirs!r}, the stored "
                    f"scores give {ours!r}; nothing was stored"
                )
            values[name][metric.key] = theirs
    return values


def undeclared(
    samples: Mapping[str, Sequence[Mapping[str, Any]]], loaded: LoadedTasks, suite: Suite
) -> list[str]:
    """Return what lm-eval measured without saying so beforehand; such scores are not kept."""
    found: dict[str, None] = {}
    for name in suite.config.tasks:
        known = set(loaded.tasks[name].aggregation())
        for sample in samples[name]:
            found.update({f"{name} {m}": None for m in sample["metrics"] if m not in known})
    return list(found)


def _scores(
    group: Sequence[Mapping[str, Any]], metrics: Sequence[MeasuredMetric], task: Any
) -> dict[str, float]:
    scores: dict[str, float] = {}
    for sample in group:
        for metric in metrics:
            if metric.filter == sample["filter"] and metric.name in sample["metrics"]:
                scores.update(metric.parts(sample[metric.name], task))
    return scores


def _completion(
    item: str, answered: Sequence[Response], scores: dict[str, float], n_choices: int
) -> Completion:
    """Return all of a document's answers as one completion."""
    logprobs = tuple(one.logprob for one in answered if one.logprob is not None)
    texts = [one for one in answered if one.logprob is None]
    finish = texts[0].finish if texts else "stop"
    return Completion(
        gold_id=item,
        text=texts[0].text if texts else "",
        finish=finish,
        prompt_tokens=sum(one.prompt_tokens for one in answered),
        completion_tokens=sum(one.completion_tokens for one in answered),
        choice_logprobs=(logprobs[:n_choices] if n_choices else logprobs) or None,
        scores=scores,
        seconds=round(sum(one.seconds for one in answered), 3),
    )
