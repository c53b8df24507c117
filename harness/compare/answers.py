"""Which items two runs answered differently."""

from __future__ import annotations

from harness.store import RunFolder
from harness.types import Completion


def differing_items(first: RunFolder, second: RunFolder) -> tuple[dict[str, tuple[str, str]], int]:
    """Return the items whose answers differ, and how many items both runs have."""
    left, right = first.completions(), second.completions()
    shared = [gold_id for gold_id in left if gold_id in right]
    pairs = {gold_id: (_said(left[gold_id]), _said(right[gold_id])) for gold_id in shared}
    return {gold_id: pair for gold_id, pair in pairs.items() if pair[0] != pair[1]}, len(shared)


def _said(completion: Completion) -> str:
    logprobs = completion.choice_logprobs
    return completion.text if logprobs is None else f"choice {logprobs.index(max(logprobs))}"
