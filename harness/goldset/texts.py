"""What a gold item asks, as plain text: whole, by field, and folded for comparison."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from harness.metrics.normalise import CJK, tokens
from harness.types import GoldRecord

END_MARKS = " .。!！?？…"
_WORD = re.compile(rf"[{CJK}]|(?:(?![{CJK}])\w)+")
_CJK_CHAR = re.compile(f"[{CJK}]")


def fields_of(record: GoldRecord) -> dict[str, str]:
    """Return what tells an item from another: its input by field, and its choices.

    A conversation has two fields: its last turn, and what went before.
    """
    if isinstance(record.input, str):
        fields = {"input": record.input}
    elif isinstance(record.input, Mapping):
        fields = dict(record.input)
    else:
        *before, last = record.input
        fields = {
            "before": "\n".join(f"{turn.role}: {turn.content}" for turn in before),
            "last": last.content,
        }
    if record.choices:
        fields["choices"] = "\n".join(sorted(record.choices))
    return fields


def input_text(record: GoldRecord) -> str:
    """Return the whole input, without choices and without the words of the task's prompt."""
    if isinstance(record.input, str):
        return record.input
    if isinstance(record.input, Mapping):
        return "\n".join(record.input.values())
    return "\n".join(turn.content for turn in record.input if turn.role != "system")


def right_answers(record: GoldRecord) -> tuple[str, ...]:
    """Return the references, or the right choice."""
    if record.choices and record.answer is not None:
        return (record.choices[record.answer],)
    return record.references


def folded(text: str) -> str:
    """Return a text without what makes no difference: case, width, spaces, final marks.

    Other punctuation stays, since "7 - 3" is not "7 + 3".
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(text.split()).rstrip(END_MARKS)


def common_start(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    if not texts:
        return ""
    # Whatever the first and the last in order share, all those between share too.
    first, last = min(texts), max(texts)
    pairs = zip(first, last, strict=False)
    length = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))
    return first[:length]


def n_words(text: str) -> int:
    """Return the length in words; each Chinese, Japanese or Korean character counts as one."""
    return len(_WORD.findall(text))


def n_chinese(text: str) -> int:
    """Return the number of Chinese, Japanese or Korean characters."""
    return len(_CJK_CHAR.findall(text))


def stands_in(answer: str, text: str) -> bool:
    """Tell whether an answer stands in a text, as whole words and long enough to mean something."""
    wanted = _spaced(answer)
    is_long = len(wanted.replace(" ", "")) >= 4 or n_chinese(answer) >= 2
    return is_long and wanted in _spaced(text)


@lru_cache(maxsize=4096)
def _spaced(text: str) -> str:
    return f" {' '.join(tokens(text, 'zh'))} "
