"""chrF and chrF++: F-score over character and word n-grams, counted in batches."""

from __future__ import annotations

import string
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.metrics.base import Array, BatchMetric, Metric, Scale, Setting, Texts
from harness.metrics.ngrams import possible_ngrams, shared_ngrams, spell

Order = Annotated[int, Field(ge=1, le=9)]
WordOrder = Annotated[int, Field(ge=0, le=9)]
Beta = Annotated[int, Field(ge=1)]


def chrf(
    setting: Setting,
    *,
    char_order: Order = 6,
    word_order: WordOrder = 0,
    beta: Beta = 2,
    lowercase: bool = False,
    whitespace: bool = False,
) -> Metric:
    """Overlap in character n-grams, F-score as sacrebleu's chrF2, 0–100 (Popović 2015).

    Needs no tokenizer, so it is the same for English and Chinese.

    Args:
        setting: Not used.
        char_order: Longest character n-gram.
        word_order: Longest word n-gram; 0 for none.
        beta: How many times recall weighs more than precision.
        lowercase: Whether case is ignored.
        whitespace: Whether spaces are characters too.
    """
    del setting
    return _chrf("chrf", _Counting(char_order, word_order, beta, lowercase, whitespace))


def chrf_plus_plus(
    setting: Setting,
    *,
    char_order: Order = 6,
    word_order: WordOrder = 2,
    beta: Beta = 2,
    lowercase: bool = False,
    whitespace: bool = False,
) -> Metric:
    """Overlap in character and word n-grams, sacrebleu's chrF2++, 0–100 (Popović 2017).

    Words stand between spaces, so that it adds
    little for Chinese.

    Args:
        setting: Not used.
        char_order: Longest character n-gram.
        word_order: Longest word n-gram; 0 for none.
        beta: How many times recall weighs more than precision.
        lowercase: Whether case is ignored.
        whitespace: Whether spaces are characters too.
    """
    del setting
    return _chrf("chrf++", _Counting(char_order, word_order, beta, lowercase, whitespace))


def _chrf(name: str, count: _Counting) -> Metric:
    return BatchMetric(
        name=name,
        signature=f"{name}@1|{count.signature}",
        statistics=count,
        formula=lambda totals: chrf_of(totals, count.beta),
        scale=Scale(high=100.0),
    )


class _Counting:
    """Texts → (answer's, reference's and shared n-grams) of each order, of the best reference."""

    def __init__(
        self, char_order: int, word_order: int, beta: int, lowercase: bool, whitespace: bool
    ) -> None:
        self.beta = beta
        self._char_order = char_order
        self._word_order = word_order
        self._lowercase = lowercase
        self._whitespace = whitespace
        case, space = "lc" if lowercase else "mixed", "yes" if whitespace else "no"
        self.signature = (
            f"case:{case}|eff:yes|nc:{char_order}|nw:{word_order}|beta:{beta}|space:{space}"
        )

    def __call__(self, texts: Texts) -> Array:
        answers, references = texts.pairs()
        if self._lowercase:
            answers, references = ([t.lower() for t in side] for side in (answers, references))
        counts = _triples(self._characters(answers), self._characters(references), self._char_order)
        if self._word_order:
            spelled = [
                spell([_words(answer), _words(reference)])
                for answer, reference in zip(answers, references, strict=True)
            ]
            left, right = ([pair[side] for pair in spelled] for side in (0, 1))
            words = _triples(left, right, self._word_order)
            counts = np.concatenate([counts, words], axis=1)
        return self._best(counts, texts)

    def _characters(self, texts: list[str]) -> list[str]:
        return texts if self._whitespace else ["".join(text.split()) for text in texts]

    def _best(self, counts: Array, texts: Texts) -> Array:
        """Keep of each item the reference with the highest F-score, the first of several."""
        first = texts.first_pairs()
        if len(first) == len(counts):
            return counts
        scores = chrf_of(counts, self.beta)
        ends = [*first[1:].tolist(), len(counts)]
        best = [int(np.argmax(scores[a:b])) + a for a, b in zip(first.tolist(), ends, strict=True)]
        return counts[best]


def _triples(answers: list[str], references: list[str], order: int) -> Array:
    """Return answer's, reference's and shared n-grams of each order, [pairs, 3 * order]."""
    in_answer, in_reference = possible_ngrams(answers, order), possible_ngrams(references, order)
    shared = shared_ngrams(answers, [[reference] for reference in references], order)
    # sacrebleu does not count the answer's n-grams of an order that the reference has none of.
    in_answer = np.where(in_reference > 0, in_answer, 0)
    counts = np.stack([in_answer, in_reference, shared], axis=2)
    return counts.reshape(len(answers), 3 * order).astype(np.float64)


def _words(text: str) -> list[str]:
    """Split at spaces, and one mark of punctuation off each word (sacrebleu, after chrF++.py)."""
    words: list[str] = []
    for word in text.split():
        if len(word) > 1 and word[-1] in string.punctuation:
            words += (word[:-1], word[-1])
        elif len(word) > 1 and word[0] in string.punctuation:
            words += (word[0], word[1:])
        else:
            words.append(word)
    return words


def chrf_of(totals: Array, beta: int) -> Array:
    """Return chrF from summed statistics [..., 3 * orders].

    F of precision and recall, each averaged over the orders that both sides have, in sacrebleu's
    order of operations, so that near ties between references fall the same way.
    """
    precision = np.zeros(totals.shape[:-1])
    recall = np.zeros(totals.shape[:-1])
    n_orders = np.zeros(totals.shape[:-1])
    for i in range(0, totals.shape[-1], 3):
        in_answer, in_reference, shared = totals[..., i], totals[..., i + 1], totals[..., i + 2]
        is_there = (in_answer > 0) & (in_reference > 0)
        precision += np.where(is_there, shared / np.maximum(in_answer, 1), 0.0)
        recall += np.where(is_there, shared / np.maximum(in_reference, 1), 0.0)
        n_orders += is_there
    precision /= np.maximum(n_orders, 1)
    recall /= np.maximum(n_orders, 1)
    factor = beta**2
    weighted = factor * precision + recall
    score = (1 + factor) * precision * recall
    return np.where(weighted > 0, 100 * (score / np.where(weighted > 0, weighted, 1.0)), 0.0)
