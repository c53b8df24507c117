"""Tell the language of a text by its script, and English from other Latin scripts by its words."""

from __future__ import annotations

import re
from typing import Literal

Tongue = Literal["en", "zh", "mixed", "other", "none"]
""""mixed": Chinese and Latin words, neither a small part; "none": no letters at all."""

MINORITY = 0.25
"""From this share of the words on, the second script makes a text mixed."""
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\u1100-\u11ff\uac00-\ud7af]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['’][A-Za-z]+)?")
_LETTER = re.compile(r"[^\W\d_]")
_COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "out",
        "she",
        "should",
        "so",
        "that",
        "the",
        "their",
        "them",
        "there",
        "they",
        "this",
        "to",
        "up",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
_COMMON_ELSEWHERE = frozenset(
    [
        "al",
        "avec",
        "au",
        "auf",
        "aus",
        "che",
        "con",
        "dans",
        "das",
        "de",
        "del",
        "dem",
        "den",
        "der",
        "des",
        "di",
        "die",
        "du",
        "e",
        "ein",
        "eine",
        "el",
        "em",
        "en",
        "est",
        "et",
        "för",
        "het",
        "il",
        "ist",
        "la",
        "las",
        "le",
        "les",
        "los",
        "mit",
        "na",
        "não",
        "nicht",
        "och",
        "ou",
        "para",
        "pas",
        "per",
        "por",
        "pour",
        "que",
        "qui",
        "se",
        "sie",
        "sono",
        "sur",
        "um",
        "un",
        "una",
        "und",
        "une",
        "van",
        "von",
        "y",
        "zu",
    ]
)
"""Of French, German, Spanish, Italian, Portuguese, Dutch and Swedish."""
LONG = 8
"""Words from which a Latin text without English words counts as another language."""


def language_of(text: str) -> Tongue:
    """Return the language that a text is written in, as far as script and common words tell.

    Short Latin texts count as English: nothing in them says otherwise.
    """
    han = len(_HAN.findall(text))
    other = len(_LETTER.findall(text)) - han
    if han == 0 and other == 0:
        return "none"
    if len(_KANA_HANGUL.findall(text)) > 0.2 * (han + other):
        return "other"
    words = _LATIN_WORD.findall(text)
    latin = sum(map(len, words))
    if han == 0 and latin < 0.5 * other:
        return "other"
    share = han / (han + len(words)) if han + len(words) else 0.0
    if share < MINORITY:
        return "other" if han == 0 and _is_foreign(words) else "en"
    return "zh" if share > 1 - MINORITY else "mixed"


def _is_foreign(words: list[str]) -> bool:
    lowered = [word.lower() for word in words]
    elsewhere = sum(word in _COMMON_ELSEWHERE for word in lowered)
    english = sum(word in _COMMON for word in lowered)
    return len(words) >= LONG and elsewhere > max(0.1 * len(words), 2 * english)
