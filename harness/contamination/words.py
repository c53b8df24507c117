"""Texts as numbers: one id per word (or Chinese character), only for those that gold texts have.

A word that no gold text has gets id 0. A run of training words with a 0 in it cannot stand in a
gold text, so most of a large training set is passed over without a look.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Hashes = NDArray[np.uint64]

_WORD = re.compile(r"\w+")
_CHARACTER = re.compile(r"[0-9a-z]+|[^\W_]")
_OPERATOR = re.compile(r"(?<=[\d)])\s*([-+*/=<>^−×÷])\s*(?=[\d(])")
_ONE_SIGN = str.maketrans("−×÷", "-*/")
_SPACED = bytes(ord(c) if (c := chr(i)).isalnum() or c == "_" else 32 for i in range(256))
_BASE = np.uint64(0x9E3779B97F4A7C15)

Pieces = Sequence[str] | Sequence[bytes]


def cutter(language: str) -> Callable[[str], Pieces]:
    """Return what cuts a text into comparable pieces: words, and for Chinese single characters.

    Full-width forms, case, punctuation and spaces make no difference.
    """
    return _characters if language == "zh" else _words


def operators(text: str) -> str:
    """Return the signs between numbers, which tell 3 + 4 from 3 − 4 (equal words otherwise)."""
    return "".join(_OPERATOR.findall(unicodedata.normalize("NFKC", text))).translate(_ONE_SIGN)


def joined(pieces: Pieces) -> str:
    """Return pieces as text again."""
    words = [piece.decode() for piece in pieces if isinstance(piece, bytes)]
    return " ".join(words) or "".join(piece for piece in pieces if isinstance(piece, str))


def _words(text: str) -> Pieces:
    if text.isascii():
        return text.lower().encode().translate(_SPACED).split()
    words = _WORD.findall(unicodedata.normalize("NFKC", text).lower())
    return [word.encode() for word in words]


def _characters(text: str) -> Pieces:
    # A Latin word or a number is one piece: thirteen letters in common say nothing.
    return _CHARACTER.findall(unicodedata.normalize("NFKC", text).lower())


class Vocabulary:
    """Numbers the pieces of the gold texts from 1."""

    def __init__(self, texts: Iterable[Pieces]) -> None:
        self._ids: dict[str | bytes, int] = {}
        for pieces in texts:
            for piece in pieces:
                self._ids.setdefault(piece, len(self._ids) + 1)

    def ids(self, pieces: Pieces) -> list[int]:
        """Return an id for each piece, 0 for one that no gold text has."""
        return list(map(self._ids.get, pieces, repeat(0)))


def run_hashes(ids: Ids, length: int) -> Hashes:
    """Return a 64-bit hash of every run of `length` ids, [len(ids) − length + 1]."""
    n = len(ids) - length + 1
    if n <= 0:
        return np.zeros(0, dtype=np.uint64)
    mixed = ids.astype(np.uint64)
    hashes = np.zeros(n, dtype=np.uint64)
    for i in range(length):
        hashes *= _BASE
        # A constant is added so that ids 1, 2, … do not give small, colliding sums.
        hashes += mixed[i : i + n] + np.uint64(0x632BE59BD9B4E019)
    return hashes


def known_runs(ids: Ids, length: int) -> NDArray[np.bool_]:
    """Return which runs of `length` ids have no 0, [len(ids) − length + 1]."""
    unknown = np.concatenate([[0], np.cumsum(ids == 0)])
    return unknown[length:] == unknown[:-length]
