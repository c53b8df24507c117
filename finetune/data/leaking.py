"""Rows that gold items stand in."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.data.examples import Example, training_text
from harness.contamination.find import Leak, find_leaks
from harness.suite import Suite

MOST_PARTS = 64


def leaking_rows(examples: Sequence[Example], suites: Sequence[Suite]) -> dict[str, str]:
    """Return why each row leaks that does, by where it stands; suspects are left alone.

    The search tells the first row of each gold item, so it is repeated without the rows found, in
    more and more parts, until nothing is left to find in the whole.
    """
    found: dict[str, str] = {}
    for suite in suites:
        n_parts = 1
        while True:
            rest = [example for example in examples if example.where not in found]
            leaks = [leak for part in _parts(rest, n_parts) for leak in _leaked(suite, part)]
            if not leaks and n_parts == 1:
                break
            found |= {leak.origin: _said(leak, suite) for leak in leaks}
            n_parts = min(4 * n_parts, MOST_PARTS) if leaks else 1
    return found


def _parts(examples: Sequence[Example], n: int) -> list[Sequence[Example]]:
    size = max(1, -(-len(examples) // n))
    return [examples[i : i + size] for i in range(0, len(examples), size)]


def _leaked(suite: Suite, examples: Sequence[Example]) -> list[Leak]:
    leaks = find_leaks(suite, map(training_text, examples))
    return [leak for leak in leaks if leak.verdict == "leaked"]


def _said(leak: Leak, suite: Suite) -> str:
    return f"gold item {leak.gold_id} of {suite.name}: {leak.shared[:80]!r}"
