"""Compare a gold set with what users ask: languages, lengths and wordings that it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from harness.goldset.findings import Finding
from harness.goldset.language import language_of
from harness.goldset.logs import Request
from harness.goldset.near import near_duplicates
from harness.goldset.texts import input_text, n_words
from harness.suite import Suite

RARE = 0.05
"""Share of the logs from which something that the gold set lacks is worth a word."""
FREQUENT = 3
"""Times a request was asked from which it ought to be in the gold set."""
SHOWN = 3


def usage_findings(suite: Suite, requests: Sequence[Request]) -> tuple[Finding, ...]:
    """Return what the logs have and the gold set has not."""
    found = (_languages(suite, requests), _lengths(suite, requests), _frequent(suite, requests))
    return tuple(finding for finding in found if finding is not None)


def _languages(suite: Suite, requests: Sequence[Request]) -> Finding | None:
    asked = Counter(language_of(request.text) for request in requests)
    has = Counter(language_of(input_text(record)) for record in suite.gold)
    missing = [
        f"{tongue} ({count / len(requests):.0%} of the logs)"
        for tongue, count in asked.most_common()
        if count >= RARE * len(requests) and not has[tongue] and tongue != "none"
    ]
    if not missing:
        return None
    return Finding(
        severity="warning",
        kind="logs_language",
        text=f"users write in languages that no item has: {', '.join(missing)}",
        mend="make a suite for each language that matters",
    )


def _lengths(suite: Suite, requests: Sequence[Request]) -> Finding | None:
    asked = np.asarray([n_words(request.text) for request in requests])
    has = [n_words(input_text(record)) for record in suite.gold]
    longer, shorter = float((asked > max(has)).mean()), float((asked < min(has)).mean())
    if max(longer, shorter) < RARE:
        return None
    parts = [
        f"{share:.0%} of the logs are {word} than every item ({limit} words)"
        for share, word, limit in ((longer, "longer", max(has)), (shorter, "shorter", min(has)))
        if share >= RARE
    ]
    return Finding(
        severity="warning",
        kind="logs_length",
        text=" and ".join(parts),
        mend="add items of these lengths (`tunemark gold sample`)",
    )


def _frequent(suite: Suite, requests: Sequence[Request]) -> Finding | None:
    gold = [{"text": input_text(record)} for record in suite.gold]
    logged = [{"text": request.text} for request in requests]
    earlier = {near.index: near.earlier for near in near_duplicates([*gold, *logged])}
    counts = Counter(earlier.get(len(gold) + i, len(gold) + i) for i in range(len(logged)))
    often = [
        (requests[index - len(gold)].text, count)
        for index, count in counts.most_common()
        if index >= len(gold) and count >= FREQUENT
    ]
    if not often:
        return None
    shown = ", ".join(f"{text[:60]!r} ({count} times)" for text, count in often[:SHOWN])
    return Finding(
        severity="note",
        kind="logs_frequent",
        text=f"{len(often)} requests were asked {FREQUENT} times or more and stand in no item: "
        f"{shown}{' …' if len(often) > SHOWN else ''}",
        mend="add them, or say in README.md why not",
    )
