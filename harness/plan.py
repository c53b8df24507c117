"""List the steps of a study that are still to do, with rough times and memory."""

from __future__ import annotations

from typing import Literal

from harness.machine import this_machine
from harness.registry import load_object
from harness.runner import Cell, missing_items
from harness.study import Study, Variant, estimate_run, estimate_training
from harness.training import PlannedTraining
from harness.types import Record

PREDICTED_BYTES = "finetune.planner.runs:predicted_bytes"


class Step(Record):
    """One training or one evaluation."""

    kind: Literal["train", "evaluate"]
    configuration: str
    suite: str | None = None
    state: Literal["done", "to do", "resumes"]
    amount: str
    """Rows and tokens, or items."""
    seconds: float
    """Estimated; 0 when done."""
    memory_bytes: float


def plan_study(study: Study) -> list[Step]:
    """Return every step, done ones included; nothing heavy is imported."""
    steps = [_training_step(study, variant) for variant in study.variants if variant.training]
    for variant in (None, *study.variants):
        steps.extend(_run_steps(study, variant))
    return steps


def _training_step(study: Study, variant: Variant) -> Step:
    training = variant.training
    assert training is not None, f"{variant.name} is not trained here"
    estimate = estimate_training(training, study.serving.model)
    is_started = (training.folder.path / "checkpoints").exists()
    state = "done" if training.is_complete else "resumes" if is_started else "to do"
    return Step(
        kind="train",
        configuration=variant.name,
        state=state,
        amount=f"{training.n_rows} rows, ~{training.n_tokens:,} tokens",
        seconds=0 if training.is_complete else estimate.seconds,
        memory_bytes=_planned_bytes(training) or estimate.memory_bytes,
    )


def _planned_bytes(training: PlannedTraining) -> float | None:
    """Return the planner's figure; None for a model that it cannot count."""
    return load_object(PREDICTED_BYTES)(training, on_cpu=not this_machine().gpus)


def _run_steps(study: Study, variant: Variant | None) -> list[Step]:
    name = variant.name if variant else study.config.baseline
    is_trained = variant is None or variant.training is None or variant.training.is_complete
    steps: list[Step] = []
    for suite in study.suites:
        n_planned = len(suite.gold)
        n_missing = n_planned
        if is_trained:
            (cell,) = [c for c in study.cells(variant) if c.suite is suite]
            n_missing = _missing(cell, study)
        estimate = estimate_run(n_missing, study.serving.model)
        state = "done" if not n_missing else "resumes" if n_missing < n_planned else "to do"
        steps.append(
            Step(
                kind="evaluate",
                configuration=name,
                suite=suite.name,
                state=state,
                amount=f"{n_missing} of {n_planned} items",
                seconds=estimate.seconds if n_missing else 0,
                memory_bytes=estimate.memory_bytes,
            )
        )
    return steps


def _missing(cell: Cell, study: Study) -> int:
    return len(missing_items(cell, study.serving, study.root))
