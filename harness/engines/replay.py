"""Answer from a file: predictions made elsewhere are scored like our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.config import read_jsonl
from harness.engines.base import Answer, EngineSettings, Request
from harness.errors import DataError


class ReplayEngine:
    """Serve stored texts: JSON Lines with `id` and `text` (and `choice_logprobs` for choices)."""

    def __init__(self, settings: EngineSettings) -> None:
        if settings.replay_from is None:
            raise DataError("engine 'replay' needs a file of answers: --replay FILE.jsonl")
        path = Path(settings.replay_from)
        self._rows: dict[str, dict[str, object]] = {}
        for line in read_jsonl(path, DataError):
            gold_id = line.value.get("id")
            if not isinstance(gold_id, str):
                raise DataError(f"{path}:{line.number}: each row needs an `id` (a gold id)")
            if gold_id in self._rows:
                raise DataError(f"{path}:{line.number}: id {gold_id!r} appears twice")
            self._rows[gold_id] = line.value

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield the stored answers; an item without one is an error, not a zero."""
        for request in requests:
            row = self._rows.get(request.key.split("/", 2)[2])
            if row is None:
                yield Answer(
                    key=request.key,
                    finish="error",
                    prompt_ids=request.prompt_ids,
                    error="no stored answer for this item",
                )
                continue
            logprobs = row.get("choice_logprobs")
            yield Answer(
                key=request.key,
                text=str(row.get("text", "")),
                finish="length" if row.get("finish") == "length" else "stop",
                prompt_ids=request.prompt_ids,
                choice_logprobs=tuple(logprobs) if isinstance(logprobs, list) else None,
            )

    def close(self) -> None:
        """Nothing to free."""
