"""Take answers in: the echo checked, an adapter's held back until it is proven to be at work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.canary import Canary
from harness.engines.base import Answer, Request
from harness.parity import check_echo
from harness.store import JsonlWriter
from harness.types import Completion

Progress = Callable[[str, int, int], None]
"""Called with a cell's label, items done and items planned."""


Row = Callable[["Job", Answer], Mapping[str, object]]
"""Makes the line that is stored of an answer."""


def completion_row(job: Job, answer: Answer) -> dict[str, object]:
    """Return an answer as the completion of its gold item."""
    completion = Completion(
        gold_id=job.gold_id,
        text=answer.text,
        finish=answer.finish,
        prompt_tokens=len(job.request.prompt_ids),
        completion_tokens=answer.completion_tokens,
        choice_logprobs=answer.choice_logprobs,
        choice_tokens=tuple(map(len, job.request.choice_ids)) or None,
        seconds=round(answer.seconds, 3),
        error=answer.error,
    )
    return completion.model_dump(mode="json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request and where its answer belongs."""

    cell: str
    """Label of the cell."""
    gold_id: str
    """Of the item; or what else names the line that is stored."""
    request: Request
    row: Row = completion_row


class Intake:
    """Routes answers to the runs of their cells."""

    def __init__(
        self,
        canary: Canary,
        writers: Mapping[str, JsonlWriter],
        counts: Mapping[str, tuple[int, int]],
        progress: Progress | None,
    ) -> None:
        self._jobs: dict[str, Job] = {}
        self._canary = canary
        self._writers = writers
        self._counts = dict(counts)
        self._progress = progress
        self._waiting: list[Answer] = []
        self._failures: list[str] = []

    def expect(self, jobs: Iterable[Job]) -> None:
        """Make jobs known whose answers will come."""
        self._jobs |= {job.request.key: job for job in jobs}

    def take(self, answer: Answer) -> None:
        """Store an answer, or keep it until its adapter is proven."""
        if self._canary.take(answer):
            waiting, self._waiting = self._waiting, []
            for earlier in waiting:
                self.take(earlier)
            return
        job = self._jobs[answer.key]
        if not self._canary.is_proven(job.request.adapter):
            self._waiting.append(answer)
            return
        check_echo(job.request.prompt_ids, answer.prompt_ids, item=answer.key)
        self._writers[job.cell].write(job.row(job, answer))
        done, planned = self._counts[job.cell]
        self._counts[job.cell] = (done + 1, planned)
        if self._progress is not None:
            self._progress(job.cell, done + 1, planned)
        if answer.error is not None:
            self._failures.append(f"{answer.key}: {answer.error}")

    def finish(self) -> list[str]:
        """Refuse what is still unproven; return the failures."""
        self._canary.check_all()
        return self._failures
