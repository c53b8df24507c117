"""How likely a model finds a text: perplexities, and bits per byte."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np

from harness.metrics.base import Array, CorpusMetric, Metric, Scale, Setting
from harness.tasks import scored_text
from harness.types import Completion, GoldRecord

Units = Callable[[GoldRecord, Completion], float | None]
"""Over how many units an item's log-likelihood is spread."""


def perplexity(setting: Setting) -> Metric:
    """Say how surprised the model is by each token of a text, from 1; lower is better.

    exp(−Σ log p / Σ tokens) over all texts. Only models with the same tokenizer can be compared.
    """
    del setting
    return _perplexity("perplexity", "tokens", _n_tokens)


def word_perplexity(setting: Setting) -> Metric:
    """Say how surprised the model is by each word between spaces, from 1; lower is better.

    exp(−Σ log p / Σ words) as lm-eval's word_perplexity; does not depend on the tokenizer.
    """
    del setting
    return _perplexity("word_perplexity", "words", _n_words)


def byte_perplexity(setting: Setting) -> Metric:
    """Say how surprised the model is by each UTF-8 byte of a text, from 1; lower is better.

    exp(−Σ log p / Σ bytes) as lm-eval's byte_perplexity; does not depend on the tokenizer.
    """
    del setting
    return _perplexity("byte_perplexity", "bytes", _n_bytes)


def bits_per_byte(setting: Setting) -> Metric:
    """Say how many bits the model needs for each UTF-8 byte of a text, from 0; lower is better.

    −Σ log₂ p / Σ bytes as lm-eval's bits_per_byte; does not depend on the tokenizer.
    """
    del setting
    return CorpusMetric(
        name="bits_per_byte",
        signature=_signature("bits_per_byte", "bytes"),
        statistics=_spread_over(_n_bytes),
        formula=lambda totals: -totals[..., 0] / totals[..., 1] / math.log(2),
        scale=Scale(low=0.0, high=math.inf, better="lower"),
    )


def _perplexity(name: str, unit: str, units: Units) -> Metric:
    def formula(totals: Array) -> Array:
        with np.errstate(over="ignore"):  # beyond e^709 it is infinite
            return np.exp(-totals[..., 0] / totals[..., 1])

    return CorpusMetric(
        name=name,
        signature=_signature(name, unit),
        statistics=_spread_over(units),
        formula=formula,
        scale=Scale(low=1.0, high=math.inf, better="lower"),
    )


def _signature(name: str, unit: str) -> str:
    return f"{name}@1|per:{unit}|windows:rolling|prefix:bos-or-eos"


def _spread_over(
    units: Units,
) -> Callable[[GoldRecord, Completion], tuple[float, ...] | None]:
    """Return the statistics (Σ log p in nats, number of units) of an item."""

    def statistics(gold: GoldRecord, completion: Completion) -> tuple[float, ...] | None:
        if completion.choice_logprobs is None or gold.choices:
            return None
        n = units(gold, completion)
        return None if n is None else (math.fsum(completion.choice_logprobs), n)

    return statistics


def _n_tokens(gold: GoldRecord, completion: Completion) -> float | None:
    del gold
    return None if completion.choice_tokens is None else float(sum(completion.choice_tokens))


def _n_words(gold: GoldRecord, completion: Completion) -> float:
    del completion
    return float(len(re.split(r"\s+", scored_text(gold))))


def _n_bytes(gold: GoldRecord, completion: Completion) -> float:
    del completion
    return float(len(scored_text(gold).encode()))
