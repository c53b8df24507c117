"""Read human ratings for a gate: who found what grave fault in which answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.config import read_jsonl, validate_row
from harness.errors import InputError


class Rating(BaseModel):
    """One rater's word on one answer; other keys of the line (scores, comment) do not matter."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    """Name of the run's folder."""
    item: str = Field(min_length=1)
    """Gold id."""
    rater: str
    severity: Literal["minor", "major", "critical"] | None = None
    """The gravest fault that the rater tagged, if any."""


def read_ratings(files: Sequence[Path]) -> list[Rating]:
    """Read JSON Lines of ratings, as annotation sessions export them.

    Raises:
        InputError: naming file and line.
    """
    return [
        validate_row(line, file, Rating, InputError)
        for file in files
        for line in read_jsonl(file, InputError)
    ]
