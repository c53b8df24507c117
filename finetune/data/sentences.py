"""Cut a text into paragraphs and sentences, English and Chinese."""

from __future__ import annotations

import re

from harness.types import Language

_PARAGRAPH = re.compile(r"\n\s*\n")
_ZH_END = re.compile(r"[。！？!?…]+[”’」』）)]*")
_EN_END = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]?[A-Z0-9]|\s*$)")
_SHORTENED = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|Fig|Figs|No|Nos|vs|cf|al|approx|Inc|Ltd|Co|Jr|Sr|Sec|Art|Eq"
    r"|e\.g|i\.e|a\.m|p\.m)|(?<!\S)[A-Z])\.$"
)
"""A full stop that ends a shortened word, or an initial, not a sentence."""


def paragraphs(text: str) -> list[str]:
    """Return the stretches between blank lines, without outer blanks."""
    return [part.strip() for part in _PARAGRAPH.split(text) if part.strip()]


def sentences(paragraph: str, language: Language) -> list[str]:
    """Return the sentences of a paragraph; a line break ends one in Chinese and is a space else."""
    if language == "zh":
        return [one for line in paragraph.splitlines() for one in _cut(line, _ZH_END)]
    return _cut(" ".join(paragraph.split()), _EN_END)


def _cut(text: str, end: re.Pattern[str]) -> list[str]:
    found: list[str] = []
    start = 0
    for mark in end.finditer(text):
        piece = text[start : mark.end()]
        if end is _EN_END and _SHORTENED.search(piece) and mark.end() < len(text):
            continue
        found.append(piece.strip())
        start = mark.end()
    found.append(text[start:].strip())
    return [piece for piece in found if piece]
