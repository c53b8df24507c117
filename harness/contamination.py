"""Find gold items that stand in the training data: exactly, normalised, or by long shared runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.metrics.normalise import tokens
from harness.suite import Suite
from harness.types import GoldRecord

RUN_LENGTH = {"en": 8, "zh": 13}
"""Tokens (words, or Chinese characters) in a shared run that count as overlap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One gold item that training has seen."""

    gold_id: str
    kind: Literal["exact", "run"]
    """"exact": the whole normalised input; "run": a long stretch of it."""
    origin: str
    """Which training row."""
    shared: str
    """The stretch that both have."""


def find_leaks(suite: Suite, rows: Iterable[tuple[str, str]]) -> list[Leak]:
    """Return the gold items whose input stands in a training row.

    Args:
        suite: Its gold inputs are looked for; the fixed words of its prompts are not.
        rows: (origin, text of the user's turns) of each training row.
    """
    language = suite.config.language
    n = RUN_LENGTH[language]
    seen: dict[tuple[str, ...], str] = {}
    whole: dict[tuple[str, ...], str] = {}
    for origin, text in rows:
        words = tokens(text, language)
        whole.setdefault(tuple(words), origin)
        for run in _runs(words, n):
            seen.setdefault(run, origin)
    boilerplate = _boilerplate(suite, n)
    leaks = (_leak_of(record, language, n, seen, whole, boilerplate) for record in suite.gold)
    return [leak for leak in leaks if leak is not None]


def _leak_of(
    record: GoldRecord,
    language: str,
    n: int,
    seen: dict[tuple[str, ...], str],
    whole: dict[tuple[str, ...], str],
    boilerplate: set[tuple[str, ...]],
) -> Leak | None:
    words = tokens(_text_of(record), language)
    if tuple(words) in whole:
        return Leak(
            gold_id=record.id, kind="exact", origin=whole[tuple(words)], shared=" ".join(words)
        )
    for run in _runs(words, n):
        if run in seen and run not in boilerplate:
            return Leak(gold_id=record.id, kind="run", origin=seen[run], shared=" ".join(run))
    return None


def _text_of(record: GoldRecord) -> str:
    if isinstance(record.input, str):
        return record.input
    if isinstance(record.input, dict):
        return "\n".join(record.input.values())
    return "\n".join(turn.content for turn in record.input if turn.role == "user")


def _boilerplate(suite: Suite, n: int) -> set[tuple[str, ...]]:
    """Return runs that many gold items share: fixed wording, not knowledge."""
    counts: dict[tuple[str, ...], int] = {}
    for record in suite.gold:
        for run in set(_runs(tokens(_text_of(record), suite.config.language), n)):
            counts[run] = counts.get(run, 0) + 1
    few = max(3, len(suite.gold) // 50)
    return {run for run, count in counts.items() if count > few}


def _runs(words: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return (tuple(words[i : i + n]) for i in range(len(words) - n + 1))
