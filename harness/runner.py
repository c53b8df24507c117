"""Run cells: one configuration on one suite each, all from one loaded base model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.adapters import PARITY
from harness.canary import Canary
from harness.engines.base import Dtype, Engine, EngineSettings, Request
from harness.errors import ModelError, RunError
from harness.intake import Intake, Job, Progress
from harness.machine import peak_rss_bytes
from harness.models import ModelSource, model_config
from harness.parity import check_proof
from harness.prompts import build_prompts
from harness.provenance import provenance
from harness.quiet import quieten
from harness.registry import ENGINES, load
from harness.store import RunFolder, keep_gold, run_folder
from harness.suite import Suite
from harness.templates import ChatTemplate
from harness.types import Adapter, Prompt, Sampling

DECODE_COST = 8
"""A generated token takes about as long as this many prompt tokens; only shares time among cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What all cells of one call share."""

    model: ModelSource
    template: ChatTemplate
    engine: str = "vllm"
    dtype: Dtype = "auto"
    temperature: float = 0.0
    seed: int = 0
    lora_mode: str = "auto"
    replay_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One configuration on one suite."""

    name: str
    """Of the configuration."""
    suite: Suite
    adapter: Adapter | None = None

    @property
    def label(self) -> str:
        """For progress and messages."""
        return f"{self.name} · {self.suite.name}"


def identity(cell: Cell, serving: Serving) -> dict[str, object]:
    """Return everything that determines the completions of a cell."""
    found: dict[str, object] = {
        **cell.suite.identity(),
        "model": serving.model.digest,
        "adapter": cell.adapter.digest if cell.adapter else None,
        "template": serving.template.digest,
        "engine": serving.engine,
        "dtype": serving.dtype,
        "temperature": serving.temperature,
        "seed": serving.seed,
    }
    if serving.replay_from is not None:
        found["replay"] = serving.replay_from
    return found


def folder_of(cell: Cell, serving: Serving, root: Path) -> RunFolder:
    """Return where a cell's run lies."""
    return run_folder(root, cell.suite.name, cell.name, identity(cell, serving))


def missing_items(cell: Cell, serving: Serving, root: Path) -> list[str]:
    """Return the gold ids that have no completion yet."""
    done = folder_of(cell, serving, root).completions()
    return [record.id for record in cell.suite.gold if record.id not in done]


def run_cells(
    cells: Sequence[Cell],
    serving: Serving,
    root: Path,
    *,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> None:
    """Answer every missing item of every cell; do nothing for what is already there.

    Args:
        cells: What to run.
        serving: Model, template and engine settings that all cells share.
        root: Folder of all runs.
        progress: Called after each answer.
        engine: One that is loaded already and stays open; by default one is made and closed.

    Raises:
        TemplateDriftError: training and serving see different tokens.
        CanaryError: an adapter does not change the model.
        RunError: the engine failed on some items; the others are stored.
    """
    missing = {cell.label: set(missing_items(cell, serving, root)) for cell in cells}
    cells = [cell for cell in cells if missing[cell.label]]
    if not cells:
        return
    started = time.monotonic()
    tokenizer = load_tokenizer(serving.model)
    parity = {cell.label: _check_parity(cell, serving, tokenizer) for cell in cells}
    for cell in cells:
        folder_of(cell, serving, root).create(identity(cell, serving), _provenance(cell, serving))
        keep_gold(root, cell.suite.gold_digest, cell.suite.gold)
    jobs = _jobs(cells, serving, tokenizer, missing)
    canary = Canary([cell.adapter for cell in cells if cell.adapter], _probe_prompts(jobs))
    requests = [*canary.requests(), *(job.request for job in jobs.values())]
    failures: list[str] = []
    working = make_engine(serving, cells, requests) if engine is None else engine
    try:
        with ExitStack() as stack:
            writers = {
                cell.label: stack.enter_context(folder_of(cell, serving, root).append_completions())
                for cell in cells
            }
            intake = Intake(jobs, canary, writers, _planned(cells, missing), progress)
            for answer in working.answer(requests):
                intake.take(answer)
            failures = intake.finish()
    finally:
        if engine is None:
            working.close()
    _log(cells, serving, root, _Session(time.monotonic() - started, canary, parity))
    if failures:
        raise RunError(
            f"{len(failures)} of {len(jobs)} items failed; first: {failures[0]}; "
            "run the same command again to retry them"
        )


def make_engine(serving: Serving, cells: Sequence[Cell], requests: Sequence[Request]) -> Engine:
    """Load the engine, just large enough for the longest request.

    Raises:
        UnknownNameError: no such engine.
        ModelError: a prompt is longer than the model's context.
    """
    factory: Any = load("engine", serving.engine, ENGINES)
    longest = max(_length(request) for request in requests)
    limit = model_config(serving.model.path).get("max_position_embeddings")
    if isinstance(limit, int) and longest > limit:
        raise ModelError(
            f"the longest prompt with its completion takes {longest} tokens; "
            f"{serving.model.name} has a context of {limit}: shorten the prompt or max_tokens"
        )
    adapters = {cell.adapter.digest: cell.adapter for cell in cells if cell.adapter}
    settings = EngineSettings(
        model=str(serving.model.path),
        adapters=tuple(adapters.values()),
        dtype=serving.dtype,
        max_tokens_per_sequence=max(256, -(-longest // 64) * 64),
        seed=serving.seed,
        lora_mode=serving.lora_mode,  # pyright: ignore[reportArgumentType] - checked by config
        replay_from=serving.replay_from,
    )
    return factory(settings)


def load_tokenizer(model: ModelSource) -> Any:
    """Return the model's tokenizer."""
    quieten()
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(model.path))


def _jobs(
    cells: Sequence[Cell], serving: Serving, tokenizer: Any, missing: dict[str, set[str]]
) -> dict[str, Job]:
    jobs: dict[str, Job] = {}
    rendered: dict[str, dict[str, Prompt]] = {}
    for cell in cells:
        suite = cell.suite
        if suite.name not in rendered:
            prompts = build_prompts(suite, suite.gold, serving.template, tokenizer)
            rendered[suite.name] = {prompt.gold_id: prompt for prompt in prompts}
        for record in suite.gold:
            if record.id not in missing[cell.label]:
                continue
            task = suite.config.tasks[record.task]
            prompt = rendered[suite.name][record.id]
            request = Request(
                key=f"{cell.name}/{suite.name}/{record.id}",
                prompt_ids=prompt.token_ids,
                sampling=Sampling(
                    max_tokens=task.max_tokens,
                    temperature=serving.temperature,
                    stop=(*task.stop, *serving.template.stop),
                    seed=serving.seed,
                ),
                choice_ids=prompt.choice_ids,
                adapter=cell.adapter,
            )
            jobs[request.key] = Job(cell=cell.label, gold_id=record.id, request=request)
    return jobs


def _probe_prompts(jobs: dict[str, Job]) -> list[tuple[int, ...]]:
    """Return a few prompts of the cells themselves, for the canary."""
    distinct = dict.fromkeys(job.request.prompt_ids for job in jobs.values())
    step = max(1, len(distinct) // 4)
    return list(distinct)[::step][:4]


def _check_parity(cell: Cell, serving: Serving, tokenizer: Any) -> int | None:
    """Return how many of the adapter's stored prompts were equal; None where it has no proof."""
    if cell.adapter is None or not (cell.adapter.path / PARITY).exists():
        return None
    proof = cell.adapter.path / PARITY
    return check_proof(proof, serving.template, tokenizer, adapter=cell.adapter.name)


def _planned(cells: Sequence[Cell], missing: dict[str, set[str]]) -> dict[str, tuple[int, int]]:
    planned = {cell.label: len(cell.suite.gold) for cell in cells}
    return {label: (total - len(missing[label]), total) for label, total in planned.items()}


def _length(request: Request) -> int:
    if request.choice_ids:
        return len(request.prompt_ids) + max(map(len, request.choice_ids)) + 1
    return len(request.prompt_ids) + request.sampling.max_tokens


def _provenance(cell: Cell, serving: Serving) -> dict[str, object]:
    return {
        **provenance(),
        "configuration": cell.name,
        "suite_version": cell.suite.config.version,
        "model": serving.model.name,
        "template": serving.template.name,
        "adapter": str(cell.adapter.path) if cell.adapter else None,
    }


@dataclass(frozen=True, slots=True)
class _Session:
    """What one call of `run_cells` measured."""

    seconds: float
    canary: Canary
    parity: dict[str, int | None]


def _log(cells: Sequence[Cell], serving: Serving, root: Path, session: _Session) -> None:
    """Record the session in each run: its own share of the time, and the common peak."""
    tokens: dict[str, int] = {}
    for cell in cells:
        done = folder_of(cell, serving, root).completions().values()
        tokens[cell.label] = sum(c.prompt_tokens + DECODE_COST * c.completion_tokens for c in done)
    for cell in cells:
        share = tokens[cell.label] / max(1, sum(tokens.values()))
        folder_of(cell, serving, root).log(
            "session",
            seconds=round(session.seconds * share, 2),
            session_seconds=round(session.seconds, 2),
            peak_bytes=peak_rss_bytes(),
            cells=len(cells),
            canary=session.canary.effect(cell.adapter),
            parity_probes=session.parity[cell.label],
        )
