"""Run cells: one configuration on one suite each, all from one loaded base model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from harness.adapters import PARITY
from harness.canary import Canary
from harness.cells import Cell, Serving, folder_of, identity, missing_items
from harness.engines.base import Answer, Engine, EngineSettings, Request
from harness.errors import ModelError, RunError
from harness.intake import Intake, Job, Progress
from harness.jobs import Questions, length, probe_texts
from harness.machine import peak_rss_bytes
from harness.models import ModelSource, context_limit
from harness.parity import check_proof
from harness.provenance import provenance
from harness.quiet import quieten
from harness.registry import ENGINES, load
from harness.store import keep_gold

DECODE_COST = 8
"""A generated token takes about as long as this many prompt tokens; only shares time among cells."""


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
    questions = Questions(cells, serving, root, tokenizer)
    jobs = questions.ready()
    canary = Canary([cell.adapter for cell in cells if cell.adapter], probe_texts(jobs))
    probes = canary.requests()
    requests = [*probes, *(job.request for job in jobs)]
    failures: list[str] = []
    working = engine or make_engine(serving, cells, requests, room=questions.room())
    try:
        with ExitStack() as stack:
            writers = {
                cell.label: stack.enter_context(folder_of(cell, serving, root).append_completions())
                for cell in cells
            }
            intake = Intake(canary, writers, _planned(cells, missing), progress)
            while jobs:
                intake.expect(jobs)
                jobs, refused = _split_off_too_long(jobs, serving.model)
                asked = [*probes, *(job.request for job in jobs)]
                for answer in chain(refused, working.answer(asked) if asked else ()):
                    intake.take(answer)
                failures = intake.finish()
                probes = []
                jobs = questions.ready()
    finally:
        if engine is None:
            working.close()
    _log(cells, serving, root, _Session(time.monotonic() - started, canary, parity))
    if failures:
        n_missing = sum(map(len, missing.values()))
        unasked = n_missing - questions.n_asked
        more = f"; {unasked} later turns of their dialogues were not asked" if unasked else ""
        raise RunError(
            f"{len(failures)} of {n_missing} items failed; first: {failures[0]}{more}; "
            "run the same command again to retry them"
        )


def make_engine(
    serving: Serving,
    cells: Sequence[Cell],
    requests: Sequence[Request],
    *,
    room: tuple[int, int] = (0, 0),
) -> Engine:
    """Load the engine, just large enough for the longest request.

    Args:
        serving: Model and engine.
        cells: Their adapters are loaded.
        requests: What is asked first.
        room: Tokens of the longest request that will come later: at least, at most.

    Raises:
        UnknownNameError: no such engine.
        ModelError: a prompt is longer than the model's context.
    """
    factory: Any = load("engine", serving.engine, ENGINES)
    adapters = {cell.adapter.digest: cell.adapter for cell in cells if cell.adapter}
    settings = EngineSettings(
        model=str(serving.model.path),
        adapters=tuple(adapters.values()),
        dtype=serving.dtype,
        max_tokens_per_sequence=_capacity(serving.model, requests, room),
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


def _capacity(model: ModelSource, requests: Sequence[Request], room: tuple[int, int]) -> int:
    """Return the tokens that the engine must hold at once.

    Raises:
        ModelError: that is more than the model can read; names the longest request.
    """
    limit = context_limit(model.path)
    least, most = room
    longest = max(requests, key=length)
    if limit is not None and max(length(longest), least) > limit:
        n_long = sum(length(request) > limit for request in requests)
        name = longest.key if n_long else "the last turn of a dialogue"
        others = f" (and {n_long - 1} more are too long)" if n_long > 1 else ""
        raise ModelError(
            f"{name} takes {max(length(longest), least)} tokens with its completion{others}; "
            f"{model.name} has a context of {limit}: shorten the prompt or max_tokens"
        )
    wanted = max(256, -(-max(length(longest), most) // 64) * 64)
    return wanted if limit is None else max(length(longest), min(wanted, limit))


def _split_off_too_long(jobs: Sequence[Job], model: ModelSource) -> tuple[list[Job], list[Answer]]:
    """Answer with an error what has outgrown the model's context: dialogues on own answers."""
    limit = context_limit(model.path)
    short = [job for job in jobs if limit is None or length(job.request) <= limit]
    kept = {job.request.key for job in short}
    return short, [
        Answer(
            key=job.request.key,
            finish="error",
            prompt_ids=job.request.prompt_ids,
            error=f"the dialogue has grown to {length(job.request)} tokens with its next answer, "
            f"{model.name} has a context of {limit}; lower max_tokens",
        )
        for job in jobs
        if job.request.key not in kept
    ]


def _check_parity(cell: Cell, serving: Serving, tokenizer: Any) -> int | None:
    """Return how many of the adapter's stored prompts were equal; None where it has no proof."""
    if cell.adapter is None or not (cell.adapter.path / PARITY).exists():
        return None
    proof = cell.adapter.path / PARITY
    return check_proof(proof, serving.template, tokenizer, adapter=cell.adapter.name)


def _planned(cells: Sequence[Cell], missing: dict[str, set[str]]) -> dict[str, tuple[int, int]]:
    planned = {cell.label: len(cell.suite.gold) for cell in cells}
    return {label: (total - len(missing[label]), total) for label, total in planned.items()}


def _provenance(cell: Cell, serving: Serving) -> dict[str, object]:
    return {
        **provenance(),
        "configuration": cell.name,
        "suite_version": cell.suite.config.version,
        "selection": cell.suite.chosen(),
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
        tokens[cell.label] = sum(
            c.prompt_tokens + sum(c.choice_tokens or ()) + DECODE_COST * c.completion_tokens
            for c in done
        )
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
