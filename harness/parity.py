"""Prove that training and serving turn a conversation into the same tokens.

The trainer stores, beside the adapter, some conversations with the prompt ids that its encoder
gave them. Before a score is taken the serving side renders the same conversations again, and the
engine's echo of every prompt is compared with what was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import TemplateDriftError
from harness.store import read_json, write_json
from harness.templates import ChatTemplate, encode, render
from harness.types import Message


def write_proof(
    file: Path, template: ChatTemplate, probes: Sequence[tuple[Sequence[Message], Sequence[int]]]
) -> None:
    """Store conversations with their prompt ids, [(messages up to the answer, ids)]."""
    rows = [
        {"messages": [message.model_dump() for message in messages], "prompt_ids": list(ids)}
        for messages, ids in probes
    ]
    write_json(file, {"template": template.name, "digest": template.digest, "probes": rows})


def check_proof(file: Path, template: ChatTemplate, tokenizer: Any, *, adapter: str) -> int:
    """Render the stored conversations again; return how many were equal.

    Raises:
        TemplateDriftError: a token differs.
    """
    proof = read_json(file)
    for number, probe in enumerate(proof["probes"]):
        messages = [Message.model_validate(message) for message in probe["messages"]]
        ids = encode(tokenizer, render(template, messages, tokenizer, for_answer=True))
        expected = probe["prompt_ids"]
        if ids != expected:
            at = first_difference(ids, expected)
            raise TemplateDriftError(
                f"adapter {adapter!r} was trained with template {proof['template']!r}; serving "
                f"with {template.name!r} gives other tokens (probe {number}, token {at}: trained "
                f"on {_shown(tokenizer, expected, at)}, served {_shown(tokenizer, ids, at)}); "
                f"set `template: {proof['template']}` and use the tokenizer it was trained with"
            )
    return len(proof["probes"])


def check_echo(sent: Sequence[int], seen: Sequence[int], *, item: str) -> None:
    """Compare a prompt with what the engine says it saw.

    Raises:
        TemplateDriftError: they differ, such as by a doubled BOS.
    """
    if tuple(sent) != tuple(seen):
        at = first_difference(sent, seen)
        raise TemplateDriftError(
            f"{item}: the engine saw other prompt tokens than were sent (from token {at}: "
            f"sent {list(sent[at : at + 4])}, seen {list(seen[at : at + 4])})"
        )


def first_difference(left: Sequence[int], right: Sequence[int]) -> int:
    """Return the first position at which two sequences differ."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))


def _shown(tokenizer: Any, ids: Sequence[int], at: int) -> str:
    return repr(tokenizer.decode(list(ids[at : at + 3]))) if at < len(ids) else "the end"
