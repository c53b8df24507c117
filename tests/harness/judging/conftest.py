"""A toy suite with two judges, and runs of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.store import RunFolder
from harness.suite import Suite, load_suite
from harness.types import Completion
from tests.harness.judging.support import YAML


@pytest.fixture
def suite(suite_folder: Callable[..., Path], echo: Any, model_folder: Path) -> Callable[..., Suite]:
    def make(*, language: str = "en", extract: str = "", more: str = "") -> Suite:
        return load_suite(suite_folder(YAML.format(language=language, extract=extract, more=more)))

    return make


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., RunFolder]:
    """Return a writer of runs: the texts of q1, q2, …"""

    def write(suite: Suite, name: str, *texts: str) -> RunFolder:
        folder = RunFolder(path=tmp_path / "runs" / suite.name / f"{name}-0123456789ab")
        folder.create({"gold": suite.gold_digest, "template": "t"}, {"configuration": name})
        with folder.append_completions() as writer:
            for number, text in enumerate(texts, start=1):
                said = Completion(gold_id=f"q{number}", text=text, finish="stop", prompt_tokens=1)
                writer.write(said.model_dump(mode="json"))
        return folder

    return write
