"""BLEU of a corpus and of sentences: sacrebleu's tokenizers and formula, counted in batches."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from harness.errors import ConfigError
from harness.metrics.base import Array, BatchMetric, Metric, Scale, Setting, Texts, mean_of
from harness.metrics.bleu_tokens import tokenizer_of
from harness.metrics.ngrams import possible_ngrams, shared_ngrams, spell

Tokenizer = Literal["auto", "13a", "intl", "zh", "char", "none", "ja-mecab"]
Smoothing = Literal["exp", "floor", "add-k", "none"]
Order = Annotated[int, Field(ge=1, le=9)]

PERCENT = Scale(high=100.0)
SMOOTHING_VALUES = {"floor": 0.1, "add-k": 1.0}
"""sacrebleu's defaults, from Chen and Cherry 2014."""


def bleu(
    setting: Setting,
    *,
    tokenize: Tokenizer = "auto",
    lowercase: bool = False,
    max_ngram_order: Order = 4,
    smooth: Smoothing = "exp",
    smooth_value: Annotated[float, Field(ge=0)] | None = None,
) -> Metric:
    """N-gram precision of all answers together, BLEU as in sacrebleu, 0–100 (Papineni et al. 2002).

    The defaults are sacrebleu's, but Chinese is cut by its own
    tokenizer instead of 13a, which gives identical Chinese sentences 0.

    Args:
        setting: Its language decides the tokenizer "auto": zh for Chinese, else 13a.
        tokenize: One of sacrebleu's tokenizers.
        lowercase: Whether case is ignored.
        max_ngram_order: Longest n-gram.
        smooth: What an order without a match counts as (Chen and Cherry 2014).
        smooth_value: Of "floor" (0.1) and "add-k" (1).
    """
    count = _Counting(_tokenizer_name(setting, tokenize), lowercase, max_ngram_order)
    smoothing = _Smoothing(smooth, smooth_value)
    return BatchMetric(
        name="bleu",
        signature=f"bleu@1|{count.signature}|eff:no|smooth:{smoothing.signature}"
        f"|sacrebleu:{version('sacrebleu')}",
        statistics=count,
        formula=lambda totals: bleu_of(totals, smoothing, is_sentence=False),
        scale=PERCENT,
    )


def sentence_bleu(
    setting: Setting,
    *,
    tokenize: Tokenizer = "auto",
    lowercase: bool = False,
    max_ngram_order: Order = 4,
    smooth: Smoothing = "exp",
    smooth_value: Annotated[float, Field(ge=0)] | None = None,
) -> Metric:
    """Mean of each answer's own BLEU, 0–100 (sacrebleu's sentence BLEU).

    Orders longer than an answer are left out ("effective order"). Not comparable with `bleu`,
    which counts all answers together.

    Args:
        setting: Its language decides the tokenizer "auto": zh for Chinese, else 13a.
        tokenize: One of sacrebleu's tokenizers.
        lowercase: Whether case is ignored.
        max_ngram_order: Longest n-gram.
        smooth: What an order without a match counts as (Chen and Cherry 2014).
        smooth_value: Of "floor" (0.1) and "add-k" (1).
    """
    count = _Counting(_tokenizer_name(setting, tokenize), lowercase, max_ngram_order)
    smoothing = _Smoothing(smooth, smooth_value)

    def statistics(texts: Texts) -> Array:
        scores = bleu_of(count(texts), smoothing, is_sentence=True)
        return np.stack([scores, np.ones_like(scores)], axis=1)

    return BatchMetric(
        name="sentence_bleu",
        signature=f"sentence_bleu@1|{count.signature}|eff:yes|smooth:{smoothing.signature}"
        f"|sacrebleu:{version('sacrebleu')}",
        statistics=statistics,
        formula=mean_of,
        scale=PERCENT,
    )


class _Smoothing:
    """A method and its value."""

    def __init__(self, method: Smoothing, value: float | None) -> None:
        if value is not None and method not in SMOOTHING_VALUES:
            raise ConfigError(
                f"smooth_value goes with smooth=floor or smooth=add-k, not with {method}"
            )
        self.method = method
        self.value = SMOOTHING_VALUES.get(method, 0.0) if value is None else value
        has_value = method in SMOOTHING_VALUES
        self.signature = f"{method}[{self.value:g}]" if has_value else method


class _Counting:
    """Texts → [answer length, reference length, matches of each order, totals of each order]."""

    def __init__(self, tokenizer: str, lowercase: bool, order: int) -> None:
        self._tokenize, tokens = tokenizer_of(tokenizer)
        self._lowercase = lowercase
        self._order = order
        case = "lc" if lowercase else "mixed"
        self.signature = f"tok:{tokens}|case:{case}" + (f"|order:{order}" if order != 4 else "")

    def __call__(self, texts: Texts) -> Array:
        answers: list[str] = []
        references: list[list[str]] = []
        for answer, refs in zip(texts.answers, texts.references, strict=True):
            spelled = spell([self._tokens(text) for text in (answer, *refs)])
            answers.append(spelled[0])
            references.append(spelled[1:])
        lengths = [
            (len(answer), _closest(len(answer), refs))
            for answer, refs in zip(answers, references, strict=True)
        ]
        shared = shared_ngrams(answers, references, self._order)
        totals = possible_ngrams(answers, self._order)
        return np.concatenate([lengths, shared, totals], axis=1).astype(np.float64)

    def _tokens(self, text: str) -> Sequence[str]:
        return self._tokenize((text.lower() if self._lowercase else text).rstrip())


def _closest(length: int, references: Sequence[str]) -> int:
    """Return the length of the reference nearest to a length, the shorter of two."""
    return min(map(len, references), key=lambda other: (abs(length - other), other))


def bleu_of(totals: Array, smoothing: _Smoothing, *, is_sentence: bool) -> Array:
    """Return BLEU from summed statistics [..., 2 + 2 * order].

    Papineni et al. 2002 with the smoothing of Chen and Cherry 2014, as sacrebleu's `compute_bleu`;
    but a wholly right answer has 100, where sacrebleu's order of operations leaves 4e-14 more.
    """
    order = (totals.shape[-1] - 2) // 2
    answer_length, reference_length = totals[..., 0], totals[..., 1]
    matches, possible = totals[..., 2 : 2 + order], totals[..., 2 + order :]
    log_sum = np.zeros(totals.shape[:-1])
    n_orders = np.zeros(totals.shape[:-1])
    # Until an order that no answer is long enough for.
    is_open = np.ones(totals.shape[:-1], np.bool_)
    n_empty = np.zeros(totals.shape[:-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        for n in range(order):
            extra = smoothing.value if smoothing.method == "add-k" and n > 0 else 0.0
            match, total = matches[..., n] + extra, possible[..., n] + extra
            is_open = is_open & (total > 0)
            n_empty += match == 0
            if smoothing.method == "exp":
                match = np.where(match == 0, np.exp2(-n_empty), match)
            elif smoothing.method == "floor":
                match = np.where(match == 0, smoothing.value, match)
            logarithm = np.log(match / total)
            if is_sentence:
                log_sum += np.where(is_open, logarithm, 0.0)
                n_orders += is_open
            else:
                log_sum += np.where(is_open, logarithm, -np.inf)
                n_orders += 1
        brevity = np.where(
            answer_length < reference_length, np.exp(1 - reference_length / answer_length), 1.0
        )
        score = 100.0 * brevity * np.exp(log_sum / n_orders)
    return np.where(matches.any(axis=-1) & (answer_length > 0), score, 0.0)


def _tokenizer_name(setting: Setting, tokenize: Tokenizer) -> str:
    if tokenize == "auto":
        return "zh" if setting.language == "zh" else "13a"
    return tokenize
