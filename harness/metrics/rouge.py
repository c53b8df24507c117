"""ROUGE: F-scores over n-grams and longest common subsequences, equal to rouge-score's."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Literal

import numpy as np

from harness.errors import ConfigError, MissingExtraError
from harness.metrics.base import Array, BatchMetric, Metric, Scale, Setting, Texts, mean_of
from harness.metrics.lcs import lcs_lengths, union_lcs_hits
from harness.metrics.ngrams import Counts, possible_ngrams, shared_ngrams, spell
from harness.metrics.normalise import chinese, tokens

Tokenizer = Literal["auto", "rouge-score", "char", "jieba"]
Stemmer = bool | Literal["auto"]
Tokenize = Callable[[str], Sequence[str]]

_WORDS = re.compile(r"[a-z0-9]+")
_STEMMED_FROM = 4
"""Letters; rouge-score leaves shorter words as they are."""


def rouge_1(setting: Setting, *, tokenize: Tokenizer = "auto", stemmer: Stemmer = "auto") -> Metric:
    """Words shared with the best reference, mean F-score, 0–1 (ROUGE-1; Lin 2004).

    Equal to rouge-score's `rouge1`, which with its own tokenizer gives all Chinese texts 0.

    Args:
        setting: Its language decides "auto": characters (and Latin words) for Chinese, else
            rouge-score's tokenizer with its stemmer.
        tokenize: rouge-score's tokenizer (a-z, 0-9), characters, or words cut by jieba.
        stemmer: Whether words are cut to their stems (Porter); only with rouge-score's tokenizer.
    """
    return _rouge("rouge_1", _ngrams(1), _Tokens(setting, tokenize, stemmer))


def rouge_2(setting: Setting, *, tokenize: Tokenizer = "auto", stemmer: Stemmer = "auto") -> Metric:
    """Word pairs shared with the best reference, mean F-score, 0–1 (ROUGE-2; Lin 2004).

    Equal to rouge-score's `rouge2`.

    Args:
        setting: Its language decides "auto": characters (and Latin words) for Chinese, else
            rouge-score's tokenizer with its stemmer.
        tokenize: rouge-score's tokenizer (a-z, 0-9), characters, or words cut by jieba.
        stemmer: Whether words are cut to their stems (Porter); only with rouge-score's tokenizer.
    """
    return _rouge("rouge_2", _ngrams(2), _Tokens(setting, tokenize, stemmer))


def rouge_l(setting: Setting, *, tokenize: Tokenizer = "auto", stemmer: Stemmer = "auto") -> Metric:
    """Longest common subsequence of words, mean F-score, 0–1 (ROUGE-L; Lin 2004).

    Equal to rouge-score's `rougeL`, of the best reference.

    Args:
        setting: Its language decides "auto": characters (and Latin words) for Chinese, else
            rouge-score's tokenizer with its stemmer.
        tokenize: rouge-score's tokenizer (a-z, 0-9), characters, or words cut by jieba.
        stemmer: Whether words are cut to their stems (Porter); only with rouge-score's tokenizer.
    """
    return _rouge("rouge_l", _subsequence, _Tokens(setting, tokenize, stemmer))


def rouge_lsum(
    setting: Setting, *, tokenize: Tokenizer = "auto", stemmer: Stemmer = "auto"
) -> Metric:
    """Common subsequences of words line by line, mean F-score, 0–1 (ROUGE-Lsum; Lin 2004).

    Equal to rouge-score's `rougeLsum`, of the best reference; for summaries of several lines.

    Args:
        setting: Its language decides "auto": characters (and Latin words) for Chinese, else
            rouge-score's tokenizer with its stemmer.
        tokenize: rouge-score's tokenizer (a-z, 0-9), characters, or words cut by jieba.
        stemmer: Whether words are cut to their stems (Porter); only with rouge-score's tokenizer.
    """
    cut = _Tokens(setting, tokenize, stemmer)
    return _rouge("rouge_lsum", _lines, cut)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Overlap:
    """Words or n-grams of each pair of an answer and a reference, [pairs]."""

    shared: Counts
    in_answer: Counts
    in_reference: Counts


_Count = Callable[[Tokenize, list[str], list[str]], _Overlap]


class _Tokens:
    """How texts are cut, and what the signature says of it."""

    def __init__(self, setting: Setting, tokenize: Tokenizer, stemmer: Stemmer) -> None:
        if tokenize == "auto":
            tokenize = "char" if setting.language == "zh" else "rouge-score"
        if stemmer is True and tokenize != "rouge-score":
            raise ConfigError(f"stemmer=true goes with tokenize=rouge-score, not with {tokenize}")
        is_stemmed = tokenize == "rouge-score" and stemmer is not False
        self.of, self.signature = _tokenizer(tokenize, is_stemmed)


def _rouge(name: str, count: _Count, cut: _Tokens) -> Metric:
    def statistics(texts: Texts) -> Array:
        answers, references = texts.pairs()
        scores = _f_score(count(cut.of, answers, references))
        best = np.maximum.reduceat(scores, texts.first_pairs())
        return np.stack([best, np.ones_like(best)], axis=1)

    return BatchMetric(
        name=name,
        signature=f"{name}@1|{cut.signature}|refs:max",
        statistics=statistics,
        formula=mean_of,
        scale=Scale(),
    )


def _f_score(overlap: _Overlap) -> Array:
    """Return F1 in rouge-score's order of operations: equal to the last bit."""
    precision = overlap.shared / np.maximum(overlap.in_answer, 1)
    recall = overlap.shared / np.maximum(overlap.in_reference, 1)
    total = precision + recall
    return np.where(total > 0, 2 * precision * recall / np.where(total > 0, total, 1.0), 0.0)


def _ngrams(n: int) -> _Count:
    def count(cut: Tokenize, answers: list[str], references: list[str]) -> _Overlap:
        left, right = _spelled(cut, answers, references)
        return _Overlap(
            shared=shared_ngrams(left, [[text] for text in right], n)[:, n - 1],
            in_answer=possible_ngrams(left, n)[:, n - 1],
            in_reference=possible_ngrams(right, n)[:, n - 1],
        )

    return count


def _subsequence(cut: Tokenize, answers: list[str], references: list[str]) -> _Overlap:
    left, right = _spelled(cut, answers, references)
    return _Overlap(
        shared=lcs_lengths(left, right),
        in_answer=possible_ngrams(left, 1)[:, 0],
        in_reference=possible_ngrams(right, 1)[:, 0],
    )


def _lines(cut: Tokenize, answers: list[str], references: list[str]) -> _Overlap:
    counts: list[tuple[int, int, int]] = []
    for answer, reference in zip(answers, references, strict=True):
        left, right = ([cut(line) for line in text.split("\n")] for text in (answer, reference))
        spelled = spell([*left, *right])
        said, wanted = spelled[: len(left)], spelled[len(left) :]
        counts.append((union_lcs_hits(wanted, said), sum(map(len, said)), sum(map(len, wanted))))
    shared, in_answer, in_reference = np.asarray(counts, np.int64).T
    return _Overlap(shared=shared, in_answer=in_answer, in_reference=in_reference)


def _spelled(
    cut: Tokenize, answers: list[str], references: list[str]
) -> tuple[list[str], list[str]]:
    """Return both sides with one character for each different token of a pair."""
    left: list[str] = []
    right: list[str] = []
    for answer, reference in zip(answers, references, strict=True):
        said, wanted = spell([cut(answer), cut(reference)])
        left.append(said)
        right.append(wanted)
    return left, right


@cache
def _tokenizer(name: str, is_stemmed: bool) -> tuple[Tokenize, str]:
    """Return a tokenizer that remembers the last texts, and its part of the signature.

    ROUGE-1, -2 and -L of a suite cut the same texts one after the other.
    """
    if name == "char":
        return _remembering(lambda text: tokens(text, "zh")), "tok:zh-char|stem:no"
    if name == "jieba":
        return _remembering(_jieba_words()), f"tok:jieba-{version('jieba')}|stem:no"
    if not is_stemmed:
        return _remembering(lambda text: _WORDS.findall(text.lower())), "tok:rouge-score|stem:no"
    stem = _stemmer()
    return (
        _remembering(lambda text: [stem(word) for word in _WORDS.findall(text.lower())]),
        f"tok:rouge-score|stem:porter|nltk:{version('nltk')}",
    )


def _remembering(cut: Tokenize) -> Tokenize:
    return lru_cache(maxsize=2**12)(cut)


def _stemmer() -> Callable[[str], str]:
    """Return NLTK's Porter stemmer, as rouge-score uses it, with a memory for words."""
    from nltk.stem.porter import PorterStemmer

    porter = PorterStemmer()

    @lru_cache(maxsize=2**18)
    def stem(word: str) -> str:
        return porter.stem(word) if len(word) >= _STEMMED_FROM else word

    return stem


def _jieba_words() -> Tokenize:
    import logging
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is written for an older Python
            import jieba
    except ImportError:
        raise MissingExtraError("tokenize=jieba", "zh") from None

    jieba.setLogLevel(logging.WARNING)
    dictionary = jieba.Tokenizer()  # its own: words that a program adds elsewhere don't count
    dictionary.initialize()
    return lambda text: [word for word in dictionary.lcut(chinese(text)) if word.strip()]
