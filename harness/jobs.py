"""Turn the missing items of cells into requests, as soon as what they follow is answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from harness.cells import Cell, Serving, folder_of, missing_items
from harness.engines.base import Request
from harness.intake import Job
from harness.models import context_limit
from harness.prompts import Renderer
from harness.store import JsonlWriter
from harness.types import GoldRecord, Prompt, Sampling

PROBE_TOKENS = 64
"""Of a long text, for the canary."""


class Part(Protocol):
    """Some of the cells of a call: what the engine is asked for them, and where that is stored."""

    @property
    def cells(self) -> Sequence[Cell]:
        """Which cells."""
        ...

    @property
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """Answers that are stored and planned at the start, by the cells' labels."""
        ...

    @property
    def n_asked(self) -> int:
        """How many answers have been asked for so far."""
        ...

    def ready(self) -> list[Job]:
        """Return jobs for what can be asked now and has not been asked yet."""
        ...

    def room(self) -> tuple[int, int]:
        """Return the tokens of the longest request that will come later: at least, at most."""
        ...

    def writer(self, cell: Cell) -> AbstractContextManager[JsonlWriter]:
        """Open the file of a cell's answers for appending, alone."""
        ...

    def finish(self) -> None:
        """Make completions of the answers, where they are not that already."""
        ...


class Questions:
    """The items of some cells, asked once each.

    A later turn of a dialogue that goes on from the model's own answers is ready when the earlier
    ones are stored; so such dialogues are asked turn by turn, all of them at once. What is stored
    decides alone, so a run that was interrupted goes on as if nothing had happened.
    """

    def __init__(self, cells: Sequence[Cell], serving: Serving, root: Path, tokenizer: Any) -> None:
        self.cells = cells
        self._serving = serving
        self._root = root
        self._asked: set[str] = set()
        limit = context_limit(serving.model.path)
        self._renderers = {
            cell.suite.name: Renderer(
                suite=cell.suite,
                template=serving.template,
                tokenizer=tokenizer,
                context_limit=limit,
            )
            for cell in cells
        }
        self._prompts: dict[tuple[str, str], Prompt] = {}
        self.counts: dict[str, tuple[int, int]] = {}
        for cell in cells:
            n_items = len(cell.suite.gold)
            n_missing = len(missing_items(cell, serving, root))
            self.counts[cell.label] = (n_items - n_missing, n_items)

    def ready(self) -> list[Job]:
        """Return jobs for what can be asked now and has not been asked by this object."""
        if self._asked and not any(cell.suite.earlier for cell in self.cells):
            return []
        found: dict[int, list[Job]] = {}
        for cell in self.cells:
            stored = folder_of(cell, self._serving, self._root).completions()
            for record in cell.suite.gold:
                earlier = cell.suite.earlier.get(record.id, ())
                key = f"{cell.name}/{cell.suite.name}/{record.id}"
                if record.id in stored or key in self._asked:
                    continue
                if all(gold_id in stored for gold_id in earlier):
                    said = tuple(stored[gold_id].text for gold_id in earlier)
                    job = self._job(cell, record, key, said)
                    found.setdefault(len(earlier), []).append(job)
        # One turn of all dialogues after the other, in the order of an undisturbed run.
        jobs = found[min(found)] if found else []
        self._asked |= {job.request.key for job in jobs}
        return jobs

    @property
    def n_asked(self) -> int:
        """How many items have been asked so far."""
        return len(self._asked)

    def room(self) -> tuple[int, int]:
        """Return the tokens of the longest turn that follows own answers: at least, at most."""
        least = most = 0
        for suite in {cell.suite.name: cell.suite for cell in self.cells}.values():
            renderer = self._renderers[suite.name]
            for record in suite.gold:
                earlier = suite.earlier.get(record.id, ())
                if earlier:
                    empty = renderer.prompt(record, said=("",) * len(earlier))
                    n, each = len(empty.token_ids), suite.config.tasks[record.task].max_tokens
                    least = max(least, n + each)
                    most = max(most, n + each * (len(earlier) + 1))
        return least, most

    def writer(self, cell: Cell) -> AbstractContextManager[JsonlWriter]:
        """Open a cell's completions for appending, alone."""
        return folder_of(cell, self._serving, self._root).append_completions()

    def finish(self) -> None:
        """Do nothing: each answer is a completion."""

    def _job(self, cell: Cell, record: GoldRecord, key: str, said: Sequence[str]) -> Job:
        task = cell.suite.config.tasks[record.task]
        prompt = self._prompt(cell, record, said)
        request = Request(
            key=key,
            prompt_ids=prompt.token_ids,
            sampling=Sampling(
                max_tokens=task.max_tokens,
                temperature=self._serving.temperature,
                stop=(*task.stop, *self._serving.template.stop),
                seed=self._serving.seed,
            ),
            choice_ids=prompt.choice_ids,
            contexts=prompt.contexts,
            adapter=cell.adapter,
        )
        return Job(cell=cell.label, gold_id=record.id, request=request)

    def _prompt(self, cell: Cell, record: GoldRecord, said: Sequence[str]) -> Prompt:
        renderer = self._renderers[cell.suite.name]
        if said:  # differs from cell to cell
            return renderer.prompt(record, said=said)
        key = (cell.suite.name, record.id)
        if key not in self._prompts:
            self._prompts[key] = renderer.prompt(record)
        return self._prompts[key]


def probe_texts(jobs: Iterable[Job]) -> list[tuple[int, ...]]:
    """Return a few texts of the cells themselves, for the canary."""
    distinct = list(dict.fromkeys(_probe(job.request) for job in jobs))
    step = max(1, len(distinct) // 4)
    return distinct[::step][:4]


def length(request: Request, engine: str = "vllm") -> int:
    """Return the tokens of a request with its longest completion or choice."""
    if not request.choice_ids:
        return len(request.prompt_ids) + request.sampling.max_tokens
    # vLLM must generate one token to tell the log-probabilities of those before; others need not
    # even read the last one.
    return max(_parts(request)) + (1 if engine == "vllm" else -1)


def _parts(request: Request) -> Iterator[int]:
    for part, choice in enumerate(request.choice_ids):
        yield len(request.context(part)) + len(choice)


def _probe(request: Request) -> tuple[int, ...]:
    if not request.contexts:
        return request.prompt_ids
    return (*request.contexts[0], *request.choice_ids[0][:PROBE_TOKENS])
