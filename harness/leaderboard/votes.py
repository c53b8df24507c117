"""Make a board from pairwise votes: who was preferred, item by item and rater by rater."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from harness import __version__
from harness.config import read_jsonl, validate_row
from harness.digest import file_digest
from harness.errors import DataError, IncomparableError
from harness.leaderboard.board import Board, Column, Entry, Estimate, Status, Tally, status_of
from harness.leaderboard.columns import bound
from harness.leaderboard.config import BoardConfig
from harness.stats.board import openness, tie_groups
from harness.stats.ranking import met_groups
from harness.stats.votes import Strengths, Votes, strengths
from harness.types import Record

SCORES = {"a": 1.0, "tie": 0.5, "b": 0.0}
FEW_RATERS = 5
"""With fewer raters a board stays preliminary: they do not stand for raters in general."""
SUITE = "votes"
"""How the only column is called."""


class Vote(Record):
    """One line of a votes file."""

    item: str
    rater: str
    a: str = Field(min_length=1)
    b: str = Field(min_length=1)
    winner: Literal["a", "b", "tie"]

    @model_validator(mode="after")
    def _has_two_sides(self) -> Vote:
        if self.a == self.b:
            raise ValueError(f"{self.a!r} is compared with itself")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ballot:
    """All votes by number, and the names behind the numbers."""

    votes: Votes
    names: tuple[str, ...]
    n_items: int
    n_raters: int


def votes_board(config: BoardConfig, base: Path, *, seed: int = 12345) -> Board:
    """Fit Bradley–Terry to a board's votes file and rank the models.

    Args:
        config: What the board asks for; of votes.
        base: Where its paths start.
        seed: Of the bootstrap.

    Raises:
        DataError: a line of the file is malformed.
        IncomparableError: models that never met, directly or through others.
    """
    assert config.votes is not None, f"{config.name} is not a board of votes"
    file = base / config.votes
    ballot = _number(read_votes(file))
    _refuse_separate(ballot, file)
    found = strengths(ballot.votes, ridge=config.ridge, seed=seed)
    order = sorted(
        range(len(ballot.names)), key=lambda i: (-found.intervals[i].value, ballot.names[i])
    )
    open_share = openness(found.ranks)
    status = _status(ballot, open_share)
    resolution = bound(found.resolution)
    return Board(
        kind="votes",
        config=config,
        tunemark=__version__,
        columns=(_column(config, ballot, file, status, open_share, resolution),),
        entries=tuple(_entry(config, ballot, found, order, i) for i in order),
        status=status,
        openness=open_share,
        resolution=resolution,
        n_groups=ballot.n_items,
        n_raters=ballot.n_raters,
        n_votes=len(ballot.votes.item),
    )


def read_votes(file: Path) -> list[Vote]:
    """Read a votes file.

    Raises:
        DataError: it is missing or empty, or a line is malformed; with its line.
    """
    rows = [validate_row(line, file, Vote, DataError) for line in read_jsonl(file, DataError)]
    if not rows:
        raise DataError(f"{file}: no votes in this file")
    return rows


def _number(rows: Sequence[Vote]) -> _Ballot:
    names = sorted({row.a for row in rows} | {row.b for row in rows})
    items = list(dict.fromkeys(row.item for row in rows))
    raters = list(dict.fromkeys(row.rater for row in rows))
    number = {name: i for i, name in enumerate(names)}
    item, rater = ({name: i for i, name in enumerate(found)} for found in (items, raters))
    return _Ballot(
        votes=Votes(
            item=np.asarray([item[row.item] for row in rows]),
            rater=np.asarray([rater[row.rater] for row in rows]),
            first=np.asarray([number[row.a] for row in rows]),
            second=np.asarray([number[row.b] for row in rows]),
            score=np.asarray([SCORES[row.winner] for row in rows]),
            n_systems=len(names),
        ),
        names=tuple(names),
        n_items=len(items),
        n_raters=len(raters),
    )


def _refuse_separate(ballot: _Ballot, file: Path) -> None:
    groups = met_groups(ballot.votes.wins())
    if len(groups) > 1:
        named = "; ".join(", ".join(ballot.names[i] for i in group) for group in groups)
        raise IncomparableError(
            f"{file}: the models fall into {len(groups)} groups that never met, so they have no "
            f"common scale: {named}. Collect votes between the groups, or make a board of each"
        )


def _status(ballot: _Ballot, open_share: float) -> Status:
    return "preliminary" if ballot.n_raters < FEW_RATERS else status_of(ballot.n_items, open_share)


def _column(
    config: BoardConfig,
    ballot: _Ballot,
    file: Path,
    status: Status,
    open_share: float,
    resolution: float | None,
) -> Column:
    return Column(
        suite=SUITE,
        version="",
        language="",
        metric="bradley_terry",
        signature=f"bradley_terry@1|ridge:{config.ridge:g}|ties:half|boot:items-by-raters",
        gold_digest=file_digest(file),
        template_digest=None,
        n_items=ballot.n_items,
        n_groups=ballot.n_items,
        better="higher",
        low=None,
        high=None,
        is_binary=False,
        weight=None,
        status=status,
        openness=open_share,
        resolution=resolution,
    )


def _entry(
    config: BoardConfig, ballot: _Ballot, found: Strengths, order: Sequence[int], i: int
) -> Entry:
    name = ballot.names[i]
    return Entry(
        name=name,
        hub_id=config.models.get(name),
        model=name,
        rank=found.ranks[i],
        tie=tie_groups(found.ranks)[i],
        strength=Estimate.of(found.intervals[i]),
        tally=_tally(ballot.votes, found, order, i),
    )


def _tally(votes: Votes, found: Strengths, order: Sequence[int], i: int) -> Tally:
    own = np.where(votes.first == i, votes.score, 1 - votes.score)
    own = own[(votes.first == i) | (votes.second == i)]
    gap = found.intervals[i].value - found.intervals[order[0]].value
    return Tally(
        wins=int((own == 1).sum()),
        ties=int((own == SCORES["tie"]).sum()),
        losses=int((own == 0).sum()),
        beaten=tuple(votes.wins()[i, list(order)].tolist()),
        out_of_ten=float(10 / (1 + np.exp(-gap))),
    )
