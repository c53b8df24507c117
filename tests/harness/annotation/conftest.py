"""What the annotation tests share: runs with names that give them away, and a clock by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.annotation.config import SessionConfig
from harness.annotation.database import Database, open_database
from harness.annotation.raters import invite
from harness.annotation.setup import change_state, create_session
from harness.annotation.views import AnswerScores, Slot, Submission, Task
from harness.store import RunFolder
from harness.suite import Suite, load_suite
from harness.types import Completion

SUITE = """\
name: toy
version: "1"
language: en
description: For annotation.
tasks:
  qa:
    metrics: [exact_match]
    max_tokens: 8
"""
RUN_NAMES = ("zephyr-base", "zephyr-lora-r8", "zephyr-lora-r16")
MODEL = "acme/Zephyr-7B"
ADAPTER = "train/zephyr-lora-r8-0a1b2c/adapter"


@dataclass
class Clock:
    """Time that passes only when told to."""

    now: datetime = field(default_factory=lambda: datetime(2026, 1, 1, 8, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **kwargs: float) -> None:
        self.now += timedelta(**kwargs)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path, clock: Clock) -> Iterator[Database]:
    opened = open_database(tmp_path / "annotations.db", clock=clock, synchronous="NORMAL")
    yield opened
    opened.close()


@pytest.fixture
def suite_of(tmp_path: Path) -> Callable[..., Suite]:
    """Return a maker of suites with n questions."""

    def make(n: int = 12) -> Suite:
        folder = tmp_path / f"suite-{n}"
        folder.mkdir(exist_ok=True)
        (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
        rows = [
            {"id": f"gold-{i:03d}", "task": "qa", "input": f"Question {i}?",
             "references": [f"Reference {i}"], "slices": {"topic": "ab"[i % 2]}}
            for i in range(n)
        ]  # fmt: skip
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "gold.jsonl").write_text(text, encoding="utf-8")
        return load_suite(folder)

    return make


@pytest.fixture
def runs_of(tmp_path: Path) -> Callable[..., list[RunFolder]]:
    """Return a maker of runs on a suite; answers by gold id replace the usual ones."""

    def make(
        suite: Suite, n_runs: int = 2, said: Sequence[Mapping[str, str]] = ()
    ) -> list[RunFolder]:
        folders: list[RunFolder] = []
        for number in range(n_runs):
            name = RUN_NAMES[number]
            folder = RunFolder(path=tmp_path / "runs" / suite.name / f"{name}-{number}f00dcafe123")
            provenance = {"configuration": name, "model": MODEL, "adapter": ADAPTER}
            identity = {"suite": suite.name, "gold": suite.gold_digest, "template": "t"}
            folder.create(identity, provenance)
            own = said[number] if number < len(said) else {}
            with folder.append_completions() as writer:
                for record in suite.gold:
                    text = own.get(record.id, f"Answer {number} to {record.input}")
                    completion = Completion(
                        gold_id=record.id, text=text, finish="stop", prompt_tokens=1
                    )
                    writer.write(completion.model_dump(mode="json"))
            folders.append(folder)
        return folders

    return make


@dataclass
class Sitting:
    """A session that is open, with its raters."""

    database: Database
    name: str
    suite: Suite
    runs: list[RunFolder]
    raters: tuple[str, ...]


@pytest.fixture
def sitting(
    database: Database,
    suite_of: Callable[..., Suite],
    runs_of: Callable[..., list[RunFolder]],
    tmp_path: Path,
) -> Callable[..., Sitting]:
    """Return a maker of open sessions."""

    def make(
        *,
        n: int = 12,
        n_runs: int = 2,
        raters: Sequence[str] = ("ann", "ben"),
        said: Sequence[Mapping[str, str]] = (),
        name: str = "spring",
        at: Database | None = None,
        **config: Any,
    ) -> Sitting:
        where = at or database
        suite = suite_of(n)
        runs = runs_of(suite, n_runs, said)
        plain: dict[str, Any] = {
            "overlap": {"share": 0.0, "at_least": 0},
            "repeats": {"share": 0.0},
        }
        whole = SessionConfig.model_validate({"name": name, **plain, **config})
        create_session(where, whole, suite, runs, folder=tmp_path, actor="lead")
        for handle in raters:
            invite(where, name, handle, actor="lead")
        change_state(where, name, "open", actor="lead")
        return Sitting(where, name, suite, runs, tuple(raters))

    return make


def answered(
    task: Task,
    value: int | None = 4,
    *,
    token: str | None = None,
    values: Mapping[Slot, int | None] | None = None,
    choice: Any = "A",
    **more: Any,
) -> Submission:
    """Return a whole rating of a task: one value on every scale."""
    slots: list[Slot] = [answer.slot for answer in task.answers]
    by_slot: dict[Slot, int | None] = dict(values or {})
    answers = {
        slot: AnswerScores(
            values={scale.name: by_slot.get(slot, value) for scale in task.asked.scales}
        )
        for slot in slots
    }
    has_choice = task.asked.preference is not None
    fields: dict[str, Any] = {
        "assignment": task.assignment,
        "token": token or f"token-{task.assignment}",
        "answers": answers,
        "choice": choice if has_choice else None,
        "strength": 1 if has_choice and choice in {"A", "B"} else 0,
        "elapsed_ms": 20_000,
        **more,
    }
    return Submission(**fields)
