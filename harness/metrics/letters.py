"""Find which option an answer chooses, the way a person reads it."""

from __future__ import annotations

import re
import string
import unicodedata

from harness.errors import ConfigError
from harness.metrics.marks import last_boxed
from harness.metrics.steps import Step
from harness.types import GoldRecord

_DECORATION = r"[\s*_`'\"“”‘’$(（\[【<《:：]*"
_CHOICE = (
    rf"{_DECORATION}(?P<letters>[A-Z](?:\s*(?:[,、，/&+和与及]|and|or|或)?\s*[A-Z])*|[a-z])"
    r"(?![A-Za-z'’])"
)
_CALLED = (
    r"(?i:(?:answer|option|choice)\b[\s*_]*(?:is|are|would\s+be|should\s+be|must\s+be|:|：|=)"
    r"(?:\s*[:：])?(?:\s+(?:option|choice|letter))?)"
)
_CALLED_ZH = (
    r"(?:(?:正确)?(?:答案|选项|选择)(?:应该|应当|应)?(?:是|为|选|[：:\]】])+(?:选项)?"
    r"|(?:故|因此|所以|应|应该|我)?(?:选择|选)(?:项)?[是为：:]?|答[：:])"
)
PHRASES = (
    re.compile(_CALLED + _CHOICE),
    re.compile(_CALLED_ZH + _CHOICE),
    re.compile(rf"\b(?i:choose|select|pick)\b(?i:\s+(?:option|choice|answer))?{_CHOICE}"),
)
"""Words that announce the answer; the last of them in a text counts."""
ALONE = re.compile(rf"{_CHOICE}\s*[*_`'\"”’$)）\]】>》]*\s*(?:[.。:：、,，;)）!！-]|$)")
"""A line that begins with the letter: "B", "(B)", "B. Paris", "**B**"."""
BRACKETED = re.compile(r"[(（\[【]\s*([A-Z])\s*[)）\]】]")
CAPITAL = re.compile(r"(?<![A-Za-z0-9'’-])([A-Z])(?![A-Za-z0-9'’-])")
_WORDS = {"A": re.compile(r"A\s+[a-z]"), "I": re.compile(r"I\s+[a-z]")}
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|mathbf|textbf|textrm)\s*\{([^{}]*)\}")


def choice_letter(language: str, *, letters: str | None = None, several: bool = False) -> Step:
    r"""Find the letter of the chosen option: "The answer is (B)", 答案：B, 选B, \boxed{B}, (B).

    Looked for in this order: in \boxed{}; after words that announce an answer, the last of them;
    at the beginning of the first or last line; in brackets; standing alone. Two letters where one
    is asked for, such as "A or B", are no answer.

    Args:
        language: Not used: both languages are read.
        letters: The possible ones, as "ABCD" or "A-D"; by default as many as the item has
            choices, else all.
        several: Whether more than one can be right: "A、C" becomes AC.
    """
    del language
    allowed = None if letters is None else _range(letters)

    def step(text: str, gold: GoldRecord | None) -> str | None:
        known = allowed or _letters_of(gold)
        for found in _places(unicodedata.normalize("NFKC", text), known):
            chosen = list(dict.fromkeys(found))
            if chosen and (several or len(chosen) == 1):
                return "".join(sorted(chosen))
            if chosen:
                return None
        return None

    return step


def _places(text: str, known: str) -> list[str]:
    """Return the letters at each place where an answer can stand, the surest first."""
    inside = last_boxed(text)
    places = [] if inside is None else [_only_letters(_TEXT_COMMAND.sub(r"\1", inside))]
    announced = [(m.start("letters"), m["letters"]) for p in PHRASES for m in _said(p, text)]
    places += [letters for _, letters in sorted(announced)[-1:]]
    places += _at_line_begin(text)
    places.append("".join(BRACKETED.findall(text)[-1:]))
    whole = [
        found for place in places if (found := _only_letters(place)) and set(found) <= set(known)
    ]
    single = [m[1] for m in CAPITAL.finditer(text) if m[1] in known and not _is_word(text, m)]
    return [*whole, "".join(single)]


def _at_line_begin(text: str) -> list[str]:
    """Return the letters that the first and the last line begin with, but for a list of options."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    begins = [match["letters"].upper() for line in lines if (match := ALONE.match(line))]
    found: list[str] = []
    for line in dict.fromkeys((*lines[-1:], *lines[:1])):
        match = ALONE.match(line)
        if match is None or (match["letters"].islower() and len(line) > 3):
            continue
        is_bare = not re.search(r"\w", line[match.end() :])
        if is_bare or len(set(begins)) == 1:
            found.append(match["letters"])
    return found


def _said(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """Return the matches whose letters are written as answers: capitals, or b) and "b"."""
    found: list[re.Match[str]] = []
    for match in pattern.finditer(text):
        letters, after = match["letters"], text[match.end() :]
        is_clear = letters[0].isupper() and not (letters in _WORDS and _is_article(match, text))
        if is_clear or (letters.islower() and re.match(r"\s*(?:[)\].。,*]|$)", after)):
            found.append(match)
    return found


def _is_article(match: re.Match[str], text: str) -> bool:
    """Whether "A" or "I" begins a phrase in title case, as in "The answer is: A dog"."""
    after = text[match.end() :]
    reasons = r"\s+(?:because|since|as|for|due|which|and|but|from|in|with|is)\b"
    return re.match(r"\s+[a-z]", after) is not None and re.match(reasons, after) is None


def _is_word(text: str, match: re.Match[str]) -> bool:
    word = _WORDS.get(match[1])
    return word is not None and word.match(text, match.start()) is not None


def _only_letters(text: str) -> str:
    stripped = re.sub(r"\b(?:and|or)\b", "", text, flags=re.IGNORECASE).upper()
    return "".join(char for char in stripped if char in string.ascii_uppercase)


def _letters_of(gold: GoldRecord | None) -> str:
    n = len(gold.choices) if gold is not None and gold.choices else 26
    return string.ascii_uppercase[:n]


def _range(letters: str) -> str:
    text = letters.upper()
    if re.fullmatch(r"[A-Z]-[A-Z]", text) and text[0] < text[2]:
        return "".join(map(chr, range(ord(text[0]), ord(text[2]) + 1)))
    if not re.fullmatch(r"[A-Z]+", text):
        raise ConfigError(
            f"step 'choice_letter': parameter 'letters': {letters!r} is neither ABCD nor A-D"
        )
    return text
