"""Multiple choice by log-likelihood: which option does the model find most likely?"""

from __future__ import annotations

from harness.metrics.base import BINARY, MeanMetric, Metric, Setting
from harness.types import Completion, GoldRecord


def accuracy(setting: Setting) -> Metric:
    """Return 1 where the right choice has the highest log-likelihood (lm-eval's `acc`)."""
    del setting

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        return _is_right(gold, completion, lengths=[1] * len(gold.choices))

    return MeanMetric(
        name="accuracy", signature="accuracy@1|by:loglikelihood", score=score, scale=BINARY
    )


def acc_norm(setting: Setting) -> Metric:
    """Return 1 where the right choice has the highest log-likelihood per UTF-8 byte.

    lm-eval's `acc_norm` divides by the number of characters; bytes are the same for ASCII and
    put Chinese and English choices on one scale.
    """
    del setting

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        lengths = [len(choice.encode()) for choice in gold.choices]
        return _is_right(gold, completion, lengths=lengths)

    return MeanMetric(
        name="acc_norm",
        signature="acc_norm@1|by:loglikelihood|norm:bytes",
        score=score,
        scale=BINARY,
    )


def _is_right(gold: GoldRecord, completion: Completion, *, lengths: list[int]) -> float | None:
    if completion.choice_logprobs is None:
        return None
    pairs = zip(completion.choice_logprobs, lengths, strict=True)
    scores = [logprob / length for logprob, length in pairs]
    # Ties go to the first choice, as in numpy.argmax and so in lm-eval.
    return float(scores.index(max(scores)) == gold.answer)
