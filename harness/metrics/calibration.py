"""Calibration: whether a model that is sure of a choice is right as often as it is sure."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.metrics.base import Array, CorpusMetric, MeanMetric, Metric, Scale, Setting
from harness.metrics.labels import likeliest
from harness.types import Completion, GoldRecord

TINIEST = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1, as scikit-learn's log_loss does."""


def ece(setting: Setting, *, bins: Annotated[int, Field(ge=1, le=1000)] = 15) -> Metric:
    """Return the gap between confidence and accuracy, binned; lower is better (Guo et al. 2017).

    Confidence is the softmax over the choices' log-likelihoods. A single item's value is its own
    gap, so that the whole is less than the mean of the items.

    Args:
        setting: Not used.
        bins: Intervals (low, high] of equal width.
    """
    del setting
    edges = np.linspace(0.0, 1.0, bins + 1)

    def statistics(gold: GoldRecord, completion: Completion) -> tuple[float, ...] | None:
        shares = probabilities(completion)
        if shares is None or completion.choice_logprobs is None:
            return None
        chosen = likeliest(completion.choice_logprobs)
        confidence = float(shares[chosen])
        gaps = [0.0] * bins
        at = min(max(int(np.searchsorted(edges, confidence, side="left")) - 1, 0), bins - 1)
        gaps[at] = float(chosen == gold.answer) - confidence
        return (*gaps, 1.0)

    return CorpusMetric(
        name="ece",
        signature=f"ece@1|bins:{bins}|confidence:softmax",
        statistics=statistics,
        formula=lambda totals: np.abs(totals[..., :-1]).sum(axis=-1) / totals[..., -1],
        scale=Scale(better="lower"),
    )


def brier(setting: Setting) -> Metric:
    """Return the squared error of the choices' probabilities; lower is better (Brier 1950)."""
    del setting

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        shares = probabilities(completion)
        if shares is None or gold.answer is None:
            return None
        error = shares.copy()
        error[gold.answer] -= 1.0
        return float((error**2).sum())

    return MeanMetric(
        name="brier",
        signature="brier@1|confidence:softmax",
        score=score,
        scale=Scale(high=2.0, better="lower"),
    )


def nll(setting: Setting) -> Metric:
    """Return the nats that the right choice costs; lower is better (scikit-learn's log loss)."""
    del setting

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        shares = probabilities(completion)
        if shares is None or gold.answer is None:
            return None
        return -math.log(min(max(float(shares[gold.answer]), TINIEST), 1 - TINIEST))

    return MeanMetric(
        name="nll",
        signature="nll@1|confidence:softmax",
        score=score,
        scale=Scale(high=math.inf, better="lower"),
    )


def probabilities(completion: Completion) -> Array | None:
    """Return the softmax of the choices' log-likelihoods, [choices], or None without them."""
    if not completion.choice_logprobs:
        return None
    logprobs = np.asarray(completion.choice_logprobs, dtype=np.float64)
    highest = logprobs.max()
    if not np.isfinite(highest):
        return None
    shares = np.exp(logprobs - highest)
    return shares / shares.sum()
