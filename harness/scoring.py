"""Measure stored completions: no model, no tokenizer, and nothing measured twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import IncomparableError
from harness.metrics.base import Metric, build_metric, metric_key
from harness.store import RunFolder, append_jsonl, locked, read_lines
from harness.suite import Suite
from harness.types import GoldRecord


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


def score_run(folder: RunFolder, suite: Suite, name: str) -> list[Scores]:
    """Measure a run with all metrics of its suite; stored measurements are used again."""
    manifest = folder.manifest["identity"]
    completions = folder.completions()
    all_scores: list[Scores] = []
    for metric_name in suite.metrics():
        metric = build_metric(metric_name, suite.config.language)
        planned = tuple(
            record
            for record in suite.gold
            if metric_name in suite.config.tasks[record.task].metrics
        )
        file = folder.scores_file(
            metric.signature.split("|")[0], metric_key(metric, suite.gold_digest)
        )
        stored = {row["id"]: tuple(row["stats"]) for row in read_lines(file)}
        missing = [r for r in planned if r.id in completions and r.id not in stored]
        if missing:
            with locked(file.parent), append_jsonl(file) as writer:
                for record in missing:
                    measurement = metric.measure(record, completions[record.id])
                    if measurement is not None:
                        stored[record.id] = measurement.stats
                        writer.write({"id": record.id, "stats": list(measurement.stats)})
        all_scores.append(
            Scores(
                run=name,
                suite=suite.name,
                metric=metric,
                gold_digest=suite.gold_digest,
                template_digest=str(manifest.get("template", "")),
                stats={r.id: stored[r.id] for r in planned if r.id in stored},
                planned=planned,
            )
        )
    return all_scores
