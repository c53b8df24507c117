"""The rank on the whole board: by declared weights, or by the only suite there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.leaderboard.board import Column, Estimate
from harness.stats.board import Panel, Ranking, rank_jointly, tie_groups
from harness.stats.ranking import Rank, weight_sensitivity


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one model stands on the whole board."""

    rank: Rank | None = None
    tie: int | None = None
    composite: Estimate | None = None
    weight_ranks: Rank | None = None


def place_all(
    columns: Sequence[Column],
    rankings: Mapping[str, Ranking | None],
    panels: Sequence[Panel] | None,
    ranked: Sequence[str],
    seed: int,
) -> tuple[dict[str, Place], Ranking | None]:
    """Return where the ranked models stand, by name, and the ranking behind it.

    Args:
        columns: The board's suites.
        rankings: By suite; the only one is that of the whole board.
        panels: Scaled so that their sum is the composite; None where no weights are declared.
        ranked: Names, in the panels' order.
        seed: Of the bootstrap.
    """
    if len(columns) == 1:
        only = rankings[columns[0].suite]
        if only is None:
            return {}, None
        places = zip(ranked, only.ranks, tie_groups(only.ranks), strict=True)
        return {name: Place(rank=rank, tie=tie) for name, rank, tie in places}, only
    if panels is None:
        return {}, None
    ranking = rank_jointly(panels, seed=seed)
    ties = tie_groups(ranking.ranks)
    weights = [column.weight or 1.0 for column in columns]
    values = np.stack(
        [
            (panel.scale * panel.reduce(panel.stats.sum(axis=1)) + panel.offset) / weight
            for panel, weight in zip(panels, weights, strict=True)
        ],
        axis=1,
    )
    moved = weight_sensitivity(values, weights, seed=seed)
    places = {
        name: Place(
            rank=ranking.ranks[i],
            tie=ties[i],
            composite=Estimate.of(ranking.intervals[i]),
            weight_ranks=moved[i],
        )
        for i, name in enumerate(ranked)
    }
    return places, ranking
