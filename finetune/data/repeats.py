"""Rows that say the same as an earlier one, or nearly."""

from __future__ import annotations

from collections.abc import Sequence

from finetune.data.examples import Example
from harness.goldset.near import Near, near_duplicates
from harness.goldset.texts import folded

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
    """Return the rows whose question and answer nearly repeat those of an earlier one."""
    return near_duplicates([_fields(example) for example in examples], threshold=threshold)


def _fields(example: Example) -> dict[str, str]:
    if example.kind == "text":
        return {"text": example.text}
    *before, last = example.turns or (None,)
    if example.kind == "preference":
        asked = example.turns
        answers = {
            "chosen": "\n".join(turn.content or "" for turn in example.chosen),
            "rejected": "\n".join(turn.content or "" for turn in example.rejected),
        }
    else:
        asked = tuple(turn for turn in before if turn is not None)
        answers = {"answer": (last.content or "") if last is not None else ""}
    fields = {"asked": "\n".join(turn.content or "" for turn in asked), **answers}
    if example.label is not None:
        fields["label"] = str(example.label)
    return fields
