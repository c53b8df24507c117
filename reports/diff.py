"""Show what changed between two answers: by word, and by character in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from harness.metrics.normalise import CJK

_PIECE = re.compile(rf"[{CJK}]|[^\W{CJK}]+|\s+|[^\w\s]")
LONGEST = 2000
"""Pieces; beyond it the comparison would take seconds and the text is shown unmarked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of text that both answers have, or only this one."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two answers, each cut into equal and changed stretches."""

    before: tuple[Span, ...]
    after: tuple[Span, ...]


def difference(before: str, after: str) -> Difference:
    """Compare two texts word by word; a CJK character is a word of its own."""
    left, right = pieces(before), pieces(after)
    if max(len(left), len(right)) > LONGEST:
        return Difference(before=_plain(before), after=_plain(after))
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    changed = [op != "equal" for op, *_ in blocks]
    lefts = [left[a:b] for _, a, b, _, _ in blocks]
    rights = [right[c:d] for _, _, _, c, d in blocks]
    return Difference(before=tuple(_spans(lefts, changed)), after=tuple(_spans(rights, changed)))


def pieces(text: str) -> list[str]:
    """Cut a text into words, spaces, signs and single CJK characters; joined they are the text."""
    return _PIECE.findall(text)


def _plain(text: str) -> tuple[Span, ...]:
    return (Span(text=text, is_changed=False),) if text else ()


def _spans(parts: Sequence[list[str]], changed: Sequence[bool]) -> Iterator[Span]:
    for part, is_changed in zip(parts, changed, strict=True):
        if part:
            yield Span(text="".join(part), is_changed=is_changed)
