"""Find gold items that stand in training data: wholly, as a part, or by long shared runs."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from harness.contamination.index import RUN_LENGTH, WHOLE, GoldIndex, GoldText
from harness.contamination.words import Pieces, cutter, joined
from harness.suite import Suite
from harness.types import GoldRecord

Verdict = Literal["leaked", "suspect"]
Kind = Literal["exact", "normalised", "contained", "overlap"]

MOSTLY = 0.5
"""An item with at least this share of its words in shared runs is leaked, below it suspect."""
BATCH = 4096
MANY = 5 * BATCH
"""From this many training texts on, more than one process pays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingText:
    """What one training row asks and what it answers."""

    origin: str
    """Which row: file and line, say."""
    questions: tuple[str, ...]
    """What the model is given: turns, or fields."""
    answers: tuple[str, ...] = ()
    """What it learns to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One gold item that training has seen, or may have seen."""

    gold_id: str
    verdict: Verdict
    kind: Kind
    """"exact": the same text; "normalised": the same but for case, width and punctuation;
    "contained": the whole of it inside a longer text; "overlap": long runs of it."""
    is_answer: bool
    """Whether it is a reference that was met in what training teaches to say; otherwise the
    input was met in what training asks."""
    share: float
    """Share of the text's words that stand in runs that training has, in (0, 1]."""
    origin: str
    """The first training row that has a part of it."""
    shared: str
    """The longest stretch that both have."""


def find_leaks(
    suite: Suite, rows: Iterable[TrainingText], *, processes: int | None = None
) -> list[Leak]:
    """Return the gold items whose input or reference stands in a training row, in gold order.

    Inputs are looked for in what rows ask; references of at least twice a run's length in what
    they answer, which alone makes an item suspect, not leaked: training should teach answers. Runs of 8 words (13 characters
    for Chinese) count as overlap, as in Brown et al. 2020 (13 words there, for longer texts);
    shorter texts are looked for as a whole from 5 words (8 characters) on; below that only equal
    texts count. Wording that many gold items share does not count. The fixed words of the
    suite's prompts are not looked for.

    Args:
        suite: Whose gold set is checked.
        rows: Read once, in batches, and not kept: any number.
        processes: Defaults to the cores when there is enough to do.
    """
    texts = list(_gold_texts(suite))
    language = suite.config.language
    questions = [text for text in texts if not text.is_answer]
    answers = [text for text in texts if text.is_answer]
    search = _Search((questions, answers), language)
    numbered = _batches(rows)
    head = list(islice(numbered, MANY // BATCH))
    workers = processes or (len(os.sched_getaffinity(0)) if len(head) * BATCH >= MANY else 1)
    found = _Found(search)
    if workers == 1:
        for batch in (*head, *numbered):
            found.take(search.meet(batch))
    else:
        _spread((*head,), numbered, (questions, answers), language, workers, found)
    by_id = found.leaks()
    return [by_id[record.id] for record in suite.gold if record.id in by_id]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows in columns: plain tuples travel between processes several times as fast."""

    start: int
    """Number of the first row."""
    origins: tuple[str, ...]
    texts: tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]
    """Questions and answers of each row."""


@dataclass(frozen=True, slots=True)
class _Met:
    """A part of a gold text in a training row."""

    is_answer: bool
    text: int
    start: int
    number: int
    """Of the row, counted over the whole training data."""
    origin: str
    is_same: bool
    """Letter for letter the same text."""


class _Search:
    """Both indexes, as each process has them."""

    def __init__(self, texts: tuple[Sequence[GoldText], Sequence[GoldText]], language: str) -> None:
        self.texts = texts
        self.indexes = tuple(GoldIndex(one, language) for one in texts)

    def meet(self, batch: _Batch) -> list[_Met]:
        found: list[_Met] = []
        for is_answer, index in enumerate(self.indexes):
            said = batch.texts[is_answer]
            for hit in index.hits(said):
                gold = self.texts[is_answer][hit.text].text
                found.append(
                    _Met(
                        is_answer=bool(is_answer),
                        text=hit.text,
                        start=hit.start,
                        number=batch.start + hit.row,
                        origin=batch.origins[hit.row],
                        is_same=hit.start == WHOLE and _has(said[hit.row], gold),
                    )
                )
        return found


def _has(parts: Sequence[str], text: str) -> bool:
    return any(text.strip() == part.strip() for part in (*parts, "\n".join(parts)))


class _Found:
    """Collects what all processes met; the first row wins, whoever met it."""

    def __init__(self, search: _Search) -> None:
        self._search = search
        self._first: dict[tuple[bool, int, int], _Met] = {}

    def take(self, met: Iterable[_Met]) -> None:
        for one in met:
            key = (one.is_answer, one.text, one.start)
            known = self._first.get(key)
            if known is None or one.number < known.number:
                self._first[key] = one

    def leaks(self) -> dict[str, Leak]:
        parts: dict[tuple[bool, int], list[_Met]] = {}
        for one in self._first.values():
            parts.setdefault((one.is_answer, one.text), []).append(one)
        worst: dict[str, Leak] = {}
        for (is_answer, text), met in sorted(parts.items()):
            leak = self._leak(is_answer, text, met)
            if leak.is_answer and leak.kind == "overlap":
                continue  # good answers to like questions share much wording
            known = worst.get(leak.gold_id)
            if known is None or _rank(leak) > _rank(known):
                worst[leak.gold_id] = leak
        return worst

    def _leak(self, is_answer: bool, text: int, met: Sequence[_Met]) -> Leak:
        index = self._search.indexes[is_answer]
        pieces = index.pieces[text]
        whole = next((one for one in met if one.start == WHOLE), None)
        length = min(index.run_length, len(pieces))
        covered = [whole is not None] * len(pieces)
        for one in met:
            if one.start != WHOLE:
                covered[one.start : one.start + length] = [True] * length
        share = sum(covered) / len(pieces)
        if whole is not None:
            kind: Kind = "exact" if whole.is_same else "normalised"
        else:
            every = len({one.start for one in met}) == len(pieces) - length + 1
            kind = "contained" if every else "overlap"
        return Leak(
            gold_id=self._search.texts[is_answer][text].gold_id,
            verdict="leaked" if share >= MOSTLY and not is_answer else "suspect",
            kind=kind,
            is_answer=is_answer,
            share=share,
            origin=(whole or min(met, key=lambda one: one.number)).origin,
            shared=_longest(pieces, covered),
        )


def _rank(leak: Leak) -> tuple[bool, float, bool]:
    return (leak.verdict == "leaked", leak.share, not leak.is_answer)


def _longest(pieces: Pieces, covered: Sequence[bool]) -> str:
    """Return the longest covered stretch as text."""
    best = start = length = 0
    for i in range(len(pieces) + 1):
        if i < len(pieces) and covered[i]:
            continue
        if i - start > length:
            best, length = start, i - start
        start = i + 1
    return joined(pieces[best : best + length])


def _gold_texts(suite: Suite) -> Iterator[GoldText]:
    """Yield the inputs, and the references so long that nobody gives them by chance."""
    cut = cutter(suite.config.language)
    long = 2 * RUN_LENGTH[suite.config.language]
    for record in suite.gold:
        yield GoldText(gold_id=record.id, text=asked(record))
        for reference in record.references:
            if len(cut(reference)) >= long:
                yield GoldText(gold_id=record.id, text=reference, is_answer=True)


def asked(record: GoldRecord) -> str:
    """Return what a gold item gives the model, without the task's own words."""
    if isinstance(record.input, str):
        return record.input
    if isinstance(record.input, dict):
        return "\n".join(record.input.values())
    return "\n".join(turn.content for turn in record.input if turn.role == "user")


def _batches(rows: Iterable[TrainingText]) -> Iterator[_Batch]:
    stream, start = iter(rows), 0
    while batch := tuple(islice(stream, BATCH)):
        texts = tuple(row.questions for row in batch), tuple(row.answers for row in batch)
        yield _Batch(start, tuple(row.origin for row in batch), texts)
        start += len(batch)


_search: _Search | None = None
"""Of a worker process."""


def _prepare(texts: tuple[Sequence[GoldText], Sequence[GoldText]], language: str) -> None:
    global _search
    _search = _Search(texts, language)


def _meet(batch: _Batch) -> list[_Met]:
    assert _search is not None, "the worker process was not set up"
    return _search.meet(batch)


def _spread(
    head: Iterable[_Batch],
    rest: Iterator[_Batch],
    texts: tuple[Sequence[GoldText], Sequence[GoldText]],
    language: str,
    workers: int,
    found: _Found,
) -> None:
    """Search in several processes, with few batches under way at a time."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_prepare, initargs=(texts, language)
    ) as pool:
        waiting = [pool.submit(_meet, batch) for batch in head]
        while waiting:
            found.take(waiting.pop(0).result())
            waiting.extend(pool.submit(_meet, batch) for batch in islice(rest, 1))
