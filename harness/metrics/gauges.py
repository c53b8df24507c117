"""Gauges of what was said, right or wrong: how long, how varied, refused, cut off, in which language.

They read the whole answer, whatever a task extracts from it. Most have no better side and so get
no verdict: longer is neither good nor bad.
"""

from __future__ import annotations

import math

import numpy as np

from harness.metrics.base import Array, CorpusMetric, MeanMetric, Metric, Scale, Setting
from harness.metrics.loops import is_loop
from harness.metrics.normalise import tokens
from harness.metrics.refusals import is_refusal
from harness.metrics.scripts import is_in_language
from harness.types import Completion, GoldRecord

LENGTH = Scale(high=math.inf, better="neither")
SHARE = Scale(better="neither", is_binary=True)
LOWER = Scale(better="lower", is_binary=True)
HIGHER = Scale(better="higher", is_binary=True)


def length(setting: Setting) -> Metric:
    """Return the mean length of answers in words, and in Chinese in characters; 0 or more."""
    language = setting.language

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        del gold
        return float(len(tokens(completion.text, language))) if _is_said(completion) else None

    return MeanMetric(
        name="length", signature=f"length@1|tok:{_tokenizer(language)}", score=score, scale=LENGTH
    )


def length_ratio(setting: Setting) -> Metric:
    """Return the length of all answers over that of their references; 1 is as long, 0 or more.

    Of several references the one nearest in length counts, as in BLEU's brevity penalty.
    """
    language = setting.language

    def statistics(gold: GoldRecord, completion: Completion) -> tuple[float, ...] | None:
        wanted = [n for ref in gold.references if (n := len(tokens(ref, language)))]
        if not wanted or not _is_said(completion):
            return None
        n = len(tokens(completion.text, language))
        return float(n), float(min(wanted, key=lambda m: (abs(m - n), m)))

    return CorpusMetric(
        name="length_ratio",
        signature=f"length_ratio@1|tok:{_tokenizer(language)}|refs:nearest",
        statistics=statistics,
        formula=lambda totals: totals[..., 0] / totals[..., 1],
        scale=LENGTH,
    )


def answer_distinct_1(setting: Setting) -> Metric:
    """Return the share of words that are new within their answer, in [0, 1] (after Li et al. 2016).

    Their distinct-1 counts over the whole corpus, which falls with its size; here the distinct
    words of each answer are summed and divided by the number of words.
    """
    return _distinct(1, setting.language)


def answer_distinct_2(setting: Setting) -> Metric:
    """Return the share of word pairs that are new within their answer, in [0, 1]."""
    return _distinct(2, setting.language)


def repetition(setting: Setting) -> Metric:
    """Return the share of answers that are caught in a loop, in [0, 1]; lower is better.

    A loop is a passage of up to 64 tokens that comes at least four times in a row and fills 16
    tokens or more, or one line that makes up most of an answer of six lines or more.
    """
    del setting

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        del gold
        return float(is_loop(completion.text)) if _is_said(completion) else None

    return MeanMetric(name="repetition", signature="repetition@1", score=score, scale=LOWER)


def refusal(setting: Setting) -> Metric:
    """Return the share of answers that begin by refusing, in [0, 1], by phrases in both languages.

    The phrases stand in harness/metrics/refusals.py. Whether refusing is right is another matter.
    """
    del setting

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        del gold
        return float(is_refusal(completion.text)) if _is_said(completion) else None

    return MeanMetric(name="refusal", signature="refusal@1|phrases:en+zh", score=score, scale=SHARE)


def empty(setting: Setting) -> Metric:
    """Return the share of answers without a visible character, in [0, 1]; lower is better."""
    del setting

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        del gold
        return float(not completion.text.strip()) if _is_said(completion) else None

    return MeanMetric(name="empty", signature="empty@1", score=score, scale=LOWER)


def stop_health(setting: Setting) -> Metric:
    """Return the share of answers that the model ended itself, not the token limit, in [0, 1]."""
    del setting

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        del gold
        return float(completion.finish == "stop") if _is_said(completion) else None

    return MeanMetric(name="stop_health", signature="stop_health@1", score=score, scale=HIGHER)


def language_match(setting: Setting) -> Metric:
    """Return the share of answers in the suite's language, in [0, 1], told by their script.

    Chinese: at least half of the words are Han characters (a Latin word counts as one);
    English: more than half are Latin words. An answer without letters, such as 42, is in both.
    """
    language = setting.language

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        del gold
        return float(is_in_language(completion.text, language)) if _is_said(completion) else None

    return MeanMetric(
        name="language_match",
        signature=f"language_match@1|language:{language}|by:script",
        score=score,
        scale=HIGHER,
    )


def _distinct(n: int, language: str) -> Metric:
    def statistics(gold: GoldRecord, completion: Completion) -> tuple[float, ...] | None:
        del gold
        if not _is_said(completion):
            return None
        words = tokens(completion.text, language)
        grams = list(zip(*(words[i:] for i in range(n)), strict=False))
        return float(len(set(grams))), float(len(grams))

    name = f"answer_distinct_{n}"
    return CorpusMetric(
        name=name,
        signature=f"{name}@1|tok:{_tokenizer(language)}|within:answer|avg:micro",
        statistics=statistics,
        formula=_share,
        scale=Scale(better="neither"),
    )


def _share(totals: Array) -> Array:
    """Return the first over the second; nothing said repeats nothing."""
    above, below = totals[..., 0], totals[..., 1]
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), 1.0)


def _is_said(completion: Completion) -> bool:
    """Whether it is an answer in words, and not the log-likelihood of choices."""
    return completion.choice_logprobs is None


def _tokenizer(language: str) -> str:
    return "zh-char" if language == "zh" else "squad1"
