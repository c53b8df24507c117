"""What a session is to be, as its lead writes it down."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from harness.annotation.dimensions import Locale
from harness.annotation.schema.types import Kind
from harness.types import Record

LeakRule = Literal["mask", "exclude", "show"]
Visibility = Literal["open", "folded", "hidden"]


class OverlapConfig(Record):
    """Some items are rated by several people, so that agreement can be told."""

    share: float = Field(default=0.2, ge=0, le=1)
    """Of the items, drawn from every stratum."""
    at_least: int = Field(default=30, ge=0)
    raters: int = Field(default=3, ge=2)


class BoostConfig(Record):
    """More raters where the first two differ."""

    raters: int = Field(default=3, ge=3)
    spread: int = Field(default=2, ge=1)
    """Difference on any scale, in points, from which on two raters differ."""


class RepeatConfig(Record):
    """Some items come back to the same rater, with the sides swapped."""

    share: float = Field(default=0.05, ge=0, le=0.5)
    at_least: int = Field(default=5, ge=0)
    gap: int = Field(default=20, ge=1)
    """Items in between."""


class CheckConfig(Record):
    """Items whose right ratings are known, among the others."""

    file: str | None = None
    """JSON Lines of checks and training items."""
    share: float = Field(default=0.08, gt=0, le=0.5)
    """Of what a rater is shown."""
    not_before: int = Field(default=3, ge=0)
    """The first so many items of a rater are no checks."""


class LeakConfig(Record):
    """What happens to answers that tell where they are from."""

    names: LeakRule = "mask"
    """A name of one of the session's runs, models, adapters or configurations."""
    family: LeakRule = "mask"
    """A name of a well-known model, where it stands in neither prompt nor reference."""
    identity: LeakRule = "mask"
    """A sentence such as "as a language model trained by …"."""
    markup: LeakRule = "mask"
    """What a chat template left behind."""
    truncated: LeakRule = "show"
    """The answer was cut off at the token limit."""


class SessionConfig(Record):
    """session.yaml: everything about a session but its runs."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)
    """Raters see it in addresses: it must not tell what is compared."""
    title: str = Field(default="", max_length=200)
    """What raters read above every item."""
    kind: Kind = "both"
    """likert: one answer at a time; pairwise: which of two; both: two, each rated, then which."""
    dimensions: tuple[str, ...] = ()
    """Scales; none: all of the file."""
    dimensions_file: str | None = None
    """Scales of your own, like the shipped ones."""
    guideline: str | None = None
    """Markdown file for raters."""
    prompt: Visibility = "open"
    references: Visibility = "hidden"
    tags: bool = True
    """Whether faults can be tagged with their gravity."""
    confidence: bool = False
    """Whether raters say how sure they are, 1 to 3."""
    reason_up_to: int = Field(default=2, ge=0)
    """Ratings up to this point need a tag or a comment; 0: none does."""
    pairs: Literal["baseline", "all"] = "baseline"
    """Of more than two runs: each against the first, or each against each."""
    tasks: tuple[str, ...] = ()
    """Of the suite; none: all whose answers are texts."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many gold items, drawn from every stratum."""
    strata: tuple[str, ...] = ()
    """Slices of the gold items by which the draw is balanced, besides task and length."""
    raters_per_item: int | Literal["all"] = Field(default=1)
    """"all": everyone rates everything, best for a small panel of experts."""
    overlap: OverlapConfig = OverlapConfig()
    boost: BoostConfig | None = None
    repeats: RepeatConfig = RepeatConfig()
    checks: CheckConfig = CheckConfig()
    leaks: LeakConfig = LeakConfig()
    lease_minutes: float = Field(default=30, gt=0)
    """How long an item is kept for a rater who does nothing."""
    words_per_minute: int = Field(default=600, ge=1)
    """Faster than this is flagged; Chinese characters count as two thirds of a word."""
    adjudicator_sees: Literal["ratings", "nothing"] = "ratings"
    """"nothing": the ratings are shown only once the adjudicator has decided."""
    locale: Locale | None = None
    """Of the page for those who chose none; by default the suite's language."""
    seed: int = Field(default=20250101, ge=0)

    @model_validator(mode="after")
    def _is_possible(self) -> SessionConfig:
        if isinstance(self.raters_per_item, int) and self.raters_per_item < 1:
            raise ValueError("raters_per_item: at least 1, or all")
        return self
