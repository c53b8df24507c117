"""What people said about answers, as annotation sessions export it, one line for each answer.

    runs/<suite>/<run>/ratings/<session>.jsonl

A line belongs to a text and not to a run: it counts for every run that gave this answer to this
gold item, and for none that gives another one later.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field

from harness.config import read_jsonl, validate_row
from harness.errors import InputError
from harness.types import Record

FOLDER = "ratings"
"""Inside a run folder."""
ADJUDICATED = "adjudicated"
"""Stands for the rater of a last word."""

Severity = Literal["minor", "major", "critical"]
Told = Literal["win", "tie", "loss", "both_bad"]


class TellsPreference(Record):
    """How an answer did against another one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    outcome: Told
    strength: int = 0
    """1 slightly, 2 clearly, 3 much; 0 for a tie and for both bad."""
    against: str = ""
    """The other answer's run, by the name of its folder."""
    against_answer: str
    """Digest of the other answer."""
    side: Literal["left", "right"] | None = None
    """Where this answer stood; None: it was not shown, since both were the same text."""


class RatedAnswer(Record):
    """One person's word on one run's answer to one gold item."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    """Name of the run's folder; before unblinding an opaque one."""
    item: str = Field(min_length=1)
    """Gold id."""
    rater: str
    """A pseudonym."""
    severity: Severity | None = None
    """Of the gravest tag."""
    session: str = ""
    rating: str = ""
    """Opaque; the two lines of a rated pair have the same one."""
    item_key: str = ""
    """Opaque name of what was rated: an answer, or a pair of them."""
    answer: str = ""
    """Digest of the text."""
    kind: Literal["plain", "check", "training"] = "plain"
    source: Literal["raters", "identical", "adjudication", "import"] = "raters"
    values: dict[str, int] = Field(default_factory=dict)
    """Points by scale."""
    cannot_judge: tuple[str, ...] = ()
    """Scales on which the person could not tell."""
    scales: dict[str, tuple[int, int]] = Field(default_factory=dict)
    """Lowest and highest point of each."""
    tags: dict[str, Severity] = Field(default_factory=dict)
    preference: TellsPreference | None = None
    comment: str = ""
    confidence: int | None = None
    occurrence: int = 0
    """1: the person was shown the same again."""
    revision: int = 1
    is_current: bool = True
    is_surplus: bool = False
    """It came in when the item had enough."""
    is_excluded: bool = False
    """The lead left this person out of the analysis."""
    position: int = 0
    """The how manieth item of this person."""
    active_ms: int | None = None
    elapsed_ms: int | None = None
    locale: str = ""
    origin: str = ""
    rated_at: str = ""
    """ISO 8601, UTC."""
    gold_digest: str = ""
    guideline_digest: str = ""

    @property
    def counts(self) -> bool:
        """Whether analyses use it."""
        return (
            self.kind == "plain"
            and self.occurrence == 0
            and self.is_current
            and not self.is_surplus
            and not self.is_excluded
        )


def read_rated_answers(files: Sequence[Path]) -> list[RatedAnswer]:
    """Read exported ratings.

    Raises:
        InputError: naming file and line.
    """
    return [
        validate_row(line, file, RatedAnswer, InputError)
        for file in files
        for line in read_jsonl(file, InputError)
    ]


def ratings_of_suite(runs: Path | None, suite: str) -> list[Path]:
    """Return the files of ratings in the run folders of a suite."""
    return [] if runs is None else sorted((runs / suite).glob(f"*/{FOLDER}/*.jsonl"))


def answer_digest(text: str) -> str:
    """Return the name of an answer: the same for texts that look the same."""
    return hashlib.sha256(tidy(text).encode()).hexdigest()


def tidy(answer: str) -> str:
    """Return an answer without what differs between models and does not matter to a reader.

    Line ends, spaces at the ends of lines, invisible characters, and blank lines in a row.
    """
    text = answer.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\u200b\u2060\ufeff\x00-\x08\x0b-\x1f\x7f]", "", text)
    text = re.sub(r"[ \t\u00a0]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
