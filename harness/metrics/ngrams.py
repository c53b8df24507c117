"""Count the n-grams that many answers share with their references, exactly and all at once.

A text is a string in which every character is one symbol: the text's own characters, or words
that `spell` turned into characters. Each n-gram is packed into one integer (row, symbols, side),
so that sorting brings equal ones together; and since a shorter n-gram is the beginning of a longer
one, a single sort serves all orders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

_KEY_BITS = 64
_SYMBOLS = 2**17
"""Symbols that are sorted together: 1 MiB of keys stays in a core's cache."""
_TABLE = 2**23
"""Largest table (rows x distinct symbols) for numbering the symbols of each row."""


def spell(texts: Sequence[Sequence[str]]) -> list[str]:
    """Return token sequences as strings with one character for each different token."""
    distinct = dict.fromkeys(chain.from_iterable(texts))
    alphabet = dict(zip(distinct, map(chr, range(1, 0x110000)), strict=False))
    return ["".join([alphabet[token] for token in tokens]) for tokens in texts]


def possible_ngrams(texts: Sequence[str], order: int) -> Counts:
    """Return how many n-grams of each order 1 to `order` the texts have, [n, order]."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return np.maximum(lengths[:, None] - np.arange(order), 0)


def shared_ngrams(
    answers: Sequence[str], references: Sequence[Sequence[str]], order: int
) -> Counts:
    """Return how many n-grams of each answer stand in its references.

    An n-gram counts as often as it occurs in the answer, but no more often than in the reference
    that has most of it (the clipped counts of Papineni et al. 2002).

    Args:
        answers: One string per row.
        references: One or more strings per row.
        order: Longest n-gram.

    Returns:
        Counts of the orders 1 to `order`, [n, order].
    """
    rows = [(answer, *refs) for answer, refs in zip(answers, references, strict=True)]
    counts = np.zeros((len(rows), order), np.int64)
    start = size = 0
    for end, row in enumerate(rows, start=1):
        size += sum(map(len, row))
        if size >= _SYMBOLS or end == len(rows):
            counts[start:end] = _counted(rows[start:end], order)
            start, size = end, 0
    return counts


def _counted(rows: list[tuple[str, ...]], order: int) -> Counts:
    """Count a block; where its keys would need more than 64 bits, halve it."""
    sequences = [text for row in rows for text in row]
    if not any(sequences):
        return np.zeros((len(rows), order), np.int64)
    symbols, alphabet = _numbered("".join(sequences))
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    sides = [len(row) for row in rows]
    row_of = np.repeat(np.repeat(np.arange(len(rows)), sides), lengths)
    outer_bits = (len(rows) - 1).bit_length() + (max(sides) - 1).bit_length()
    if order * alphabet.bit_length() + outer_bits > _KEY_BITS and len(rows) * alphabet <= _TABLE:
        symbols, alphabet = _numbered_by_row(symbols, row_of, (len(rows), alphabet + 1))
    if order * alphabet.bit_length() + outer_bits <= _KEY_BITS:
        side_of = np.repeat(np.concatenate([np.arange(n) for n in sides]), lengths)
        bits = alphabet.bit_length()
        packed = _packed(symbols, row_of, lengths, order, bits)
        counts = np.zeros((len(rows), order), np.int64)
        _count_runs(packed, side_of, max(sides), bits, counts)
        return counts
    if len(rows) == 1:
        return _counted_one_by_one(rows[0], order)
    middle = len(rows) // 2
    return np.concatenate([_counted(rows[:middle], order), _counted(rows[middle:], order)])


def _numbered(text: str) -> tuple[Counts, int]:
    """Number the different characters from 1; return the numbers and the highest."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    number = np.zeros(int(codes.max()) + 1, np.int64)
    number[codes] = 1
    np.cumsum(number, out=number)
    return number[codes], int(number[-1])


def _numbered_by_row(symbols: Counts, row_of: Counts, shape: tuple[int, int]) -> tuple[Counts, int]:
    """Number the symbols of each row by themselves, from 1."""
    occurs = np.zeros(shape, np.bool_)
    occurs[row_of, symbols] = True
    number = occurs.cumsum(axis=1, dtype=np.int32)
    return number[row_of, symbols].astype(np.int64), int(number[:, -1].max())


def _packed(
    symbols: Counts, row_of: Counts, lengths: Counts, order: int, bits: int
) -> NDArray[np.uint64]:
    """Return (row, `order` symbols) from every position; 0 stands behind the end of a text."""
    gap = order - 1
    place = np.arange(len(symbols)) + np.repeat(np.arange(len(lengths)) * gap, lengths)
    spaced = np.zeros(len(symbols) + len(lengths) * gap + gap, np.uint64)
    spaced[place] = symbols
    n_windows = len(spaced) - gap
    windows = np.zeros(n_windows, np.uint64)
    windows[place] = row_of
    for k in range(order):
        windows <<= np.uint64(bits)
        windows |= spaced[k : k + n_windows]
    return windows[place]


def _count_runs(
    packed: NDArray[np.uint64], side_of: Counts, n_sides: int, bits: int, counts: Counts
) -> None:
    """Sort the n-grams, compare how often each side has each of them, and fill the counts."""
    n_rows, order = counts.shape
    side_bits = (n_sides - 1).bit_length()
    keys = (packed << np.uint64(side_bits)) | side_of.astype(np.uint64)
    keys.sort()
    side = keys & np.uint64(2**side_bits - 1)
    before = [np.concatenate([[0], np.cumsum(side == k)]) for k in range(n_sides)]
    for n in range(1, order + 1):
        prefix = keys >> np.uint64(side_bits + (order - n) * bits)
        edges = np.flatnonzero(prefix[1:] != prefix[:-1]) + 1
        edges = np.concatenate([[0], edges, [len(keys)]])
        in_answer, *in_references = (np.diff(occurrences[edges]) for occurrences in before)
        shared = np.minimum(in_answer, np.maximum.reduce(in_references))
        first = prefix[edges[:-1]]
        is_whole = (first & np.uint64(2**bits - 1)) != 0
        row = (first >> np.uint64(n * bits)).astype(np.int64)
        weights = np.where(is_whole, shared, 0)
        counts[:, n - 1] = np.bincount(row, weights=weights, minlength=n_rows)


def _counted_one_by_one(row: tuple[str, ...], order: int) -> Counts:
    """Count a row with too many different symbols to be packed."""
    answer, *references = row
    counts = np.zeros((1, order), np.int64)
    for n in range(1, order + 1):
        most: Counter[str] = Counter()
        for reference in references:
            most |= _ngrams(reference, n)
        counts[0, n - 1] = (_ngrams(answer, n) & most).total()
    return counts


def _ngrams(text: str, n: int) -> Counter[str]:
    return Counter([text[i : i + n] for i in range(len(text) - n + 1)])
