"""Run a study: train what is not trained, run what is not run, compare everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.advice import advise
from harness.children import run_child
from harness.compare import Comparison, compare, correct_for_many
from harness.errors import HarnessError, InputError, RunError
from harness.evaluate import evaluate_apart
from harness.judge import judge_missing
from harness.leaks import FoundLeak, leak_warnings, study_leaks
from harness.lints import refuse_unservable, training_notes
from harness.preflight import check_suite
from harness.remarks import remarks
from harness.result import CellResult, StudyResult, SuiteResult, VariantResult
from harness.runner import Cell, folder_of, missing_items
from harness.scoring import Scores, score_run
from harness.store import RunFolder, keep_gold, locked
from harness.study import Study, Variant
from harness.suite import Suite
from harness.training import PlannedTraining

Say = Callable[[str], None]


@dataclass(slots=True)
class _Progress:
    """What has gone wrong so far."""

    failures: dict[str, str] = field(default_factory=dict[str, str])
    notes: list[str] = field(default_factory=list[str])
    """For the result's warnings."""


def run_study(study: Study, *, say: Say) -> StudyResult:
    """Do what is missing and return the result, which is also stored in the study's folder.

    A configuration that fails is recorded and the others go on.

    Raises:
        InputError: a suite has a metric or a prompt that cannot work, or an adapter could not be
            served; nothing was run.
        HarnessError: the baseline could not be evaluated.
    """
    for suite in study.suites:
        check_suite(suite, study.serving.model, trusts_code=study.trusts_code)
    refuse_unservable(study)
    with locked(study.folder):
        progress = _Progress()
        for variant in study.variants:
            _train(study, variant, progress, say)
        _evaluate(study, progress, say)
        _judge(study, progress, say)
        result = summarise(study, progress.failures, progress.notes)
        result.save(study.folder)
    return result


def summarise(
    study: Study, failures: dict[str, str] | None = None, notes: Sequence[str] = ()
) -> StudyResult:
    """Score and compare what is there; no model is loaded."""
    failures = failures or {}
    variants: list[VariantResult] = []
    before = [folder_of(cell, study.serving, study.root) for cell in study.cells(None)]
    scores: dict[str, list[Scores]] = {}
    for variant in (None, *study.variants):
        name = variant.name if variant else study.config.baseline
        if name in failures:
            variants.append(VariantResult(name=name, status="failed", failure=failures[name]))
            continue
        cells = study.cells(variant)
        folders = [folder_of(cell, study.serving, study.root) for cell in cells]
        scores[name] = [
            score
            for cell, folder, baseline in zip(cells, folders, before, strict=True)
            for score in score_run(
                folder, cell.suite, name, trusts_code=study.trusts_code, baseline=baseline
            )
        ]
        variants.append(_variant_result(study, variant, cells, folders))
    comparisons = _compare_all(study, scores, study.suites)
    leaks = {suite.name: study_leaks(study, suite) for suite in study.suites}
    return StudyResult(
        name=study.config.name,
        description=study.config.description,
        model=study.serving.model.name,
        template=study.serving.template.name,
        engine=study.serving.engine,
        baseline=study.config.baseline,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        suites=tuple(_suite_result(study, suite, leaks[suite.name]) for suite in study.suites),
        variants=tuple(variants),
        comparisons=tuple(comparisons),
        clean=tuple(_compare_clean(study, scores, leaks)),
        advice=tuple(advise(comparisons, study.roles, baseline=study.config.baseline)),
        warnings=(*notes, *remarks(study, variants, leaks, scores)),
    )


def missing_cells(study: Study, variant: Variant | None) -> list[Cell]:
    """Return a variant's cells that lack completions."""
    cells = study.cells(variant)
    return [cell for cell in cells if missing_items(cell, study.serving, study.root)]


def _train(study: Study, variant: Variant, progress: _Progress, say: Say) -> None:
    training = variant.training
    if training is None or training.is_complete:
        return
    for warning in (*leak_warnings(study, variant), *training_notes(study, variant)):
        say(warning)
    say(f"Training {variant.name}: {training.n_rows} rows, about {training.n_tokens:,} tokens")
    training.prepare()
    what = f"training {variant.name}"
    try:
        run_child(training.command(), folder=training.folder.path, what=what)
    except RunError as error:
        progress.failures[variant.name] = str(error)
        say(f"FAILED {error}; going on with the others")


def _evaluate(study: Study, progress: _Progress, say: Say) -> None:
    """Run all missing cells from one engine; if that fails, each configuration by itself."""
    ready: list[Variant | None] = [None]
    ready += [variant for variant in study.variants if variant.name not in progress.failures]
    todo: dict[str, list[Cell]] = {}
    for variant in ready:
        name = variant.name if variant else study.config.baseline
        try:
            todo[name] = missing_cells(study, variant)
        except InputError as error:
            progress.failures[name] = str(error)
    cells = [cell for group in todo.values() for cell in group]
    if not cells:
        return
    n_variants = len({cell.name for cell in cells})
    say(f"Evaluating {n_variants} configurations with {study.serving.engine}, one base model")
    try:
        _run_apart(study, cells, f"evaluating {n_variants} configurations")
    except HarnessError as error:
        if n_variants == 1:
            _record(progress, study, next(iter(todo)), error, say)
            return
        say(f"FAILED {error}; trying each configuration by itself")
        for name, group in todo.items():
            left = [cell for cell in group if missing_items(cell, study.serving, study.root)]
            if left:
                try:
                    _run_apart(study, left, f"evaluating {name}")
                except HarnessError as fault:
                    _record(progress, study, name, fault, say)


def _judge(study: Study, progress: _Progress, say: Say) -> None:
    """Have the suites' judges judge what they have not judged; a failure leaves it unscored."""
    variants: list[Variant | None] = [None]
    variants += [variant for variant in study.variants if variant.name not in progress.failures]
    cells = [cell for variant in variants for cell in study.cells(variant)]
    for suite in study.suites:
        if suite.config.judges:
            mine = [cell for cell in cells if cell.suite is suite]
            runs = [folder_of(cell, study.serving, study.root) for cell in mine]
            try:
                judge_missing(suite, runs, folder=study.folder, say=say)
            except HarnessError as error:
                progress.notes.append(f"{suite.name} was not judged: {error}")
                say(f"FAILED {error}; going on without the judge")


def _run_apart(study: Study, cells: Sequence[Cell], what: str) -> None:
    evaluate_apart(cells, study.serving, study.root, folder=study.folder, what=what)


def _record(progress: _Progress, study: Study, name: str, error: HarnessError, say: Say) -> None:
    if name == study.config.baseline:
        raise error
    progress.failures[name] = str(error)
    say(f"FAILED {error}")


def _compare_clean(
    study: Study,
    scores: Mapping[str, list[Scores]],
    leaks: Mapping[str, tuple[FoundLeak, ...]],
) -> list[Comparison]:
    """Compare again without the gold items that training has seen, where there are such."""
    suites: list[Suite] = []
    clean: dict[str, list[Scores]] = {name: [] for name in scores}
    for suite in study.suites:
        seen = frozenset(found.leak.gold_id for found in leaks[suite.name])
        if not seen or len(seen) == len(suite.gold):
            continue
        suites.append(suite)
        for name, group in scores.items():
            clean[name].extend(s.without(seen) for s in group if s.suite == suite.name)
    return _compare_all(study, clean, suites)


def _compare_all(
    study: Study, scores: Mapping[str, list[Scores]], suites: Sequence[Suite]
) -> list[Comparison]:
    margins = {(p.suite, p.metric): p.margin for p in study.config.primary}
    before = {(s.suite, s.metric.name): s for s in scores[study.config.baseline]}
    found: list[Comparison] = []
    for suite in suites:
        for metric in suite.metrics():
            for name, group in scores.items():
                if name == study.config.baseline:
                    continue
                after = next(s for s in group if (s.suite, s.metric.name) == (suite.name, metric))
                key = (suite.name, metric)
                if not (before[key].stats and after.stats):
                    continue  # a judge that has not judged: among the warnings
                found.append(
                    compare(
                        before[key],
                        after,
                        is_primary=key in margins,
                        margin=margins.get(key, 0.0),
                    )
                )
    return correct_for_many(found)


def _variant_result(
    study: Study, variant: Variant | None, cells: Sequence[Cell], folders: Sequence[RunFolder]
) -> VariantResult:
    results = tuple(
        _cell_result(study.root, cell, folder) for cell, folder in zip(cells, folders, strict=True)
    )
    sessions = [event for folder in folders for event in folder.events("session")]
    peak = max((int(event["peak_bytes"]) for event in sessions), default=0)
    canary = max((event["canary"] for event in sessions if event.get("canary")), default=None)
    probes = [event["parity_probes"] for event in sessions if event.get("parity_probes")]
    training = variant.training if variant else None
    summary: dict[str, Any] = training.summary() if training else {}
    return VariantResult(
        name=variant.name if variant else study.config.baseline,
        training_folder=_relative(training.folder.path, study.root) if training else None,
        train_seconds=summary.get("seconds"),
        run_seconds=sum(cell.seconds for cell in results),
        peak_bytes=max(peak, int(summary.get("peak_bytes", 0))),
        tokens_per_second=summary.get("tokens_per_second"),
        heldout_loss=summary.get("heldout_loss_by_epoch", {}),
        settings=_settings(training) if training else {},
        canary=canary,
        parity_probes=max(probes, default=None),
        cells=results,
    )


def _cell_result(root: Path, cell: Cell, folder: RunFolder) -> CellResult:
    done = folder.completions()
    generated = [completion for completion in done.values() if completion.choice_logprobs is None]
    n = len(generated)
    return CellResult(
        suite=cell.suite.name,
        folder=_relative(folder.path, root),
        n_planned=len(cell.suite.gold),
        n_done=len(done),
        ended_by_itself=sum(c.finish == "stop" for c in generated) / n if n else None,
        mean_tokens=sum(c.completion_tokens for c in generated) / n if n else None,
        seconds=sum(float(event["seconds"]) for event in folder.events("session")),
    )


def _suite_result(study: Study, suite: Suite, leaks: tuple[FoundLeak, ...]) -> SuiteResult:
    tasks: dict[str, int] = {}
    for record in suite.gold:
        tasks[record.task] = tasks.get(record.task, 0) + 1
    gold = keep_gold(study.root, suite.gold_digest, suite.gold)
    return SuiteResult(
        name=suite.name,
        role=study.roles[suite.name],
        version=suite.config.version,
        language=suite.config.language,
        n_items=len(suite.gold),
        gold_digest=suite.gold_digest,
        gold_file=_relative(gold, study.root),
        tasks=tasks,
        leaks=leaks,
    )


def _settings(training: PlannedTraining) -> dict[str, object]:
    config = dict(training.identity["config"])
    lora = config.pop("lora", {})
    return {**config, **{f"lora.{key}": value for key, value in lora.items()}}


def _relative(path: Path, root: Path) -> str:
    return str(path.resolve().relative_to(root.resolve()))
