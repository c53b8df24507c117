"""Ready scores, one item each: `{id, score[, cluster, slices]}` in the formats of plain rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import PredictionsError
from harness.importers.base import text_of
from harness.importers.plain import COLUMNS, slices_of
from harness.sources.layouts import Row

SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyScore:
    """What somebody else measured on one item."""

    where: str
    """File and line, for messages."""
    id: str
    score: float | None
    """None: not scored, which is not the same as 0."""
    cluster: str | None
    slices: Mapping[str, str]


def is_ready(rows: Sequence[Row]) -> bool:
    """Tell whether rows hold scores and no predictions."""
    names = set(rows[0].value)
    return SCORE in names and not names & set(COLUMNS["prediction"])


def read_scores(rows: Sequence[Row]) -> list[ReadyScore]:
    """Return the scores of rows.

    Raises:
        PredictionsError: a row without id or with one that stands there twice; a score that is
            no number; naming file and line.
    """
    found: dict[str, ReadyScore] = {}
    for row in rows:
        given = next((row.value[n] for n in COLUMNS["id"] if row.value.get(n) is not None), None)
        if given is None:
            raise PredictionsError(
                f"{row.where}: no id; scores are joined by it: add a column `id`"
            )
        name = text_of(given, row.where, "id")
        if name in found:
            raise PredictionsError(
                f"{row.where}: id {name!r} appears twice (first at {found[name].where}); one "
                "score per item can be compared"
            )
        cluster = next((row.value[n] for n in COLUMNS["cluster"] if row.value.get(n)), None)
        found[name] = ReadyScore(
            where=row.where,
            id=name,
            score=_number(row.value.get(SCORE), row.where),
            cluster=None if cluster is None else text_of(cluster, row.where, "cluster"),
            slices=slices_of(row.value.get("slices"), row.where),
        )
    return list(found.values())


def _number(value: Any, where: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise PredictionsError(
            f"{where}: score: expected a number, got {str(value)[:60]!r}; leave it empty (null) "
            "where there is none"
        )
    return number
