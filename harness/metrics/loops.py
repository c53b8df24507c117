"""Tell an answer that is caught in a loop."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from harness.metrics.normalise import CJK

LONGEST_PASSAGE = 64
"""Tokens of a repeated passage."""
FEWEST_TIMES = 4
FEWEST_TOKENS = 16
"""Tokens that all repetitions fill together: "ha ha ha" is no loop."""
FEWEST_LINES = 6

_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+|[^\w\s]")
_RULE = re.compile(r"^[ \t]*[-=_*#|:+.~ \t]{3,}$", re.MULTILINE)
"""A line that only draws: a Markdown table's rule, a dotted line."""


def is_loop(text: str) -> bool:
    """Return whether a passage repeats over and over, or one line makes up most of the answer."""
    text = _RULE.sub("", text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) >= FEWEST_LINES and Counter(lines).most_common(1)[0][1] > len(lines) / 2:
        return True
    words = _TOKEN.findall(text.lower())
    numbers = np.unique(np.asarray(words), return_inverse=True)[1] if words else np.empty(0)
    return any(
        _longest_run(numbers[period:] == numbers[:-period])
        >= max((FEWEST_TIMES - 1) * period, FEWEST_TOKENS - period)
        for period in range(1, min(LONGEST_PASSAGE, len(words) // FEWEST_TIMES) + 1)
    )


def _longest_run(flags: np.ndarray) -> int:
    """Return the length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))
