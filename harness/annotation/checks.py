"""Items whose right ratings are known: silent checks, and the training round with its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from harness.annotation.dimensions import DimensionSet
from harness.annotation.errors import AnnotationError
from harness.annotation.schema.types import Kind, Outcome
from harness.config import read_jsonl, validate_row
from harness.errors import suggestion
from harness.types import Record


class KnownItem(Record):
    """One line of the file of checks."""

    id: str = Field(min_length=1)
    kind: Literal["check", "training"] = "check"
    prompt: str = Field(min_length=1)
    references: tuple[str, ...] = ()
    answers: tuple[str, ...] = Field(min_length=1, max_length=2)
    """One, or in a session of pairs two."""
    accept: tuple[dict[str, tuple[int, int]], ...] = ()
    """For each answer the lowest and highest right rating by scale."""
    preferred: tuple[Outcome, ...] = ()
    """Which answer may be called better; any of these is right."""
    explanation: str = ""
    """Shown after a training item."""

    @model_validator(mode="after")
    def _says_something(self) -> KnownItem:
        if len(self.accept) > len(self.answers):
            raise ValueError("accept has more entries than there are answers")
        if not any(self.accept) and not self.preferred:
            raise ValueError("give `accept` or `preferred`: without them nothing is known")
        for ranges in self.accept:
            for name, (low, high) in ranges.items():
                if low > high:
                    raise ValueError(f"accept.{name}: {low} is above {high}")
        return self


def read_known_items(file: Path, kind: Kind, scales: DimensionSet) -> list[KnownItem]:
    """Read checks and training items.

    Raises:
        AnnotationError: naming file and line.
    """
    items: list[KnownItem] = []
    for line in read_jsonl(file, AnnotationError):
        item = validate_row(line, file, KnownItem, AnnotationError)
        fault = _fault(item, kind, scales)
        if fault:
            raise AnnotationError(f"{file}:{line.number}: {item.id!r}: {fault}")
        if any(item.id == other.id for other in items):
            raise AnnotationError(f"{file}:{line.number}: id {item.id!r} appears twice")
        items.append(item)
    return items


def _fault(item: KnownItem, kind: Kind, scales: DimensionSet) -> str | None:
    wanted = 1 if kind == "likert" else 2
    if len(item.answers) != wanted:
        return f"a session of kind {kind} needs {wanted} answer(s), not {len(item.answers)}"
    if kind == "likert" and item.preferred:
        return "`preferred` is for sessions of pairs"
    if kind == "pairwise" and any(item.accept):
        return "`accept` is for sessions with scales"
    for ranges in item.accept:
        for name, (low, high) in ranges.items():
            if name not in scales.dimensions:
                near = suggestion(name, scales.dimensions)
                return f"no scale {name!r}{near}; there are: {', '.join(scales.dimensions)}"
            scale = scales.dimensions[name]
            if low < scale.low or high > scale.high:
                return f"accept.{name}: the scale goes from {scale.low} to {scale.high}"
    return None
