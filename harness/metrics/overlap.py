"""Overlap of an answer with its references: BLEU, chrF and ROUGE."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np

from harness.metrics.base import Array, CorpusMetric, MeanMetric, Metric, Setting
from harness.metrics.normalise import CharacterTokenizer
from harness.types import Completion, GoldRecord

BLEU_ORDER = 4
CHRF_ORDER = 6
CHRF_BETA = 2


def bleu(setting: Setting) -> Metric:
    """Return corpus BLEU in [0, 100] with sacrebleu's statistics and defaults (Post 2018)."""
    language = setting.language
    from sacrebleu.metrics.bleu import BLEU

    tokenizer = "zh" if language == "zh" else "13a"
    # Only its counts are used; with effective_order off it would warn at every sentence.
    library = BLEU(tokenize=tokenizer, effective_order=True)

    def statistics(gold: GoldRecord, completion: Completion) -> tuple[float, ...]:
        found = library.sentence_score(completion.text, list(gold.references))
        return (found.sys_len, found.ref_len, *found.counts, *found.totals)

    return CorpusMetric(
        name="bleu",
        signature=f"bleu@1|tok:{tokenizer}|case:mixed|smooth:exp|sacrebleu:{version('sacrebleu')}",
        statistics=statistics,
        formula=_bleu_of,
    )


def chrf(setting: Setting) -> Metric:
    """Return corpus chrF2 in [0, 100] with sacrebleu's statistics and defaults (Popović 2015)."""
    del setting
    from sacrebleu.metrics.chrf import CHRF

    library: Any = CHRF()

    def statistics(gold: GoldRecord, completion: Completion) -> tuple[float, ...]:
        # The library gives chrF statistics nowhere else; tests compare with corpus_score.
        streams = [[ref] for ref in gold.references]
        (found,) = library._extract_corpus_statistics([completion.text], streams)  # noqa: SLF001
        return tuple(float(value) for value in found)

    return CorpusMetric(
        name="chrf",
        signature=f"chrf@1|nc:6|nw:0|beta:2|space:no|sacrebleu:{version('sacrebleu')}",
        statistics=statistics,
        formula=_chrf_of,
    )


def rouge_1(setting: Setting) -> Metric:
    """Return the mean unigram F-measure against the best reference, in [0, 1] (Lin 2004)."""
    language = setting.language
    return _rouge("rouge_1", "rouge1", language)


def rouge_2(setting: Setting) -> Metric:
    """Return the mean bigram F-measure against the best reference, in [0, 1] (Lin 2004)."""
    language = setting.language
    return _rouge("rouge_2", "rouge2", language)


def rouge_l(setting: Setting) -> Metric:
    """Return the mean longest-common-subsequence F-measure, in [0, 1] (Lin 2004)."""
    language = setting.language
    return _rouge("rouge_l", "rougeL", language)


def rouge_lsum(setting: Setting) -> Metric:
    """Return the mean summary-level LCS F-measure over lines, in [0, 1] (Lin 2004)."""
    language = setting.language
    return _rouge("rouge_lsum", "rougeLsum", language)


def _rouge(name: str, kind: str, language: str) -> Metric:
    from rouge_score.rouge_scorer import RougeScorer

    is_chinese = language == "zh"
    scorer = RougeScorer(
        [kind], use_stemmer=not is_chinese, tokenizer=CharacterTokenizer() if is_chinese else None
    )

    def score(gold: GoldRecord, completion: Completion) -> float:
        return scorer.score_multi(list(gold.references), completion.text)[kind].fmeasure

    tokenizer = "zh-char|stem:no" if is_chinese else "rouge-score|stem:yes"
    signature = f"{name}@1|tok:{tokenizer}|refs:max|rouge-score:{version('rouge-score')}"
    return MeanMetric(name=name, signature=signature, score=score)


def _bleu_of(totals: Array) -> Array:
    """Papineni et al. 2002 with sacrebleu's exponential smoothing of empty orders."""
    sys_len, ref_len = totals[..., 0], totals[..., 1]
    correct = totals[..., 2 : 2 + BLEU_ORDER]
    total = totals[..., 2 + BLEU_ORDER :]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = correct / total
        # Each order without a match counts as 1/(2^k · total), k the number of such so far.
        empty = (correct == 0) & (total > 0)
        smoothed = 1.0 / (np.exp2(np.cumsum(empty, axis=-1)) * total)
        precision = np.where(empty, smoothed, precision)
        brevity = np.where(sys_len < ref_len, np.exp(1.0 - ref_len / sys_len), 1.0)
        score = 100.0 * brevity * np.exp(np.mean(np.log(precision), axis=-1))
    possible = correct.any(axis=-1) & (total > 0).all(axis=-1) & (sys_len > 0)
    return np.where(possible, score, 0.0)


def _chrf_of(totals: Array) -> Array:
    """Popović 2015 as in sacrebleu: F of precision and recall, each averaged over the orders.

    Orders that do not occur on both sides are left out of the averages.
    """
    shaped = totals.reshape(*totals.shape[:-1], CHRF_ORDER, 3)
    hypothesis, reference, match = shaped[..., 0], shaped[..., 1], shaped[..., 2]
    present = (hypothesis > 0) & (reference > 0)
    orders = np.maximum(present.sum(axis=-1), 1)
    precision = np.where(present, match / np.maximum(hypothesis, 1), 0.0).sum(axis=-1) / orders
    recall = np.where(present, match / np.maximum(reference, 1), 0.0).sum(axis=-1) / orders
    factor = CHRF_BETA**2
    denominator = factor * precision + recall
    score = 100.0 * (1 + factor) * precision * recall
    return np.where(denominator > 0, score / np.where(denominator > 0, denominator, 1.0), 0.0)
