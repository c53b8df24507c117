"""Measure stored completions: no model, no tokenizer, and nothing measured twice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.errors import IncomparableError
from harness.metrics.base import Item, Metric
from harness.metrics.build import metric_of
from harness.store import RunFolder, append_jsonl, locked, read_lines
from harness.suite import Suite
from harness.types import Completion, GoldRecord, Measurement

CHUNK = 1000
"""Items that are measured between two writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One metric on one run."""

    run: str
    """Configuration name."""
    suite: str
    metric: Metric
    gold_digest: str
    template_digest: str
    stats: dict[str, tuple[float, ...]]
    """Statistics of each scored item, by gold id."""
    planned: tuple[GoldRecord, ...]
    """The gold items that this metric applies to."""
    not_extracted: frozenset[str] = frozenset()
    """Scored items in whose text no answer was found: they count as wrong."""

    @property
    def coverage(self) -> float:
        """Share of planned items that are scored."""
        return len(self.stats) / len(self.planned)

    def value(self) -> float | None:
        """Return the metric over all scored items, or None when there is none."""
        if not self.stats:
            return None
        return float(self.metric.reduce(self.matrix(list(self.stats)).sum(axis=0)))

    def item_scores(self) -> dict[str, float]:
        """Return each item's own value, by gold id."""
        if not self.stats:
            return {}
        values = self.metric.reduce(self.matrix(list(self.stats)))
        return dict(zip(self.stats, values.tolist(), strict=True))

    def without(self, gold_ids: frozenset[str]) -> Scores:
        """Return the scores as if the named items had not been planned."""
        return self.only(frozenset(record.id for record in self.planned) - gold_ids)

    def only(self, gold_ids: frozenset[str]) -> Scores:
        """Return the scores as if only the named items had been planned."""
        return replace(
            self,
            planned=tuple(record for record in self.planned if record.id in gold_ids),
            stats={key: value for key, value in self.stats.items() if key in gold_ids},
            not_extracted=self.not_extracted & gold_ids,
        )

    def matrix(self, gold_ids: list[str]) -> NDArray[np.float64]:
        """Return the statistics of the given items, [n, k]."""
        return np.asarray([self.stats[gold_id] for gold_id in gold_ids], dtype=np.float64)


def refuse_other_gold(folder: RunFolder, suite: Suite) -> None:
    """Check that a run answered the gold set that its suite has now.

    Raises:
        IncomparableError: it answered another version.
    """
    answered = str(folder.manifest["identity"].get("gold"))
    if answered != suite.gold_digest:
        raise IncomparableError(
            f"{folder.path}: was run on another version of the gold set than {suite.file} has "
            f"now ({answered[:12]} and {suite.gold_digest[:12]}); run it again"
        )


def score_run(
    folder: RunFolder, suite: Suite, name: str, *, trusts_code: bool = False
) -> list[Scores]:
    """Measure a run with all metrics of its suite; stored measurements are used again."""
    completions = folder.completions()
    template = str(folder.manifest["identity"].get("template", ""))
    found: list[Scores] = []
    for spec in suite.metric_specs():
        metric = metric_of(suite, spec, trusts_code=trusts_code)
        planned = tuple(
            record for record in suite.gold if spec in suite.config.tasks[record.task].metrics
        )
        stored = _measured(folder, suite, metric, planned, completions)
        found.append(
            Scores(
                run=name,
                suite=suite.name,
                metric=metric,
                gold_digest=suite.gold_digest,
                template_digest=template,
                stats={r.id: stored[r.id].stats for r in planned if r.id in stored},
                planned=planned,
                not_extracted=frozenset(
                    r.id for r in planned if r.id in stored and not stored[r.id].is_extracted
                ),
            )
        )
    return found


def _measured(
    folder: RunFolder,
    suite: Suite,
    metric: Metric,
    planned: Sequence[GoldRecord],
    completions: Mapping[str, Completion],
) -> dict[str, Measurement]:
    """Return the measurements by gold id, taking those that are missing."""
    file = folder.scores_file(metric.signature, suite.gold_digest)
    stored = {
        row["id"]: Measurement(stats=tuple(row["stats"]), is_extracted=row.get("extracted", True))
        for row in read_lines(file)
    }
    missing = [r for r in planned if r.id in completions and r.id not in stored]
    if not missing:
        return stored
    with locked(file.parent), append_jsonl(file) as writer:
        for start in range(0, len(missing), CHUNK):
            records = missing[start : start + CHUNK]
            items = [Item(gold=r, completion=completions[r.id]) for r in records]
            for record, one in zip(records, metric.measure(items), strict=True):
                if one is not None:
                    stored[record.id] = one
                    writer.write(_row(record.id, one, metric))
    return stored


def _row(gold_id: str, one: Measurement, metric: Metric) -> dict[str, object]:
    """Return a line: the statistics, and the item's own value for whoever only shows it."""
    value = float(metric.reduce(np.asarray(one.stats)))
    shown = value if math.isfinite(value) else None
    row: dict[str, object] = {"id": gold_id, "value": shown, "stats": list(one.stats)}
    return row if one.is_extracted else {**row, "extracted": False}
