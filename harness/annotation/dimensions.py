"""The scales that raters are asked on: data in both languages, every point with its meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from harness.annotation.errors import AnnotationError
from harness.annotation.schema.types import Severity
from harness.config import load_yaml
from harness.errors import UnknownNameError
from harness.types import Record

SHIPPED = Path(__file__).with_name("dimensions.yaml")
Locale = Literal["en", "zh"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
RESERVED = {"preference", "critical", "major", "minor"}
"""Names that a scale may not have: exports and metrics use them for something else."""


class Words(Record):
    """A text in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    def of(self, locale: Locale) -> str:
        """Return it in one language."""
        return self.zh if locale == "zh" else self.en


class Dimension(Record):
    """One scale."""

    title: Words
    question: Words
    anchors: dict[int, Words]
    """What each point means; the points are whole numbers in a row."""

    @model_validator(mode="after")
    def _is_a_scale(self) -> Dimension:
        points = sorted(self.anchors)
        if len(points) < 2 or points != list(range(points[0], points[-1] + 1)):
            raise ValueError(f"a scale needs points in a row, such as 1 to 5, not {points}")
        return self

    @property
    def low(self) -> int:
        """The worst point."""
        return min(self.anchors)

    @property
    def high(self) -> int:
        """The best point."""
        return max(self.anchors)


class PreferenceWords(Record):
    """How a pair is asked about."""

    title: Words
    strengths: dict[int, Words]
    """1 slightly, 2 clearly, 3 much better."""
    tie: Words
    both_bad: Words

    @field_validator("strengths")
    @classmethod
    def _are_three(cls, strengths: dict[int, Words]) -> dict[int, Words]:
        if sorted(strengths) != [1, 2, 3]:
            raise ValueError("strengths are 1, 2 and 3")
        return strengths


class DimensionSet(Record):
    """All scales, tags and words of a session."""

    version: int
    cannot_judge: Words
    dimensions: dict[Name, Dimension] = Field(min_length=1)
    tags: dict[Name, Words] = Field(default_factory=dict)
    severities: dict[Severity, Words]
    preference: PreferenceWords

    @model_validator(mode="after")
    def _has_free_names(self) -> DimensionSet:
        taken = sorted(RESERVED & set(self.dimensions))
        if taken:
            raise ValueError(f"a scale cannot be called {taken[0]!r}: choose another name")
        return self


def load_dimensions(file: Path | None, names: tuple[str, ...]) -> DimensionSet:
    """Return the scales that a session asks on, in the order of `names`.

    Args:
        file: Like the shipped dimensions.yaml; None: that one.
        names: Which of its scales; none: all.

    Raises:
        ConfigError, UnknownNameError: naming the file.
    """
    whole = load_yaml(file or SHIPPED, DimensionSet)
    for name in names:
        if name not in whole.dimensions:
            raise UnknownNameError("scale", name, whole.dimensions, where=str(file or ""))
    if len(set(names)) < len(names):
        raise AnnotationError(f"a scale is named twice: {', '.join(names)}")
    chosen = {name: whole.dimensions[name] for name in names} or whole.dimensions
    return whole.model_copy(update={"dimensions": chosen})
