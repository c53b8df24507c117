"""Run a study: train what is not trained, run what is not run, compare everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.children import run_child
from harness.errors import HarnessError, InputError, RunError
from harness.evaluate import evaluate_apart
from harness.judge import judge_missing
from harness.leaks import leak_warnings
from harness.lints import refuse_unservable, training_notes
from harness.preflight import check_suite
from harness.result import StudyResult
from harness.runner import Cell, folder_of, missing_items
from harness.store import locked
from harness.study import Study
from harness.study_summary import summarise
from harness.variants import Variant

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
