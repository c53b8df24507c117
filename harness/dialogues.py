"""Take a gold dialogue apart: one item for every turn that the assistant has to give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.tasks import TaskConfig
from harness.types import GoldRecord

TURN = "turn"
"""The slice that tells turns apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """Gold items, with the dialogues taken apart."""

    items: tuple[GoldRecord, ...]
    earlier: Mapping[str, tuple[str, ...]]
    """Ids of the earlier turns of an item's dialogue, for tasks that go on from the model's own
    answers; an item without them is absent."""


def expand(records: Iterable[GoldRecord], tasks: Mapping[str, TaskConfig]) -> Expanded:
    """Return one item per assistant turn of every multi_turn row, and other rows as they are.

    Turn k of the row `id` becomes `id#k`: its input is all that stands before that turn, its
    reference is the turn itself (for the last one, the row's `references` where it has any), its
    slice `turn` is k, and all turns of a dialogue are one cluster.
    """
    items: list[GoldRecord] = []
    earlier: dict[str, tuple[str, ...]] = {}
    for record in records:
        task = tasks[record.task]
        if task.type != "multi_turn":
            items.append(record)
            continue
        turns = _turns(record)
        if task.history == "own":
            ids = [turn.id for turn in turns]
            earlier |= {ids[i]: tuple(ids[:i]) for i in range(1, len(ids))}
        items.extend(turns)
    return Expanded(items=tuple(items), earlier=earlier)


def _turns(record: GoldRecord) -> list[GoldRecord]:
    assert isinstance(record.input, tuple), f"{record.id} is no dialogue"
    messages = record.input
    ends = [i for i, message in enumerate(messages) if message.role == "assistant"]
    if messages[-1].role == "user":
        ends.append(len(messages))
    found: list[GoldRecord] = []
    for number, end in enumerate(ends, start=1):
        is_last = number == len(ends)
        said = messages[end].content if end < len(messages) else ""
        own = record.references if is_last else ()
        found.append(
            record.model_copy(
                update={
                    "id": f"{record.id}#{number}",
                    "input": messages[:end],
                    "references": own or ((said,) if said.strip() else ()),
                    "slices": {**record.slices, TURN: str(number)},
                    "cluster": record.cluster or record.id,
                }
            )
        )
    return found
