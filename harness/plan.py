"""List the steps of a study that are still to do, with rough times and memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.machine import this_machine
from harness.models import ModelSource
from harness.registry import load_object
from harness.runner import Cell, missing_items
from harness.study import Study
from harness.training import PlannedTraining
from harness.types import Record
from harness.variants import Variant

PREDICTED_BYTES = "finetune.planner.runs:predicted_bytes"


class Step(Record):
    """One training, one evaluation, or the part of a suite that is kept for confirming."""

    kind: Literal["train", "evaluate", "confirm"]
    configuration: str
    """Or one training seed of it."""
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
    is_done = all(step.state == "done" for step in steps)
    return steps + _confirm_steps(study, is_done=is_done)


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


def _confirm_steps(study: Study, *, is_done: bool) -> list[Step]:
    """Tell how each suite's items are divided; it takes no model, and next to no time."""
    steps: list[Step] = []
    for suite in study.suites if study.config.confirm else ():
        n_kept = len(study.kept[suite.name])
        steps.append(
            Step(
                kind="confirm",
                configuration="the chosen one",
                suite=suite.name,
                state="done" if is_done else "to do",
                amount=f"{n_kept} items, after {len(suite.gold) - n_kept} to choose on",
                seconds=0,
                memory_bytes=0,
            )
        )
    return steps


def _missing(cell: Cell, study: Study) -> int:
    return len(missing_items(cell, study.serving, study.root))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a piece of work will roughly take."""

    seconds: float
    memory_bytes: float


def estimate_training(training: PlannedTraining, model: ModelSource) -> Estimate:
    """Guess time and memory of a training from sizes alone.

    Six floating-point operations per parameter and token (Kaplan et al. 2020), of which LoRA
    skips the weight gradients; the rate is what 2 CPU cores or one data-centre GPU reached.
    """
    n_parameters = _weight_bytes(model) / 2
    machine = this_machine()
    rate = 3e14 * 0.3 if machine.gpus else 1.8e11 * machine.cores
    seconds = 15 + 4 * n_parameters * training.n_tokens / rate
    return Estimate(seconds=seconds, memory_bytes=5 * _weight_bytes(model) + 3.75 * 2**30)


def estimate_run(n_items: int, model: ModelSource) -> Estimate:
    """Guess time and memory of a run of `n_items` short questions."""
    n_parameters = _weight_bytes(model) / 2
    machine = this_machine()
    rate = 3e14 * 0.1 if machine.gpus else 6e10 * machine.cores
    seconds = 5 + n_items * 2 * n_parameters * 60 / rate
    return Estimate(seconds=seconds, memory_bytes=5 * _weight_bytes(model) + 2.75 * 2**30)


def _weight_bytes(model: ModelSource) -> float:
    return sum(file.stat().st_size for file in model.path.glob("*.safetensors"))
