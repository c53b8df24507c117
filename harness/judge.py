"""Ask a suite's judges about stored runs: `tunemark judge`, or `python -m harness.judge JOB.json`.

A judge's work is a run like any other: its prompts are the gold items of a suite made on the
spot, so that it is stored as it arrives, resumed after a crash, and checked for echo. What the
same judge said before about the same answer is copied, not asked again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import TaskID

from harness.children import child_main, run_child
from harness.errors import ConfigError, GoldError
from harness.gold import gold_digest
from harness.intake import Progress
from harness.metrics.base import Item
from harness.metrics.build import Extracting, metric_of
from harness.metrics.judge import METRICS, JudgedMetric
from harness.metrics.judgements import (
    FOLDER,
    TASK,
    Judge,
    load_judge,
    load_judges,
    stored_judgements,
)
from harness.models import resolve_model
from harness.progress import Bars
from harness.provenance import provenance
from harness.runner import Cell, Serving, folder_of, identity, run_cells
from harness.spec import Spec
from harness.store import RunFolder, keep_gold, write_json
from harness.suite import Selection, Suite, SuiteConfig, load_suite
from harness.tasks import TaskConfig
from harness.templates import load_template
from harness.types import GoldRecord, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ToJudge:
    """One run for one judge, as its metric sees the answers."""

    judge: Judge
    run: RunFolder
    metric: JudgedMetric
    items: tuple[Item, ...]

    def asked(self) -> tuple[GoldRecord, ...]:
        """Return what the judge is asked, each question once."""
        found = {record.id: record for item in self.items for record in self.judge.asked(item)}
        return tuple(found.values())

    def missing(self) -> tuple[str, ...]:
        """Return the ids of the questions that have no answer yet."""
        said = self.metric.judgements.said
        return tuple(record.id for record in self.asked() if record.id not in said)


class JudgingJob(Record):
    """Everything a judging process needs."""

    suite: str
    gold_digest: str
    data: str | None = None
    limit: int | None = None
    limit_seed: int | None = None
    runs: tuple[str, ...]
    baseline: str | None = None
    judges: tuple[str, ...] = ()


def to_judge(
    suite: Suite,
    runs: Sequence[RunFolder],
    *,
    baseline: RunFolder | None = None,
    names: Sequence[str] = (),
) -> list[ToJudge]:
    """Return what a suite's judges have to say about runs.

    Args:
        suite: Declares judges, and metrics that read them.
        runs: Runs of the suite.
        baseline: The run that pairwise judges compare with; without it they have nothing to do.
        names: The judges to ask; by default all.

    Raises:
        InputError: no such judge, or no task's metrics read it.
    """
    found: list[ToJudge] = []
    for judge in [load_judge(suite, name) for name in names] or load_judges(suite).values():
        specs = [
            spec
            for spec in suite.metric_specs()
            if spec.name == METRICS[judge.rubric.kind] and spec.params.get("value") == judge.name
        ]
        if not specs:
            raise ConfigError(
                f"{suite.file}: judge {judge.name!r} is not read by any task: add "
                f"{{{METRICS[judge.rubric.kind]}: {judge.name}}} to its metrics"
            )
        if judge.rubric.kind == "pairwise" and baseline is None:
            continue
        found.extend(_answers(judge, specs, run, baseline) for run in runs)
    return found


def ask_judges(work: Sequence[ToJudge], *, progress: Progress | None = None) -> None:
    """Have every question answered that is not answered yet.

    Raises:
        ModelError: a judge's model is missing, or a question is longer than its context.
        RunError: the engine failed on some questions; the other answers are stored.
    """
    by_serving: dict[Serving, list[Cell]] = {}
    for judge, asked in _questions(work).items():
        cell = Cell(name=judge.name, suite=_suite_of(judge, asked))
        serving = serving_of(judge)
        _copy_known(cell, serving, judge, work[0].run.root)
        by_serving.setdefault(serving, []).append(cell)
    for serving, cells in by_serving.items():
        run_cells(cells, serving, work[0].run.root / FOLDER, progress=progress)


def n_missing(work: Sequence[ToJudge]) -> int:
    """Return how many questions have no answer yet; equal ones are asked once."""
    return len({id_ for one in work for id_ in one.missing()})


def judge_missing(
    suite: Suite, runs: Sequence[RunFolder], *, folder: Path, say: Callable[[str], None]
) -> None:
    """Ask what is missing, in a child process where the judges' models are loaded.

    Args:
        suite: Declares the judges.
        runs: The baseline's first.
        folder: Where the job and a failure note are left.
        say: Tells the person at the terminal.

    Raises:
        RunError: the child failed; its message says why. What it stored is kept.
    """
    baseline = runs[0]
    n_questions = n_missing(to_judge(suite, runs, baseline=baseline))
    if not n_questions:
        return
    say(f"Judging {suite.name}: {n_questions} questions to {', '.join(suite.config.judges)}")
    job = JudgingJob(
        suite=str(suite.file),
        gold_digest=suite.gold_digest,
        data=str(suite.selection.data) if suite.selection.data else None,
        limit=suite.selection.limit,
        limit_seed=suite.selection.limit_seed,
        runs=tuple(str(run.path) for run in runs),
        baseline=str(baseline.path),
    )
    file = folder / "judging.json"
    write_json(file, job.model_dump(mode="json"))
    what = f"judging {suite.name}"
    run_child(("-m", "harness.judge", str(file)), folder=folder, what=what)


def serving_of(judge: Judge) -> Serving:
    """Return how a judge is served; its model is fetched if need be.

    Raises:
        ModelError: no such model, or one without a chat template where its own is wanted.
    """
    config = judge.config
    folder = judge.suite.file.parent / config.model
    model = resolve_model(str(folder) if folder.is_dir() else config.model)
    return Serving(
        model=model,
        template=load_template(config.template, model.path),
        engine=config.engine,
        dtype=config.dtype,
        temperature=config.temperature,
        seed=config.seed,
        replay_from=str(judge.replay.resolve()) if judge.replay else None,
    )


def _answers(
    judge: Judge, specs: Sequence[Spec], run: RunFolder, baseline: RunFolder | None
) -> ToJudge:
    answers, rivals = run.completions(), baseline.completions() if baseline else {}
    items: list[Item] = []
    inner: JudgedMetric | None = None
    for spec in specs:
        metric = metric_of(
            judge.suite,
            spec,
            runs=run.root,
            baseline=baseline.path.name if baseline else None,
        )
        assert isinstance(metric, Extracting), f"{spec.label} is named by its own label"
        assert isinstance(metric.inner, JudgedMetric), f"{spec.label} reads no judge"
        inner = metric.inner
        raw = [
            Item(gold=record, completion=answers[record.id], rival=rivals.get(record.id))
            for record in judge.suite.gold
            if record.id in answers and spec in judge.suite.config.tasks[record.task].metrics
        ]
        items.extend(metric.seen(raw))
    assert inner is not None, f"{judge.name}: no metrics given"
    return ToJudge(judge=judge, run=run, metric=inner, items=tuple(items))


def _questions(work: Sequence[ToJudge]) -> dict[Judge, tuple[GoldRecord, ...]]:
    """Return all questions of every judge that has some left, about all runs together."""
    found: dict[str, tuple[Judge, dict[str, GoldRecord]]] = {}
    open_ones: set[str] = set()
    for one in work:
        _, records = found.setdefault(one.judge.name, (one.judge, {}))
        records.update((record.id, record) for record in one.asked())
        if one.missing():
            open_ones.add(one.judge.name)
    return {
        judge: tuple(records.values())
        for name, (judge, records) in found.items()
        if name in open_ones
    }


def _suite_of(judge: Judge, asked: tuple[GoldRecord, ...]) -> Suite:
    """Return the suite whose gold items are a judge's questions."""
    config = SuiteConfig(
        name=judge.stem,
        version=judge.suite.config.version,
        language=judge.suite.config.language,
        description=f"What {judge.name} is asked about answers to {judge.suite.name}.",
        tasks={TASK: TaskConfig(max_tokens=judge.config.max_tokens)},
    )
    return Suite(config=config, file=judge.suite.file, gold=asked, gold_digest=gold_digest(asked))


def _copy_known(cell: Cell, serving: Serving, judge: Judge, runs: Path) -> None:
    """Copy what the same judge with the same model has answered before."""
    judgements = stored_judgements(judge, runs)
    folder = folder_of(cell, serving, runs / FOLDER)
    there = folder.completions()
    known = [
        judgements.said[record.id]
        for record in cell.suite.gold
        if record.id in judgements.said and record.id not in there
    ]
    if not known or judgements.model != serving.model.digest:
        return
    folder.create(
        identity(cell, serving),
        {**provenance(), "configuration": cell.name, "model": serving.model.name},
    )
    keep_gold(runs / FOLDER, cell.suite.gold_digest, cell.suite.gold)
    with folder.append_completions() as writer:
        for completion in known:
            writer.write(completion.model_dump(mode="json"))


def _run(job: JudgingJob) -> None:
    data = Path(job.data) if job.data else None
    selection = Selection(data=data, limit=job.limit, limit_seed=job.limit_seed)
    suite = load_suite(Path(job.suite), selection)
    if suite.gold_digest != job.gold_digest:
        raise GoldError(f"{job.suite}: the gold set changed while it was judged; start again")
    work = to_judge(
        suite,
        [RunFolder(path=Path(run)) for run in job.runs],
        baseline=RunFolder(path=Path(job.baseline)) if job.baseline else None,
        names=job.judges,
    )
    judge_with_bars(work)


def judge_with_bars(work: Sequence[ToJudge]) -> None:
    """Ask the judges, with a bar for each run."""
    with Bars() as bars:
        shown: dict[str, TaskID] = {}

        def progress(label: str, done: int, planned: int) -> None:
            if label not in shown:
                shown[label] = bars.add(label)
            bars.update(shown[label], done, planned)

        ask_judges(work, progress=progress)


def main(file: Path) -> int:
    """Judge as a job file says; return the exit code."""

    def work() -> None:
        _run(JudgingJob.model_validate_json(file.read_text(encoding="utf-8")))

    return child_main(work, folder=file.parent)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
