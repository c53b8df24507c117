"""Bring texts into a comparable form and cut them into tokens, by language."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache

CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af\U00020000-\U0002fa1f"
_CJK_CHAR = re.compile(f"[{CJK}]")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad(text: str) -> str:
    """Normalise as the SQuAD v1.1 script does: lower case, no ASCII punctuation, no articles."""
    text = text.lower().translate(_ASCII_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def chinese(text: str) -> str:
    """Normalise for Chinese: full-width forms to half-width, lower case, no punctuation."""
    text = unicodedata.normalize("NFKC", text).lower()
    return " ".join(text.translate(_WITHOUT_PUNCTUATION).split())


@lru_cache(maxsize=2**12)
def normalise(text: str, language: str) -> str:
    """Normalise by language; the metrics of a suite ask for the same texts one after the other."""
    return chinese(text) if language == "zh" else squad(text)


def tokens(text: str, language: str) -> list[str]:
    """Return the normalised tokens: words, and for Chinese each character by itself."""
    text = normalise(text, language)
    return text.translate(_CJK_SPACED).split() if language == "zh" else text.split()


class _ByCharacter(dict[int, str]):
    """A table for `str.translate` that asks a rule once for each different character."""

    def __init__(self, rule: Callable[[str], str]) -> None:
        super().__init__()
        self._rule = rule

    def __missing__(self, code: int) -> str:
        self[code] = found = self._rule(chr(code))
        return found


_WITHOUT_PUNCTUATION = _ByCharacter(lambda c: " " if unicodedata.category(c)[0] in "PS" else c)
_CJK_SPACED = _ByCharacter(lambda c: f" {c} " if _CJK_CHAR.match(c) else c)


def bare(answer: str, reference: str) -> tuple[str, str]:
    """Return both texts in a form that leaves something of the reference.

    The SQuAD rules leave nothing of the answer "A" or of "...", so that an empty answer would
    equal them; here articles are kept, and of punctuation alone everything is.
    """
    for form in (_unpunctuated, str.strip):
        if wanted := form(reference):
            return form(answer), wanted
    return answer.strip(), ""


def find_word(needle: str, text: str, start: int = 0) -> int:
    """Return where a text has the needle, not as a part of a longer word or number; −1 if nowhere.

    CJK characters stand by themselves, so that they may touch it.
    """
    while needle and (at := text.find(needle, start)) >= 0:
        if not (_runs_across(text, at) or _runs_across(text, at + len(needle))):
            return at
        start = at + 1
    return -1


class CharacterTokenizer:
    """Tokenizer for rouge-score: one token per CJK character, lower-case words otherwise.

    rouge-score's own keeps only a-z and 0-9, so that identical Chinese texts score 0.
    """

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        return tokens(text, "zh")


def _unpunctuated(text: str) -> str:
    return " ".join(text.lower().translate(_ASCII_PUNCTUATION).split())


def _runs_across(text: str, i: int) -> bool:
    return 0 < i < len(text) and _is_letter(text[i - 1]) and _is_letter(text[i])


def _is_letter(char: str) -> bool:
    return char.isalnum() and _CJK_CHAR.match(char) is None
