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
from harness.jobs import Part, Questions, length, probe_texts
from harness.machine import peak_rss_bytes
from harness.models import ModelSource, context_limit
from harness.parity import check_proof
from harness.provenance import provenance
from harness.quiet import quieten
from harness.registry import ENGINES, LM_EVAL_CELLS, load, load_object
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
    cells = [cell for cell in cells if missing_items(cell, serving, root)]
    if not cells:
        return
    started = time.monotonic()
    tokenizer = load_tokenizer(serving.model)
    parity = {cell.label: _check_parity(cell, serving, tokenizer) for cell in cells}
    for cell in cells:
        folder_of(cell, serving, root).create(identity(cell, serving), _provenance(cell, serving))
        keep_gold(root, cell.suite.gold_digest, cell.suite.gold)
    parts = _parts(cells, serving, root, tokenizer)
    jobs = _ready(parts)
    canary = Canary([cell.adapter for cell in cells if cell.adapter], probe_texts(jobs))
    failures: list[str] = []
    with ExitStack() as stack:
        writers = {
            cell.label: stack.enter_context(part.writer(cell))
            for part in parts
            for cell in part.cells
        }
        counts = {label: count for part in parts for label, count in part.counts.items()}
        intake = Intake(canary, writers, counts, progress)
        probes = canary.requests()
        if jobs and engine is None:
            requests = [*probes, *(job.request for job in jobs)]
            rooms = [part.room() for part in parts]
            room = (max(least for least, _ in rooms), max(most for _, most in rooms))
            engine = make_engine(serving, cells, requests, room=room)
            stack.callback(engine.close)
        while jobs and engine is not None:
            intake.expect(jobs)
            jobs, refused = _split_off_too_long(jobs, serving)
            asked = [*probes, *(job.request for job in jobs)]
            for answer in chain(refused, engine.answer(asked) if asked else ()):
                intake.take(answer)
            failures = intake.finish()
            probes = []
            jobs = _ready(parts)
    for part in parts:
        part.finish()
    _log(cells, serving, root, _Session(time.monotonic() - started, canary, parity))
    if failures:
        n_missing = sum(planned - done for done, planned in counts.values())
        unasked = n_missing - sum(part.n_asked for part in parts)
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
        max_tokens_per_sequence=_capacity(serving, requests, room),
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


def _parts(cells: Sequence[Cell], serving: Serving, root: Path, tokenizer: Any) -> list[Part]:
    """Tell the suites that ask for themselves from those that lm-eval asks."""
    own = [cell for cell in cells if cell.suite.config.lm_eval is None]
    others = [cell for cell in cells if cell.suite.config.lm_eval is not None]
    parts: list[Part] = [Questions(own, serving, root, tokenizer)]
    if others:
        parts.append(load_object(LM_EVAL_CELLS)(others, serving, root, tokenizer))
    return parts


def _ready(parts: Sequence[Part]) -> list[Job]:
    return [job for part in parts for job in part.ready()]


def _capacity(serving: Serving, requests: Sequence[Request], room: tuple[int, int]) -> int:
    """Return the tokens that the engine must hold at once.

    Raises:
        ModelError: that is more than the model can read; names the longest request.
    """
    model = serving.model
    limit = context_limit(model.path)
    lengths = [length(request, serving.engine) for request in requests]
    least, most = room
    longest = max(lengths)
    if limit is not None and max(longest, least) > limit:
        n_long = sum(n_tokens > limit for n_tokens in lengths)
        name = requests[lengths.index(longest)].key if n_long else "the last turn of a dialogue"
        others = f" (and {n_long - 1} more are too long)" if n_long > 1 else ""
        raise ModelError(
            f"{name} takes {max(longest, least)} tokens with its completion{others}; "
            f"{model.name} has a context of {limit}: shorten the prompt or max_tokens"
        )
    wanted = max(256, -(-max(longest, most) // 64) * 64)
    return wanted if limit is None else max(longest, min(wanted, limit))


def _split_off_too_long(jobs: Sequence[Job], serving: Serving) -> tuple[list[Job], list[Answer]]:
    """Answer with an error what has outgrown the model's context: dialogues on own answers."""
    limit = context_limit(serving.model.path)
    lengths = [length(job.request, serving.engine) for job in jobs]
    is_short = [limit is None or n_tokens <= limit for n_tokens in lengths]
    refused = [
        Answer(
            key=job.request.key,
            finish="error",
            prompt_ids=job.request.prompt_ids,
            error=f"the dialogue has grown to {n_tokens} tokens with its next answer, "
            f"{serving.model.name} has a context of {limit}; lower max_tokens",
        )
        for job, n_tokens, fits in zip(jobs, lengths, is_short, strict=True)
        if not fits
    ]
    return [job for job, fits in zip(jobs, is_short, strict=True) if fits], refused


def _check_parity(cell: Cell, serving: Serving, tokenizer: Any) -> int | None:
    """Return how many of the adapter's stored prompts were equal; None where it has no proof."""
    if cell.adapter is None or not (cell.adapter.path / PARITY).exists():
        return None
    proof = cell.adapter.path / PARITY
    return check_proof(proof, serving.template, tokenizer, adapter=cell.adapter.name)


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
