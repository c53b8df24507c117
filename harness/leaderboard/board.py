"""What a board says, as one value on disk: the only thing that tables, pages and exports read."""

from __future__ import annotations

import math
from typing import Literal

from harness.digest import digest_of
from harness.leaderboard.config import BoardConfig
from harness.leaderboard.reasons import Reason
from harness.stats.bootstrap import Interval
from harness.stats.ranking import Rank
from harness.types import Record

Kind = Literal["scores", "votes"]
Status = Literal["preliminary", "usable", "established"]
FORMAT = 1


class Estimate(Record):
    """A value with its 95 % interval; an end is None where there is none."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, interval: Interval) -> Estimate:
        """Return an interval without infinite ends."""
        return cls(value=interval.value, low=_finite(interval.low), high=_finite(interval.high))


class Column(Record):
    """One suite with the metric that decides on it; or the votes."""

    suite: str
    version: str
    language: str
    metric: str
    signature: str
    gold_digest: str
    template_digest: str | None
    """The chat template that all must use; None where each may use another."""
    n_items: int
    """Planned for the metric."""
    n_groups: int
    """Independent units: items, or clusters of items."""
    better: Literal["higher", "lower"]
    low: float | None
    """Bounds of the metric's values; None: without a bound."""
    high: float | None
    is_binary: bool
    weight: float | None
    """Share in the composite, all together 1."""
    status: Status
    openness: float
    """How much of the order is open: 0, every rank is known; 1, none is."""
    resolution: float | None
    """The difference that tells two models apart, in the metric's unit; None: none does."""


class Cell(Record):
    """One model on one suite."""

    suite: str
    run: str
    """Name of the run's folder."""
    value: Estimate | None
    method: str
    """How the interval was found."""
    scaled: float | None
    """From 0, the metric's worst value, to 1, its best; None where it has no such."""
    n: int
    """Scored items."""
    rank: Rank | None
    created: str


class Tally(Record):
    """What a model's votes are."""

    wins: int
    ties: int
    losses: int
    beaten: tuple[float, ...]
    """How often it beat each model, in the board's order; a tie is half a win."""
    out_of_ten: float
    """Wins expected in ten votes against the first of the board."""


class Entry(Record):
    """One model on the board."""

    name: str
    hub_id: str | None = None
    model: str = ""
    """Base model, as it was called."""
    model_digest: str | None = None
    adapter_digest: str | None = None
    template: str = ""
    engine: str = ""
    dtype: str = ""
    temperature: float | None = None
    seed: int | None = None
    leaked: int | None = None
    """Gold items in its training data, all suites together; None: not looked for."""
    reasons: tuple[Reason, ...] = ()
    """Why it is not ranked; empty when it is."""
    cells: tuple[Cell, ...] = ()
    rank: Rank | None = None
    """On the whole board: by the composite, the only suite, or the votes."""
    tie: int | None = None
    """Models with one and the same rank interval share this number."""
    composite: Estimate | None = None
    mean: float | None = None
    """Of the scaled values, all suites alike."""
    win_rate: float | None = None
    """Mean share of the other models that it beats, suite by suite."""
    weight_ranks: Rank | None = None
    """What rank it takes as the composite's weights vary."""
    strength: Estimate | None = None
    """Bradley–Terry log-strength; the board's mean is 0."""
    tally: Tally | None = None

    @property
    def is_ranked(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    def cell(self, suite: str) -> Cell | None:
        """Return what it did on a suite."""
        return next((cell for cell in self.cells if cell.suite == suite), None)


class Board(Record):
    """A whole board: ranked models first, the best on top; then the others."""

    format: int = FORMAT
    kind: Kind
    config: BoardConfig
    tunemark: str
    columns: tuple[Column, ...]
    entries: tuple[Entry, ...]
    status: Status
    openness: float
    resolution: float | None
    """The difference in the composite, or in log-strength, that tells two models apart."""
    n_groups: int
    """Independent units of the smallest suite; items of votes."""
    n_raters: int | None = None
    n_votes: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name from the board's file."""
        return self.config.name

    @property
    def ranked(self) -> tuple[Entry, ...]:
        """The models that are ranked, in order."""
        return tuple(entry for entry in self.entries if entry.is_ranked)

    @property
    def unranked(self) -> tuple[Entry, ...]:
        """The models that are only listed."""
        return tuple(entry for entry in self.entries if not entry.is_ranked)

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says."""
        return digest_of(self.model_dump(mode="json"))

    @property
    def has_composite(self) -> bool:
        """Whether weights are declared, and several suites to weigh."""
        return any(entry.composite is not None for entry in self.entries)

    @property
    def has_order(self) -> bool:
        """Whether models have a rank on the whole board."""
        return any(entry.rank is not None for entry in self.entries)


def tied_with_first(board: Board) -> int:
    """Return how many models cannot be told apart from the first, without itself."""
    ranks = [entry.rank for entry in board.ranked if entry.rank is not None]
    return max(0, sum(rank.best == 1 for rank in ranks) - 1)


def status_of(n_groups: int, openness: float) -> Status:
    """Return how much weight a ranking carries.

    "preliminary" below 100 independent units, or where more than half of the order is open;
    "established" from 400 units on with at most a fifth open; "usable" in between.
    """
    if n_groups < FEW or openness > MOSTLY_OPEN:
        return "preliminary"
    if n_groups >= MANY and openness <= MOSTLY_KNOWN:
        return "established"
    return "usable"


FEW, MANY = 100, 400
"""Independent units. 400 show a difference of some 0.1 between proportions of independent models
(80 % power), and of half that between models that agree on most items."""
MOSTLY_OPEN, MOSTLY_KNOWN = 0.5, 0.2
"""Mean width of the rank intervals, over the widest that they could be."""


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
