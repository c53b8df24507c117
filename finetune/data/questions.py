"""A question that a rule made of a source: turns to be rendered, and what they may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One conversation to be."""

    turns: tuple[Mapping[str, str], ...]
    """Templates, each under its role."""
    fields: Mapping[str, Any]
    """What the templates see."""
    item: object
    """Id or number of the source item."""


def asked(question: str, answer: str, fields: Mapping[str, Any], item: object) -> Question:
    """Return a question with its answer; both are templates."""
    return Question(turns=({"user": question}, {"assistant": answer}), fields=fields, item=item)
