"""Evaluate cells in a process of its own: `python -m harness.evaluate JOB.json`.

The process that asks stays free of torch, and a crash or an out-of-memory kill here leaves it,
and every completion already stored, intact.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from harness.adapters import load_adapter
from harness.children import child_main, run_child
from harness.engines.base import Dtype
from harness.errors import GoldError
from harness.models import resolve_model
from harness.progress import Bars
from harness.runner import Cell, Serving, run_cells
from harness.store import write_json
from harness.suite import Selection, Suite, load_suite
from harness.templates import load_template
from harness.types import Record


class CellJob(Record):
    """One cell, by paths."""

    name: str
    suite: str
    gold_digest: str
    data: str | None = None
    limit: int | None = None
    limit_seed: int | None = None
    adapter: str | None = None

    def load(self) -> Suite:
        """Read the suite again.

        Raises:
            GoldError: its gold set is another now.
        """
        data = None if self.data is None else Path(self.data)
        selection = Selection(data=data, limit=self.limit, limit_seed=self.limit_seed)
        suite = load_suite(Path(self.suite), selection)
        if suite.gold_digest != self.gold_digest:
            raise GoldError(
                f"{self.suite}: the gold set changed while the study was running; start it again"
            )
        return suite


class EvaluationJob(Record):
    """Everything an evaluation process needs."""

    root: str
    model: str
    model_name: str
    template: str
    engine: str
    dtype: Dtype
    temperature: float = 0.0
    seed: int = 0
    lora_mode: str = "auto"
    replay_from: str | None = None
    cells: tuple[CellJob, ...]


def evaluate_apart(
    cells: Sequence[Cell], serving: Serving, root: Path, *, folder: Path, what: str
) -> None:
    """Run cells in a child process.

    Args:
        cells: What to run.
        serving: Model, template and engine.
        root: Folder of all runs.
        folder: Where the job and a failure note are left.
        what: For messages, such as "evaluating 4 configurations".

    Raises:
        RunError: the child failed; its message says why. What it stored is kept.
    """
    job = EvaluationJob(
        root=str(root),
        model=str(serving.model.path),
        model_name=serving.model.name,
        template=serving.template.name,
        engine=serving.engine,
        dtype=serving.dtype,
        temperature=serving.temperature,
        seed=serving.seed,
        lora_mode=serving.lora_mode,
        replay_from=serving.replay_from,
        cells=tuple(
            CellJob(
                name=cell.name,
                suite=str(cell.suite.file),
                gold_digest=cell.suite.gold_digest,
                data=str(cell.suite.selection.data) if cell.suite.selection.data else None,
                limit=cell.suite.selection.limit,
                limit_seed=cell.suite.selection.limit_seed,
                adapter=str(cell.adapter.path) if cell.adapter else None,
            )
            for cell in cells
        ),
    )
    file = folder / "evaluation.json"
    write_json(file, job.model_dump(mode="json"))
    run_child(("-m", "harness.evaluate", str(file)), folder=folder, what=what)


def main(file: Path) -> int:
    """Run the cells of a job file; return the exit code."""

    def work() -> None:
        _run(EvaluationJob.model_validate_json(file.read_text(encoding="utf-8")))

    return child_main(work, folder=file.parent)


def _run(job: EvaluationJob) -> None:
    from dataclasses import replace

    model = replace(resolve_model(job.model), name=job.model_name)
    serving = Serving(
        model=model,
        template=load_template(job.template, model.path),
        engine=job.engine,
        dtype=job.dtype,
        temperature=job.temperature,
        seed=job.seed,
        lora_mode=job.lora_mode,
        replay_from=job.replay_from,
    )
    suites = {cell.suite: cell for cell in job.cells}
    loaded = {path: cell.load() for path, cell in suites.items()}
    cells = [
        Cell(
            name=cell.name,
            suite=loaded[cell.suite],
            adapter=load_adapter(cell.name, Path(cell.adapter), model, max_rank=512)
            if cell.adapter
            else None,
        )
        for cell in job.cells
    ]
    with Bars() as bars:
        shown = {cell.label: bars.add(cell.label) for cell in cells}

        def progress(label: str, done: int, planned: int) -> None:
            bars.update(shown[label], done, planned)

        run_cells(cells, serving, Path(job.root), progress=progress)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
