"""Measure stored completions: no model, no tokenizer, and nothing measured twice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import IncomparableError
from harness.goldset.lock import change_since, version_of
from harness.measuring import Work, measure_all
from harness.metrics.base import Item, Metric
from harness.metrics.build import metric_maker
from harness.spec import Spec
from harness.store import RunFolder, append_jsonl, locked, read_lines
from harness.suite import Suite
from harness.types import GoldRecord, Measurement


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
    n_repeats: int = 1
    """Runs whose statistics are summed in it."""

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
    if answered == suite.gold_digest:
        return
    kept = folder.path.resolve().parent.parent / "gold" / f"{answered}.jsonl"
    change = change_since(suite, answered, kept)
    then, now = (
        f"{version_of(suite, digest) or default} ({digest[:12]})"
        for digest, default in (
            (answered, "an unlocked version"),
            (suite.gold_digest, f"{suite.config.version}, not locked"),
        )
    )
    raise IncomparableError(
        f"{folder.path}: was run on another version of the gold set than {suite.file} has now: "
        f"{then}, now {now}{f'; {change} since' if change else ''}. Its scores cannot be compared "
        "with new ones; run it again"
    )


def score_run(
    folder: RunFolder,
    suite: Suite,
    name: str,
    *,
    trusts_code: bool = False,
    baseline: RunFolder | None = None,
    n_workers: int | None = None,
) -> list[Scores]:
    """Measure a run with all metrics of its suite; stored measurements are used again.

    Args:
        folder: The run.
        suite: What it answered.
        name: Of its configuration.
        trusts_code: Whether Python files that the suite names may be run.
        baseline: The run that its answers are compared with by metrics such as win_rate.
        n_workers: Processes; by default as many as there are cores where that pays.
    """
    completions = folder.completions()
    rivals = baseline.completions() if baseline else {}
    against = baseline.path.name if baseline else None
    plans = [
        _plan(folder, suite, spec, trusts_code=trusts_code, baseline=against)
        for spec in suite.metric_specs()
    ]
    # Two spellings of one metric share a file.
    stored = {plan.file: _read(plan.file) for plan in plans}
    items = [
        Item(gold=record, completion=completions[record.id], rival=rivals.get(record.id))
        for record in suite.gold
        if record.id in completions
    ]
    _measure_missing(suite, plans, stored, items, n_workers=n_workers)
    template = str(folder.manifest["identity"].get("template", ""))
    found: list[Scores] = []
    for plan in plans:
        measured = [(r.id, one) for r in plan.planned if (one := stored[plan.file].get(r.id))]
        found.append(
            Scores(
                run=name,
                suite=suite.name,
                metric=plan.metric,
                gold_digest=suite.gold_digest,
                template_digest=template,
                stats={gold_id: one.stats for gold_id, one in measured},
                planned=plan.planned,
                not_extracted=frozenset(i for i, one in measured if not one.is_extracted),
            )
        )
    return found


Stored = dict[str, Measurement]
"""By gold id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What one metric has to measure, and where it is stored."""

    metric: Metric
    build: Callable[[], Metric]
    file: Path
    planned: tuple[GoldRecord, ...]


def _plan(
    folder: RunFolder, suite: Suite, spec: Spec, *, trusts_code: bool, baseline: str | None
) -> _Plan:
    build = metric_maker(suite, spec, trusts_code=trusts_code, runs=folder.root, baseline=baseline)
    metric = build()
    tasks = {name for name, task in suite.config.tasks.items() if spec in task.metrics}
    return _Plan(
        metric=metric,
        build=build,
        file=folder.scores_file(metric.signature, suite.gold_digest),
        planned=tuple(record for record in suite.gold if record.task in tasks),
    )


def _read(file: Path) -> Stored:
    return {
        row["id"]: Measurement(stats=tuple(row["stats"]), is_extracted=row.get("extracted", True))
        for row in read_lines(file)
    }


def _measure_missing(
    suite: Suite,
    plans: Sequence[_Plan],
    stored: Mapping[Path, Stored],
    answered: Sequence[Item],
    *,
    n_workers: int | None,
) -> None:
    """Measure what is not stored yet, and store it."""
    ids = {item.gold.id for item in answered}
    by_file = {plan.file: plan for plan in reversed(plans)}
    missing = {
        file: {
            record.id
            for plan in plans
            if plan.file == file
            for record in plan.planned
            if record.id in ids and record.id not in stored[file]
        }
        for file in by_file
    }
    some = set[str]().union(*missing.values())
    if not some:
        return
    items = [item for item in answered if item.gold.id in some]
    files = [file for file in by_file if missing[file]]
    works = [
        Work(
            metric=by_file[file].metric,
            build=by_file[file].build,
            wanted=[n for n, item in enumerate(items) if item.gold.id in missing[file]],
        )
        for file in files
    ]
    with ExitStack() as stack:
        stack.enter_context(locked(files[0].parent))
        writers = [stack.enter_context(append_jsonl(file)) for file in files]
        batches = stack.enter_context(
            closing(measure_all(items, works, n_workers=n_workers, label=f"scoring {suite.name}"))
        )
        for batch in batches:
            ids = [items[position].gold.id for position in batch.wanted]
            new = {
                gold_id: one
                for gold_id, one in zip(ids, batch.measured, strict=True)
                if one is not None
            }
            stored[files[batch.work]].update(new)
            writers[batch.work].write_all(_rows(new, works[batch.work].metric))


def _rows(new: Stored, metric: Metric) -> list[dict[str, object]]:
    """Return lines: the statistics, and the item's own value for whoever only shows it."""
    if not new:
        return []
    values = metric.reduce(np.asarray([one.stats for one in new.values()])).tolist()
    rows: list[dict[str, object]] = []
    for (gold_id, one), value in zip(new.items(), values, strict=True):
        shown = value if math.isfinite(value) else None
        row: dict[str, object] = {"id": gold_id, "value": shown, "stats": list(one.stats)}
        rows.append(row if one.is_extracted else {**row, "extracted": False})
    return rows
