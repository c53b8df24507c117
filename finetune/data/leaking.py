"""Rows that gold items stand in."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.data.examples import Example, training_text
from harness.contamination.find import Leak, find_leaks
from harness.suite import Suite


def leaking_rows(examples: Sequence[Example], suites: Sequence[Suite]) -> dict[str, str]:
    """Return why each row leaks that does, by where it stands; suspects are left alone.

    The search tells the first row of each gold item, so it is repeated without the rows found
    until there is nothing left to find.
    """
    found: dict[str, str] = {}
    for suite in suites:
        while True:
            rest = [example for example in examples if example.where not in found]
            leaks = [
                leak
                for leak in find_leaks(suite, map(training_text, rest))
                if leak.verdict == "leaked"
            ]
            if not leaks:
                break
            found |= {leak.origin: _said(leak, suite) for leak in leaks}
    return found


def _said(leak: Leak, suite: Suite) -> str:
    return f"gold item {leak.gold_id} of {suite.name}: {leak.shared[:80]!r}"
