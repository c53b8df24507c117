"""Stored runs of a toy suite, and a policy beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.store import run_folder
from harness.suite import load_suite
from harness.types import Completion
from tests.harness.gate.support import POLICY, YAML, N


@pytest.fixture
def place(tmp_path: Path, suite_folder: Callable[..., Path]) -> Path:
    gold = [
        {"id": f"q{i}", "task": "qa", "input": f"Question {i}?", "references": ["right"]}
        for i in range(N)
    ]
    suite_folder(YAML, gold)
    return tmp_path


@pytest.fixture
def stored(place: Path) -> Callable[..., Path]:
    """Return a maker of runs from which items are right and how answers end."""

    def make(name: str, right: Sequence[int], *, n: int = N, finish: Any = "stop") -> Path:
        suite = load_suite(place / "suite")
        identity = {"suite": "toy", "gold": suite.gold_digest, "template": "t", "name": name}
        folder = run_folder(place / "runs", "toy", name, identity)
        folder.create(identity, {"configuration": name})
        with folder.append_completions() as writer:
            for i in range(n):
                said = Completion(
                    gold_id=f"q{i}",
                    text="right" if i in right else "wrong",
                    finish=finish,
                    prompt_tokens=1,
                )
                writer.write(said.model_dump(mode="json"))
        link = folder.path.parent / name
        if not link.exists():
            link.symlink_to(folder.path)
        return folder.path

    return make


@pytest.fixture
def policy(place: Path) -> Callable[..., Path]:
    def write(text: str = POLICY) -> Path:
        (place / "gate.yaml").write_text(text, encoding="utf-8")
        return place / "gate.yaml"

    return write
