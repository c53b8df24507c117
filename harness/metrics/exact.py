"""Exact match and containment, after normalisation."""

from __future__ import annotations

from harness.metrics.base import BINARY, MeanMetric, Metric, Setting
from harness.metrics.normalise import normalise, tokens
from harness.types import Completion, GoldRecord


def exact_match(setting: Setting) -> Metric:
    """Return 1 where the normalised answer equals a reference (Rajpurkar et al. 2016)."""
    language = setting.language

    def score(gold: GoldRecord, completion: Completion) -> float:
        answer = _joined(completion.text, language)
        return float(any(answer == _joined(ref, language) for ref in gold.references))

    return MeanMetric(
        name="exact_match",
        signature=f"exact_match@1|norm:{_norm(language)}|refs:any",
        score=score,
        scale=BINARY,
    )


def contains(setting: Setting) -> Metric:
    """Return 1 where a reference stands in the answer as whole tokens, after normalisation."""
    language = setting.language

    def score(gold: GoldRecord, completion: Completion) -> float:
        answer = f" {' '.join(tokens(completion.text, language))} "
        wanted = (" ".join(tokens(ref, language)) for ref in gold.references)
        # A reference of punctuation or articles only normalises to nothing: never found.
        return float(any(words and f" {words} " in answer for words in wanted))

    return MeanMetric(
        name="contains",
        signature=f"contains@1|norm:{_norm(language)}|refs:any",
        score=score,
        scale=BINARY,
    )


def _joined(text: str, language: str) -> str:
    text = normalise(text, language)
    return text.replace(" ", "") if language == "zh" else text


def _norm(language: str) -> str:
    return "zh-nfkc-nopunct" if language == "zh" else "squad1"
