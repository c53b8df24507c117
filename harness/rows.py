"""Files of plain rows as sides of a comparison: predictions to be scored, or ready scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.compare.sides import Side, side_of
from harness.errors import IncomparableError, InputError, PredictionsError
from harness.importers.base import Prediction, Predictions
from harness.importers.read import predictions_of, read_rows
from harness.importers.scores import SCORE, ReadyScore, is_ready, read_scores
from harness.metrics.base import MeanMetric, Scale
from harness.metrics.labels import labels_of
from harness.plain import (
    TASK,
    default_metrics,
    gold_of,
    language_of,
    score_predictions,
    with_groups,
)
from harness.scoring import Scores
from harness.spec import parse_specs
from harness.suite import Language
from harness.types import GoldRecord

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files of rows are to be read and measured."""

    metrics: str | None = None
    """Specs by commas; None: what fits the rows."""
    language: Language | None = None
    """None: told from the characters of the first file."""
    extract: str = ""
    """Steps by commas."""
    labels: tuple[str, ...] = ()
    format: str = "auto"
    better: Better = "higher"
    """Of ready scores."""
    trusts_code: bool = False
    """Whether Python files that a metric names may be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The files as sides of a comparison, in order, and what was assumed."""

    sides: tuple[Side, ...]
    notes: tuple[str, ...]


def sides_of_files(paths: Sequence[Path], reading: Reading) -> Sides:
    """Return the files as sides, the first one's references standing in for missing ones.

    The items are all ids of all files: one that a file lacks is missing there, and counted.

    Raises:
        PredictionsError: a file cannot be read as such; naming file and line.
        IncomparableError: an item has one reference here and another there, or no id is shared.
    """
    rows = [read_rows(path) for path in paths]
    ready = [is_ready(one) for one in rows]
    if any(ready) and not all(ready):
        raise InputError(
            f"{paths[ready.index(True)]} has ready scores, {paths[ready.index(False)]} has "
            "predictions; give files of one kind"
        )
    names = _names(paths)
    if all(ready):
        if reading.metrics is not None:
            raise InputError("--metrics is for predictions; these files have ready scores")
        return _ready([read_scores(one) for one in rows], names, reading.better)
    found = [
        predictions_of(one, path, format=reading.format)
        for one, path in zip(rows, paths, strict=True)
    ]
    return _predicted(found, paths, names, reading)


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the files' stems, or their whole paths where two have the same."""
    stems = [path.stem for path in paths]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in paths]


def _ready(files: Sequence[Sequence[ReadyScore]], names: Sequence[str], better: Better) -> Sides:
    gold: dict[str, GoldRecord] = {}
    for row in (row for rows in files for row in rows):
        known = gold.get(row.id)
        gold[row.id] = GoldRecord(
            id=row.id,
            task=TASK,
            input="",
            cluster=(known.cluster if known else None) or row.cluster,
            slices={**row.slices, **(known.slices if known else {})},
        )
    values = [row.score for rows in files for row in rows if row.score is not None]
    is_binary = bool(values) and set(values) <= {0.0, 1.0}
    scale = Scale(
        low=0.0 if is_binary else -math.inf,
        high=1.0 if is_binary else math.inf,
        better=better,
        is_binary=is_binary,
    )
    metric = MeanMetric(
        name=SCORE, signature=f"{SCORE}@1|given", score=lambda *_: None, scale=scale
    )
    planned = tuple(gold.values())
    ids = [{row.id for row in rows} for rows in files]
    _refuse_strangers(names, ids)
    sides = [
        side_of(
            name,
            [
                [
                    Scores(
                        run=name,
                        suite=TASK,
                        metric=metric,
                        gold_digest="",
                        template_digest="",
                        stats={r.id: (r.score, 1.0) for r in rows if r.score is not None},
                        planned=planned,
                    )
                ]
            ],
        )
        for name, rows in zip(names, files, strict=True)
    ]
    kind = "all are 0 or 1" if is_binary else "not all are 0 or 1"
    counts = _coverage(names, ids, len(planned))
    return Sides(sides=tuple(sides), notes=(f"ready scores: {kind}", *counts))


def _predicted(
    files: Sequence[Predictions], paths: Sequence[Path], names: Sequence[str], reading: Reading
) -> Sides:
    _refuse_by_order(files, paths)
    _refuse_strangers(names, [{row.id for row in found.rows} for found in files])
    items = _items([row for found in files for row in found.rows])
    gold = tuple(gold_of(row) for row in items.values())
    full = [
        replace(found, rows=tuple(_with_gold(row, items[row.id]) for row in found.rows))
        for found in files
    ]
    language = reading.language or language_of(full[0])
    specs = with_groups(parse_specs(reading.metrics or default_metrics(full[0])))
    if not specs:
        raise InputError("--metrics names no metric; see the table in README")
    labels = reading.labels or labels_of(gold)
    sides: list[Side] = []
    for found, path, name in zip(full, paths, names, strict=True):
        scored = score_predictions(
            found,
            path,
            specs,
            language=language,
            extract=parse_specs(reading.extract),
            labels=labels,
            trusts_code=reading.trusts_code,
        )
        sides.append(side_of(name, [[replace(one, planned=gold) for one in scored]]))
    notes = [note for found in files for note in found.notes]
    if reading.language is None:
        notes.append(f"language: {language}, by its characters (--language decides)")
    alone = sum(not (row.references or row.choices) for row in items.values())
    if alone:
        notes.append(f"{alone} items have no reference in any file: they are not scored")
    answered = [{row.id for row in found.rows if row.text is not None} for found in files]
    return Sides(sides=tuple(sides), notes=(*notes, *_coverage(names, answered, len(gold))))


def _refuse_by_order(files: Sequence[Predictions], paths: Sequence[Path]) -> None:
    """Rows without ids are joined by their numbers, which needs equally many."""
    for found, path in zip(files, paths, strict=True):
        is_alike = len(found.rows) == len(files[0].rows)
        if found.has_own_ids != files[0].has_own_ids or not (found.has_own_ids or is_alike):
            raise PredictionsError(
                f"{paths[0]} and {path} cannot be joined: rows without an id are joined by their "
                f"order, and there are {len(files[0].rows)} and {len(found.rows)} of them"
                f"{' (one file has ids)' if is_alike else ''}; add a column `id` to both"
            )


def _refuse_strangers(names: Sequence[str], ids: Sequence[set[str]]) -> None:
    for name, own in zip(names[1:], ids[1:], strict=True):
        if not own & ids[0]:
            raise IncomparableError(
                f"{names[0]} and {name} share no id: they have {min(ids[0])!r} and "
                f"{min(own)!r}, for example; give both files the ids of the same items"
            )


def _items(rows: Sequence[Prediction]) -> Mapping[str, Prediction]:
    """Return what is known of each item from all files together."""
    items: dict[str, Prediction] = {}
    for row in rows:
        known = items.get(row.id)
        items[row.id] = row if known is None else _joined(known, row)
    return items


def _joined(known: Prediction, row: Prediction) -> Prediction:
    for what, ours, theirs in (
        ("references", known.references, row.references),
        ("choices", known.choices, row.choices),
        ("answer", known.answer, row.answer),
        ("cluster", known.cluster, row.cluster),
    ):
        if ours not in (None, ()) and theirs not in (None, ()) and ours != theirs:
            raise IncomparableError(
                f"{row.where}: item {row.id!r} has other {what} than at {known.where}: "
                f"{theirs!r} and {ours!r}; both must have answered the same item"
            )
    return replace(
        known,
        references=known.references or row.references,
        choices=known.choices or row.choices,
        answer=row.answer if known.answer is None else known.answer,
        cluster=known.cluster or row.cluster,
        slices={**row.slices, **known.slices},
    )


def _with_gold(row: Prediction, item: Prediction) -> Prediction:
    return replace(
        row,
        references=item.references,
        choices=item.choices,
        answer=item.answer,
        cluster=item.cluster,
        slices=item.slices,
    )


def _coverage(names: Sequence[str], answered: Sequence[set[str]], n_planned: int) -> list[str]:
    """Say how many items each file has, where it is not all of them."""
    return [
        f"{name}: {len(ids)} of {n_planned} items ({n_planned - len(ids)} missing)"
        for name, ids in zip(names, answered, strict=True)
        if len(ids) < n_planned
    ]
