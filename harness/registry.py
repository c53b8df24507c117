"""Turn a name from a config file into the object that does the work, importing it only then."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from harness.errors import UnknownNameError

ENGINES: Mapping[str, str] = {
    "vllm": "harness.engines.vllm:VllmEngine",
    "transformers": "harness.engines.transformers:TransformersEngine",
    "replay": "harness.engines.replay:ReplayEngine",
}

METRICS: Mapping[str, str] = {
    "exact_match": "harness.metrics.exact:exact_match",
    "contains": "harness.metrics.exact:contains",
    "starts_with": "harness.metrics.exact:starts_with",
    "regex": "harness.metrics.exact:regex",
    "token_f1": "harness.metrics.reading:token_f1",
    "squad_em": "harness.metrics.reading:squad_em",
    "squad_f1": "harness.metrics.reading:squad_f1",
    "cmrc_em": "harness.metrics.reading:cmrc_em",
    "cmrc_f1": "harness.metrics.reading:cmrc_f1",
    "bleu": "harness.metrics.bleu:bleu",
    "sentence_bleu": "harness.metrics.bleu:sentence_bleu",
    "chrf": "harness.metrics.chrf:chrf",
    "chrf++": "harness.metrics.chrf:chrf_plus_plus",
    "ter": "harness.metrics.ter:ter",
    "rouge_1": "harness.metrics.rouge:rouge_1",
    "rouge_2": "harness.metrics.rouge:rouge_2",
    "rouge_l": "harness.metrics.rouge:rouge_l",
    "rouge_lsum": "harness.metrics.rouge:rouge_lsum",
    "accuracy": "harness.metrics.classify:accuracy",
    "macro_f1": "harness.metrics.classify:macro_f1",
    "micro_f1": "harness.metrics.classify:micro_f1",
    "weighted_f1": "harness.metrics.classify:weighted_f1",
    "balanced_accuracy": "harness.metrics.classify:balanced_accuracy",
    "mcc": "harness.metrics.classify:mcc",
    "acc_norm": "harness.metrics.choice:acc_norm",
    "perplexity": "harness.metrics.likelihood:perplexity",
    "word_perplexity": "harness.metrics.likelihood:word_perplexity",
    "byte_perplexity": "harness.metrics.likelihood:byte_perplexity",
    "bits_per_byte": "harness.metrics.likelihood:bits_per_byte",
    "numeric_match": "harness.metrics.numeric:numeric_match",
    "json_valid": "harness.metrics.structured:json_valid",
    "json_schema": "harness.metrics.structured:json_schema",
    "json_f1": "harness.metrics.structured:json_f1",
    "ifeval": "harness.metrics.instructions:ifeval",
    "length": "harness.metrics.gauges:length",
    "length_ratio": "harness.metrics.gauges:length_ratio",
    "answer_distinct_1": "harness.metrics.gauges:answer_distinct_1",
    "answer_distinct_2": "harness.metrics.gauges:answer_distinct_2",
    "repetition": "harness.metrics.gauges:repetition",
    "refusal": "harness.metrics.gauges:refusal",
    "empty": "harness.metrics.gauges:empty",
    "stop_health": "harness.metrics.gauges:stop_health",
    "language_match": "harness.metrics.gauges:language_match",
    "ece": "harness.metrics.calibration:ece",
    "brier": "harness.metrics.calibration:brier",
    "nll": "harness.metrics.calibration:nll",
    "imported": "harness.metrics.imported:imported",
    "hub": "harness.metrics.hub:hub",
    "similarity": "harness.metrics.similarity:similarity",
    "bertscore": "harness.metrics.similarity:bertscore",
    "custom": "harness.metrics.custom:custom",
    "judge": "harness.metrics.judge:judge",
    "win_rate": "harness.metrics.judge:win_rate",
    "human": "harness.metrics.human:human",
}

WHOLE_ANSWER = frozenset(
    {
        "length", "length_ratio", "answer_distinct_1", "answer_distinct_2", "repetition",
        "refusal", "empty", "stop_health", "language_match", "human",
    }
)  # fmt: skip
"""Metrics of all that was said: a task's `extract` is not for them (their own `extract` is)."""

EXTRAS: Mapping[str, str] = {
    "ifeval": "lm-eval",
    "hub": "evaluate",
    "similarity": "hf",
    "bertscore": "hf",
}
"""Metrics that need an optional package, with the extra that brings it."""

LM_EVAL_PREFIX = "lm-eval/"
"""How a study or a command names an lm-eval task."""
LM_EVAL_SUITE = "harness.lmeval.materialise:lm_eval_suite"
"""Makes a suite from an lm-eval task."""
LM_EVAL_CELLS = "harness.lmeval.cells:LmEvalCells"
"""Runs the cells of such suites."""

METRIC_PLUGINS = "tunemark.metrics"
"""Entry-point group by which an installed package adds metrics: name = "module:factory"."""


@cache
def metrics() -> Mapping[str, str]:
    """Return all metrics by name: Tunemark's own, then those of installed packages."""
    added = {point.name: point.value for point in entry_points(group=METRIC_PLUGINS)}
    return {**added, **METRICS}


def load(kind: str, name: str, table: Mapping[str, str], *, where: str = "") -> Any:
    """Return the object registered under `name`.

    Raises:
        UnknownNameError: the name is not in the table; the message offers the nearest.
    """
    if name not in table:
        raise UnknownNameError(kind, name, table, where=where)
    return load_object(table[name])


def load_object(target: str) -> Any:
    """Import "package.module:attribute" and return the attribute."""
    module, attribute = target.split(":")
    return getattr(importlib.import_module(module), attribute)
