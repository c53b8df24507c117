"""Reading comprehension: the overlap of a short answer with the best reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.metrics.base import MeanMetric, Metric, Setting
from harness.metrics.normalise import tokens
from harness.types import Completion, GoldRecord


def token_f1(setting: Setting) -> Metric:
    """Return the token-overlap F1 against the best reference, in [0, 1] (Rajpurkar et al. 2016)."""
    language = setting.language

    def score(gold: GoldRecord, completion: Completion) -> float:
        answer = tokens(completion.text, language)
        return max(_f1(answer, tokens(ref, language)) for ref in gold.references)

    tokenizer = "zh-char" if language == "zh" else "squad1"
    return MeanMetric(
        name="token_f1", signature=f"token_f1@1|tok:{tokenizer}|refs:max", score=score
    )


def _f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    if not answer or not reference:
        return float(list(answer) == list(reference))
    shared = sum((Counter(answer) & Counter(reference)).values())
    # The SQuAD script's own order of operations, so that its digits are met to the last.
    if shared == 0:
        return 0.0
    precision, recall = shared / len(answer), shared / len(reference)
    return 2 * precision * recall / (precision + recall)
