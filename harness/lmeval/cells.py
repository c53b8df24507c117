"""Run cells that lm-eval asks: in the common batch, then measured by lm-eval itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.cells import Cell, Serving, folder_of
from harness.engines.base import Answer, Request
from harness.errors import ConfigError
from harness.intake import Job
from harness.lmeval.engine_lm import EngineLM, Reading, response_of, usual_length
from harness.lmeval.ingest import check_values, completions_of, undeclared
from harness.lmeval.materialise import requests_digest
from harness.lmeval.responses import RESPONSES, read_responses
from harness.lmeval.tasks import LoadedTasks, build_requests, evaluate, load_tasks
from harness.models import context_limit
from harness.store import JsonlWriter, append_jsonl, locked
from harness.suite import Suite

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A suite's tasks, loaded, with every request that lm-eval makes of them."""

    loaded: LoadedTasks
    requests: Mapping[str, Request]
    """By key; as the untouched base would be asked."""
    n_truncated: int
    """Prompts that had to be cut to fit the model."""


class LmEvalCells:
    """The part of a call of `run_cells` that lm-eval asks and measures.

    Args:
        cells: Those whose suite was made from an lm-eval task.
        serving: Model, template and engine.
        root: Folder of all runs.
        tokenizer: The model's.

    Raises:
        InputError: a task cannot be loaded, or is no longer what its suite was made from.
    """

    def __init__(self, cells: Sequence[Cell], serving: Serving, root: Path, tokenizer: Any) -> None:
        self.cells = tuple(cells)
        self._serving = serving
        self._root = root
        self._reading = reading_of(serving, tokenizer)
        self._prepared: dict[str, _Prepared] = {}
        self._jobs: list[Job] = []
        self._n_asked = 0
        self.counts: dict[str, tuple[int, int]] = {}
        """Requests that are answered and planned, by the cells' labels."""
        for cell in cells:
            if cell.suite.name not in self._prepared:
                self._prepared[cell.suite.name] = _prepare(cell.suite, self._reading)
            self._plan(cell)

    @property
    def n_asked(self) -> int:
        """How many answers have been asked for so far."""
        return self._n_asked

    def ready(self) -> list[Job]:
        """Return jobs for all requests that are not answered, once."""
        jobs, self._jobs = self._jobs, []
        self._n_asked += len(jobs)
        return jobs

    def room(self) -> tuple[int, int]:
        """Return zeros: all requests come at once."""
        return (0, 0)

    @contextmanager
    def writer(self, cell: Cell) -> Iterator[JsonlWriter]:
        """Open a cell's responses for appending, alone."""
        folder = folder_of(cell, self._serving, self._root).path
        with locked(folder), append_jsonl(folder / RESPONSES) as stream:
            yield stream

    def finish(self) -> None:
        """Let lm-eval measure every cell whose requests are all answered.

        Raises:
            RunError: lm-eval's number is not the one that the stored scores give.
        """
        for cell in self.cells:
            self._measure(cell)

    def _plan(self, cell: Cell) -> None:
        planned = self._prepared[cell.suite.name].requests
        missing = planned.keys() - self._model(cell).responses.keys()
        for key, request in planned.items():
            if key in missing:
                name = f"{cell.name}/{cell.suite.name}/{key}"
                asked = replace(request, key=name, adapter=cell.adapter)
                self._jobs.append(Job(cell=cell.label, gold_id=key, request=asked, row=_row))
        self.counts[cell.label] = (len(planned) - len(missing), len(planned))

    def _measure(self, cell: Cell) -> None:
        lm = self._model(cell)
        prepared = self._prepared[cell.suite.name]
        if prepared.requests.keys() - lm.responses.keys():
            return
        results = evaluate(prepared.loaded, lm)
        samples = results["samples"]
        completions = completions_of(samples, prepared.loaded, cell.suite, lm.responses)
        values = check_values(results["results"], prepared.loaded, cell.suite, completions)
        folder = folder_of(cell, self._serving, self._root)
        done = folder.completions()
        with folder.append_completions() as writer:
            for completion in completions:
                if completion.gold_id not in done:
                    writer.write(completion.model_dump(mode="json"))
        folder.log(
            "lm_eval",
            results=values,
            truncated=prepared.n_truncated,
            not_kept=undeclared(samples, prepared.loaded, cell.suite),
        )

    def _model(self, cell: Cell) -> EngineLM:
        folder = folder_of(cell, self._serving, self._root).path
        return EngineLM(None, self._reading, adapter=cell.adapter, responses=read_responses(folder))


def reading_of(serving: Serving, tokenizer: Any) -> Reading:
    """Return how the served model reads text."""
    return Reading(
        tokenizer=tokenizer,
        template=serving.template,
        engine=serving.engine,
        max_length=context_limit(serving.model.path) or usual_length(tokenizer),
        model=serving.model.name,
        seed=serving.seed,
    )


def _prepare(suite: Suite, reading: Reading) -> _Prepared:
    origin = suite.config.lm_eval
    assert origin is not None, f"{suite.name} was not made from an lm-eval task"
    loaded = load_tasks(origin.task, origin.options)
    requests = build_requests(loaded)
    if requests_digest(requests) != origin.requests:
        raise ConfigError(
            f"{suite.file}: lm-eval now asks other things for {origin.task!r} than when this "
            "suite was made: the task, its data or lm-eval has changed; delete the folder to "
            "make the suite anew"
        )
    lm = EngineLM(None, reading)
    if origin.options.apply_chat_template:
        requests = build_requests(
            loaded, render=lm.apply_chat_template, tokenizer_name=lm.tokenizer_name
        )
    planned = lm.plan([one for instances in requests.values() for one in instances])
    if lm.n_truncated:
        logger.warning(
            "%s: %d prompts are longer than the model's context of %d tokens; their beginning is "
            "cut, as lm-eval does",
            suite.name, lm.n_truncated, reading.max_length,
        )  # fmt: skip
    return _Prepared(loaded=loaded, requests=planned, n_truncated=lm.n_truncated)


def _row(job: Job, answer: Answer) -> dict[str, object]:
    return response_of(job.request, answer, key=job.gold_id).model_dump(mode="json")
