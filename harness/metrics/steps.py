"""The plain extraction steps: patterns, marks, lines, numbers, JSON, normal forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

from harness.errors import ConfigError
from harness.metrics import normalise as forms
from harness.metrics.json_text import find_json
from harness.metrics.marks import last_boxed
from harness.metrics.numbers import find_numbers
from harness.types import GoldRecord

Step = Callable[[str, GoldRecord | None], str | None]
"""From a text and its gold item to what was found, or None."""

Which = Literal["first", "last"]
Marks = str | tuple[str, ...]


def of_text(find: Callable[[str], str | None]) -> Step:
    """Return a step that looks at the text alone."""
    return lambda text, _gold: find(text)


def regex(
    language: str,
    *,
    value: str,
    group: int | str | None = None,
    which: Which = "first",
    ignore_case: bool = False,
) -> Step:
    """Find a pattern (Python `re`): its group, by default the first one, else all of it."""
    del language
    pattern = _compiled(value, re.IGNORECASE if ignore_case else re.NOFLAG)
    group = (1 if pattern.groups else 0) if group is None else group
    known = [*range(pattern.groups + 1), *pattern.groupindex]
    if group not in known:
        raise ConfigError(
            f"step 'regex': parameter 'group': {value!r} has no group {group!r}; "
            f"it has: {', '.join(map(str, known))}"
        )

    def step(text: str) -> str | None:
        if which == "first":
            match = pattern.search(text)
            return None if match is None else match[group]
        found = [match[group] for match in pattern.finditer(text)]
        return found[-1] if found else None

    return of_text(step)


def after(
    language: str,
    *,
    value: Marks,
    which: Which = "last",
    until: str | None = None,
    ignore_case: bool = False,
) -> Step:
    r"""Keep what follows a mark such as "####" or ["Answer:", "答案："], up to `until` if given.

    Args:
        language: Not used.
        value: One mark or several, of which the first or last in the text counts.
        which: Which occurrence.
        until: Where to stop, such as "\n" for the end of the line; by default the text's end.
        ignore_case: Whether "ANSWER:" is "Answer:".
    """
    del language
    marks = _marks("after", value)
    pattern = re.compile("|".join(map(re.escape, marks)), re.IGNORECASE if ignore_case else 0)

    def step(text: str) -> str | None:
        ends = [match.end() for match in pattern.finditer(text)]
        if not ends:
            return None
        rest = text[ends[0] if which == "first" else ends[-1] :]
        # A mark at the end of a line is followed by its answer on the next.
        rest = rest.lstrip() if until else rest
        return (rest.split(until, 1)[0] if until else rest).strip() or None

    return of_text(step)


def boxed(language: str) -> Step:
    r"""Find what the last LaTeX \boxed{…} holds, braces inside it included."""
    del language
    return of_text(last_boxed)


def last_number(language: str, *, which: Which = "last") -> Step:
    """Find a number, however written, and write it in plain digits: 1,234.50 as 1234.5.

    三分之一 becomes 1/3; a percent sign is left out, 3万 and 1.5 million are written out.
    """
    del language

    def step(text: str) -> str | None:
        numbers = find_numbers(text)
        if not numbers:
            return None
        return numbers[0 if which == "first" else -1].written

    return of_text(step)


def json_block(
    language: str, *, which: Which = "last", kind: Literal["any", "object", "array"] = "any"
) -> Step:
    """Find a JSON object or array: in a fenced block where there is one, else anywhere."""
    del language

    def step(text: str) -> str | None:
        found = find_json(text, kind)
        return found[0 if which == "first" else -1] if found else None

    return of_text(step)


def first_line(language: str) -> Step:
    """Keep the first line that is not empty."""
    del language
    return of_text(lambda text: next(iter(_lines(text)), None))


def last_line(language: str) -> Step:
    """Keep the last line that is not empty."""
    del language
    return of_text(lambda text: next(reversed(_lines(text)), None))


def strip_prefix(language: str, *, value: Marks, ignore_case: bool = True) -> Step:
    """Drop a beginning such as "Answer:" or one of several; other texts stay as they are."""
    del language
    marks = sorted(_marks("strip_prefix", value), key=len, reverse=True)
    alternatives = "|".join(map(re.escape, marks))
    pattern = re.compile(rf"\s*(?:{alternatives})\s*", re.IGNORECASE if ignore_case else 0)

    def step(text: str) -> str:
        match = pattern.match(text)
        return text if match is None else text[match.end() :]

    return of_text(step)


def normalise(
    language: str, *, value: Literal["auto", "en", "zh", "nfkc", "lower", "space"] = "auto"
) -> Step:
    """Bring the text into a normal form.

    Args:
        language: Decides what "auto" is.
        value: "en" (SQuAD's: lower case, no punctuation, no articles), "zh" (half-width, lower
            case, no punctuation), "nfkc" (half-width only), "lower", or "space" (single spaces).
    """
    change: dict[str, Callable[[str], str]] = {
        "en": forms.squad,
        "zh": forms.chinese,
        "nfkc": lambda text: unicodedata.normalize("NFKC", text),
        "lower": str.lower,
        "space": lambda text: " ".join(text.split()),
    }
    chosen = change[("zh" if language == "zh" else "en") if value == "auto" else value]
    return of_text(chosen)


def _compiled(pattern: str, flags: re.RegexFlag) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(
            f"step 'regex': parameter 'value': {pattern!r} is no regular expression: {error}"
        ) from None


def _marks(step: str, value: Marks) -> tuple[str, ...]:
    marks = (value,) if isinstance(value, str) else value
    if not marks or not all(marks):
        raise ConfigError(f"step {step!r}: parameter 'value': give at least one mark, none empty")
    return marks


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
