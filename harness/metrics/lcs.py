"""Longest common subsequences: their length, and which words rouge-score finds in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray


def lcs_lengths(left: Sequence[str], right: Sequence[str]) -> NDArray[np.int64]:
    """Return the length of the longest common subsequence of each pair of strings."""
    from rapidfuzz.distance import LCSseq
    from rapidfuzz.process import cpdist

    return cpdist(left, right, scorer=LCSseq.similarity, dtype=np.int64)


def union_lcs_hits(reference: Sequence[str], answer: Sequence[str]) -> int:
    """Count the words of the reference's sentences that the answer's sentences cover.

    The summary-level LCS of ROUGE (Lin 2004, section 3.2) as rouge-score computes it: for each
    sentence of the reference the union of one LCS with each sentence of the answer; no word
    counts more often than either text has it.

    Args:
        reference: Sentences; one character is one word.
        answer: Likewise.
    """
    in_reference, in_answer = Counter("".join(reference)), Counter("".join(answer))
    sentences = [(sentence, _places(sentence)) for sentence in dict.fromkeys(answer)]
    hits = 0
    for sentence in reference:
        covered: set[int] = set()
        for other, places in sentences:
            if len(covered) == len(sentence):
                break
            covered.update(_one_lcs(sentence, other, places))
        for i in sorted(covered):
            word = sentence[i]
            if in_answer[word] > 0 and in_reference[word] > 0:
                hits += 1
                in_answer[word] -= 1
                in_reference[word] -= 1
    return hits


def _places(sentence: str) -> dict[str, int]:
    """Return for each word the bits of its positions."""
    places: dict[str, int] = {}
    for j, word in enumerate(sentence):
        places[word] = places.get(word, 0) | (1 << j)
    return places


def _one_lcs(sentence: str, other: str, places: dict[str, int]) -> Iterator[int]:
    """Yield, last first, the positions in `sentence` of the LCS that rouge-score backtracks.

    The table t[i][j] of LCS lengths is kept as one integer a row, whose bit j is clear where
    t[i][j + 1] = t[i][j] + 1 (Hyyrö 2004). On the way back, a mismatch goes left if t[i - 1][j] is
    smaller than t[i][j], else up: the same as rouge-score's t[i][j - 1] > t[i - 1][j].
    """
    everywhere = (1 << len(other)) - 1
    row = everywhere
    rows = [row]
    for word in sentence:
        matches = row & places.get(word, 0)
        row = ((row + matches) | (row - matches)) & everywhere
        rows.append(row)
    i, j = len(sentence), len(other)
    length = j - row.bit_count()
    while length:
        if sentence[i - 1] == other[j - 1]:
            i, j, length = i - 1, j - 1, length - 1
            yield i
        else:
            above = j - (rows[i - 1] & ((1 << j) - 1)).bit_count()
            if above < length:
                j -= 1
            else:
                i -= 1
