"""Make a board from stored runs: find them, score them, rank them, and put them in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from harness import __version__
from harness.leaderboard.board import Board, Cell, Column, Entry, Estimate, status_of
from harness.leaderboard.collect import Candidate, Leaks, candidates, find_runs, known_leaks
from harness.leaderboard.columns import (
    bound,
    columns_of,
    composite_panels,
    rank_suites,
    scaled,
)
from harness.leaderboard.config import BoardConfig
from harness.leaderboard.measure import Measured, Measurements, measure
from harness.leaderboard.overall import Place, place_all
from harness.leaderboard.suites import load_suites
from harness.stats.board import Ranking, openness
from harness.stats.ranking import mean_win_rate

Rankings = Mapping[str, Ranking | None]
"""By suite."""


def make_board(
    config: BoardConfig,
    base: Path,
    *,
    trusts_code: bool = False,
    seed: int = 12345,
    say: Callable[[str], None] = lambda _: None,
) -> Board:
    """Score the runs that a board names, where that is not stored yet, and rank the models.

    Args:
        config: What the board asks for; of scores, not of votes.
        base: Where its paths start.
        trusts_code: Whether Python files that a suite names may be run.
        seed: Of the bootstrap.
        say: Told what is being scored.

    Raises:
        InputError: a suite, metric or run that is not there.
        StoreError: a run is damaged.
    """
    names, load = load_suites(config, base)
    runs = find_runs(config.runs, base, names)
    suites, notes = load(runs)
    models, leaks = candidates(runs), known_leaks(runs)
    found = measure(config, suites, models, leaks, trusts_code=trusts_code, seed=seed, say=say)
    rankings = rank_suites(found, seed)
    columns = columns_of(found, rankings)
    places, overall = place_all(columns, rankings, composite_panels(found), found.ranked, seed)
    entries = [_entry(model, config, found, rankings, places, leaks) for model in models]
    notes = [*notes, *leaks.notes, *_older(models)]
    return _assemble(config, columns, entries, overall, notes)


def _entry(
    model: Candidate,
    config: BoardConfig,
    found: Measurements,
    rankings: Rankings,
    places: Mapping[str, Place],
    leaks: Leaks,
) -> Entry:
    ranked = found.ranked
    position = ranked.index(model.name) if model.name in ranked else None
    own = {suite: found.cells.get((model.name, suite)) for suite in found.suites}
    cells = [
        _cell(suite, one, rankings[suite], position)
        for suite, one in own.items()
        if one is not None
    ]
    leaked = [leaks.by_run.get(one.run.folder.path.resolve()) for one in own.values() if one]
    known = [n for n in leaked if n is not None]
    place = places.get(model.name, Place())
    provenance, identity = model.first.provenance, model.first.identity
    return Entry(
        name=model.name,
        hub_id=config.models.get(model.name),
        model=str(provenance.get("model", "")),
        model_digest=identity.get("model"),
        adapter_digest=identity.get("adapter"),
        template=str(provenance.get("template", "")),
        engine=str(identity.get("engine", "")),
        dtype=str(identity.get("dtype", "")),
        temperature=identity.get("temperature"),
        seed=identity.get("seed"),
        leaked=sum(known) if len(known) == len(leaked) else None,
        reasons=tuple(found.reasons[model.name]),
        cells=tuple(cells),
        rank=place.rank,
        tie=place.tie,
        composite=place.composite,
        mean=_mean([cell.scaled for cell in cells]) if len(cells) == len(own) else None,
        win_rate=_win_rate(rankings, position),
        weight_ranks=place.weight_ranks,
    )


def _cell(suite: str, one: Measured, ranking: Ranking | None, position: int | None) -> Cell:
    found, scores = one.estimate, one.scores
    interval = found.interval if found else None
    return Cell(
        suite=suite,
        run=one.run.folder.path.name,
        value=Estimate.of(interval) if interval else None,
        method=found.method if found else "",
        scaled=scaled(interval.value, scores.metric.scale) if interval and scores else None,
        n=len(scores.stats) if scores else 0,
        rank=ranking.ranks[position] if ranking and position is not None else None,
        created=one.run.created,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _win_rate(rankings: Rankings, position: int | None) -> float | None:
    known = [ranking for ranking in rankings.values() if ranking is not None]
    if position is None or len(known) < len(rankings):
        return None
    values = np.asarray([[i.value for i in ranking.intervals] for ranking in known]).T
    return float(mean_win_rate(values)[position]) if len(values) > 1 else None


def _older(models: Sequence[Candidate]) -> list[str]:
    n = sum(len(runs) - 1 for model in models for runs in model.runs.values())
    return [f"older runs of the same models, not used: {n}"] if n else []


def _assemble(
    config: BoardConfig,
    columns: Sequence[Column],
    entries: Sequence[Entry],
    overall: Ranking | None,
    notes: Sequence[str],
) -> Board:
    n_groups = min(column.n_groups for column in columns)
    alone = columns[0] if len(columns) == 1 else None
    if overall is not None:
        open_share, resolution = openness(overall.ranks), bound(overall.resolution)
    elif alone is not None:
        open_share, resolution = alone.openness, alone.resolution
    else:
        open_share, resolution = max(column.openness for column in columns), None
    return Board(
        kind="scores",
        config=config,
        tunemark=__version__,
        columns=tuple(columns),
        entries=tuple(sorted(entries, key=lambda entry: _order(entry, columns))),
        status=status_of(n_groups, open_share),
        openness=open_share,
        resolution=resolution,
        n_groups=n_groups,
        notes=tuple(notes),
    )


def _order(entry: Entry, columns: Sequence[Column]) -> tuple[bool, float, str]:
    """Sort by the composite, the only suite or the mean; by name where these are level."""
    if entry.composite is not None:
        value: float | None = entry.composite.value
    elif len(columns) == 1:
        cell = entry.cell(columns[0].suite)
        value = cell.value.value if cell and cell.value else None
        if value is not None and columns[0].better == "lower":
            value = -value
    else:
        value = entry.mean
    return (not entry.is_ranked, -value if value is not None else math.inf, entry.name)
