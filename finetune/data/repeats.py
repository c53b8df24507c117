"""Rows that say the same as an earlier one, or nearly."""

from __future__ import annotations

import re
from collections.abc import Sequence

from finetune.data.examples import Example, Turn
from finetune.data.layouts import JOINT
from harness.goldset.near import N_FOR_WORDING, Near, near_duplicates
from harness.goldset.texts import common_start, folded, n_words

_BORDER = re.compile(r"[\n:：。.?？!！]\s*")
LONG_WORDING = 12
"""Words from which what many rows begin with is an instruction, not content."""
Key = tuple[tuple[str, str], ...]


def asked_key(example: Example) -> Key:
    """Return what a row asks: everything before its last answer."""
    turns = example.turns if example.kind == "preference" else example.turns[:-1]
    return tuple((turn.role, folded(turn.content or "")) for turn in turns)


def said_key(example: Example) -> Key:
    """Return all that a row says; equal keys, equal rows."""
    if example.kind == "text":
        return (("text", folded(example.text)),)
    sides = (("turn", example.turns), ("chosen", example.chosen), ("rejected", example.rejected))
    said = tuple(
        (f"{side} {turn.role} {sorted(turn.more)}", folded(turn.content or ""))
        for side, turns in sides
        for turn in turns
    )
    calls = tuple(("more", repr(turn.more)) for turn in example.all_turns if turn.more)
    return (*said, *calls, ("label", str(example.label)))


def equal_rows(examples: Sequence[Example]) -> list[tuple[int, int]]:
    """Return (index, earlier index) of the rows that say the same as an earlier one."""
    first: dict[Key, int] = {}
    found: list[tuple[int, int]] = []
    for i, example in enumerate(examples):
        earlier = first.setdefault(said_key(example), i)
        if earlier != i:
            found.append((i, earlier))
    return found


def near_rows(examples: Sequence[Example], threshold: float) -> list[Near]:
    """Return the rows whose question and answer nearly repeat those of an earlier one.

    An instruction that many rows share is compared by itself: two short questions below the same
    long instruction are not alike because of it.
    """
    fields = [_fields(example) for example in examples]
    for name in ("asked", "given"):
        _set_wording_apart(fields, name)
    return near_duplicates(fields, threshold=threshold)


def _fields(example: Example) -> dict[str, str]:
    if example.kind == "text":
        return {"text": example.text}
    if example.kind == "preference":
        asked = example.turns
        answers = {"chosen": _joined(example.chosen), "rejected": _joined(example.rejected)}
    else:
        asked = example.turns[:-1]
        answers = {"answer": _joined(example.turns[-1:]), "label": str(example.label)}
    instruction, _, given = _joined(asked).partition(JOINT)
    return {"asked": instruction, "given": given, **answers}


def _set_wording_apart(fields: Sequence[dict[str, str]], name: str) -> None:
    """Move what many of the texts begin or end with into fields of their own."""
    rows = [row for row in fields if name in row]
    starts = shared_starts([row[name] for row in rows])
    for row, n in zip(rows, starts, strict=True):
        row[f"{name} first"], row[name] = row[name][:n], row[name][n:]
    ends = shared_starts([row[name][::-1] for row in rows])
    for row, n in zip(rows, ends, strict=True):
        at = len(row[name]) - n
        row[f"{name} last"], row[name] = row[name][at:], row[name][:at]


def shared_starts(texts: Sequence[str]) -> list[int]:
    """Return how many characters of each text at least N_FOR_WORDING texts begin with.

    Only whole lines and sentences count, up to a mark that ends one.
    """
    order = sorted(range(len(texts)), key=lambda i: texts[i])
    least = N_FOR_WORDING - 1
    shared = [0] * len(texts)
    for first in range(len(order) - least):
        group = order[first : first + N_FOR_WORDING]
        start = common_start([texts[group[0]], texts[group[-1]]])
        n = max((mark.end() for mark in _BORDER.finditer(start)), default=0)
        n = n if n_words(start[:n]) >= LONG_WORDING else 0
        for i in group:
            shared[i] = max(shared[i], n)
    return shared


def _joined(turns: Sequence[Turn]) -> str:
    return "\n".join(turn.content or "" for turn in turns)
