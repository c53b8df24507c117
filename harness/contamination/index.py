"""The gold side of the search: every run of words in a gold text, ready to be met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.contamination.words import (
    Hashes,
    Ids,
    Vocabulary,
    cutter,
    known_runs,
    operators,
    run_hashes,
)

RUN_LENGTH = {"en": 8, "zh": 13}
"""Words, or Chinese characters, in a shared run that counts as overlap."""
SHORTEST = {"en": 5, "zh": 8}
"""A gold text shorter than a run is looked for as a whole, from this length on."""
WHOLE = -1
_LOW_BITS = np.uint64((1 << 22) - 1)
FEW = 3
"""A run that more gold texts than this (or 2 %) share is fixed wording, not knowledge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldText:
    """A text of a gold item that training should not have seen."""

    gold_id: str
    text: str
    is_answer: bool = False
    """A reference; otherwise the input."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A run of one gold text, or the whole of it, met in a training text."""

    text: int
    """Index of the gold text."""
    start: int
    """Where the run starts, in words; WHOLE when the two texts are equal."""
    row: int
    """Index of the training text in its batch."""


@dataclass(slots=True)
class _Runs:
    """All runs of one length, sorted by hash."""

    length: int
    hashes: Hashes
    texts: Ids
    starts: Ids
    found: np.ndarray = field(init=False)
    is_likely: np.ndarray = field(init=False)
    """By the low bits of a hash: False where no run has them, which most lookups end with."""

    def __post_init__(self) -> None:
        self.found = np.zeros(len(self.hashes), dtype=bool)
        self.is_likely = np.zeros(int(_LOW_BITS) + 1, dtype=bool)
        self.is_likely[self.hashes & _LOW_BITS] = True


class GoldIndex:
    """Runs of all gold texts by their hashes."""

    def __init__(self, texts: Sequence[GoldText], language: str) -> None:
        self._cut = cutter(language)
        pieces = [self._cut(text.text) for text in texts]
        self.vocabulary = Vocabulary(pieces)
        self.ids = [np.asarray(self.vocabulary.ids(one), dtype=np.int64) for one in pieces]
        self.pieces = pieces
        self.run_length = RUN_LENGTH[language]
        self._whole: dict[tuple[tuple[int, ...], str], list[int]] = {}
        for number, ids in enumerate(self.ids):
            key = tuple(ids.tolist()), operators(texts[number].text)
            self._whole.setdefault(key, []).append(number)
        shortest = SHORTEST[language]
        lengths = {min(len(ids), self.run_length) for ids in self.ids}
        self._runs = [
            self._runs_of(length, max(FEW, len(texts) // 50))
            for length in sorted(lengths)
            if length >= shortest
        ]

    def hits(self, batch: Sequence[Sequence[str]]) -> list[Hit]:
        """Return what is met for the first time in the texts of a batch, each given in parts."""
        cut, vocabulary = self._cut, self.vocabulary
        found: list[Hit] = []
        rows: list[list[int]] = []
        for number, parts in enumerate(batch):
            each = [vocabulary.ids(cut(part)) for part in parts]
            joined = [one for part in each for one in part]
            rows.append(joined)
            wholes = list(zip(each, parts, strict=True))
            if len(each) > 1:
                wholes.append((joined, "\n".join(parts)))
            for whole, text in wholes:
                if whole and 0 not in whole:
                    met = self._whole.pop((tuple(whole), operators(text)), ())
                    found.extend(Hit(text=one, start=WHOLE, row=number) for one in met)
        ids, ends = _one_array(rows)
        for runs in self._runs:
            found.extend(_meet(runs, ids, ends))
        return found

    def _runs_of(self, length: int, few: int) -> _Runs:
        hashes: list[Hashes] = []
        texts: list[Ids] = []
        starts: list[Ids] = []
        for number, ids in enumerate(self.ids):
            if min(len(ids), self.run_length) != length:
                continue
            own = run_hashes(ids, length)
            hashes.append(own)
            texts.append(np.full(len(own), number))
            starts.append(np.arange(len(own)))
        all_hashes, all_texts = np.concatenate(hashes), np.concatenate(texts)
        keep = np.isin(all_hashes, _fixed_wording(hashes, few), invert=True)
        order = np.argsort(all_hashes[keep], kind="stable")
        return _Runs(
            length,
            all_hashes[keep][order],
            all_texts[keep][order],
            np.concatenate(starts)[keep][order],
        )


def _one_array(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Return all rows in one array, a 0 behind each so that no run crosses, and where they end."""
    ends = np.cumsum([len(row) + 1 for row in rows], dtype=np.int64)
    ids = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.int64)
    for row, end in zip(rows, ends.tolist(), strict=True):
        ids[end - len(row) - 1 : end - 1] = row
    return ids, ends


def _fixed_wording(hashes: Sequence[Hashes], few: int) -> Hashes:
    counts: Counter[int] = Counter()
    for own in hashes:
        counts.update(set(own.tolist()))
    return np.asarray([h for h, count in counts.items() if count > few], dtype=np.uint64)


def _meet(runs: _Runs, ids: Ids, ends: Ids) -> list[Hit]:
    """Look every run of a batch up; equal 64-bit hashes are taken for equal runs."""
    if len(ids) < runs.length or not len(runs.hashes):
        return []
    at = np.flatnonzero(known_runs(ids, runs.length))
    if not len(at):
        return []
    hashes = run_hashes(ids, runs.length)[at]
    is_likely = runs.is_likely[hashes & _LOW_BITS]
    at, hashes = at[is_likely], hashes[is_likely]
    slots = np.minimum(np.searchsorted(runs.hashes, hashes), len(runs.hashes) - 1)
    is_new = (runs.hashes[slots] == hashes) & ~runs.found[slots]
    hits: list[Hit] = []
    for position, slot in zip(at[is_new].tolist(), slots[is_new].tolist(), strict=True):
        row = int(np.searchsorted(ends, position, side="right"))
        same, i = runs.hashes[slot], slot
        while i < len(runs.hashes) and runs.hashes[i] == same and not runs.found[i]:
            runs.found[i] = True
            hits.append(Hit(text=int(runs.texts[i]), start=int(runs.starts[i]), row=row))
            i += 1
    return hits
