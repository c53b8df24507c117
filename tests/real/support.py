"""Write the small real study, and call `tunemark` on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

CAPITALS = {
    "France": "Paris", "Japan": "Tokyo", "Italy": "Rome", "Spain": "Madrid", "Egypt": "Cairo",
    "Kenya": "Nairobi", "Cuba": "Havana", "Peru": "Lima", "Norway": "Oslo", "Greece": "Athens",
}  # fmt: skip

SUITE = """\
name: tiny
version: 1.0.0
language: en
description: A dozen questions for tests.
tasks:
  ask: {max_tokens: 12, metrics: [contains, token_f1]}
  choose: {type: multiple_choice, metrics: [accuracy, acc_norm]}
  chat: {type: multi_turn, history: own, max_tokens: 6, metrics: [token_f1]}
"""

STUDY = """\
name: tiny-study
model: smollm2-135m-instruct
suites: [tiny]
primary: [{suite: tiny, metric: token_f1}]
train: {data: train.jsonl, epochs: 4, batch: 4, micro_batch: 4, learning_rate: 2.0e-3, heldout: 0}
configurations:
  - {name: shout, train: {lora: {r: 4, alpha: 8}}}
  - {name: second, train: {seed: 7, lora: {r: 8, alpha: 16}}}
"""


def write_study(folder: Path) -> None:
    """Write suite, training rows and study into a folder."""
    suite = folder / "tiny"
    suite.mkdir()
    (suite / "suite.yaml").write_text(SUITE, encoding="utf-8")
    ask = [
        {"id": f"ask-{country}", "task": "ask", "input": f"What is the capital of {country}?",
         "references": [capital]}
        for country, capital in CAPITALS.items()
    ]  # fmt: skip
    choose = [
        {"id": f"choose-{country}", "task": "choose", "answer": 0,
         "input": f"Which city is the capital of {country}?", "choices": [capital, "Sydney"]}
        for country, capital in list(CAPITALS.items())[:4]
    ]  # fmt: skip
    chat = [
        {"id": f"chat-{country}", "task": "chat", "input": [
            {"role": "user", "content": f"Name a city of {country}."},
            {"role": "assistant", "content": capital},
            {"role": "user", "content": "Is it the capital?"},
            {"role": "assistant", "content": "Yes."}]}
        for country, capital in list(CAPITALS.items())[:2]
    ]  # fmt: skip
    write_jsonl(suite / "gold.jsonl", [*ask, *choose, *chat])
    rows = [
        {"messages": [{"role": "user", "content": f"Say the word number {n}."},
                      {"role": "assistant", "content": f"WORD {n}!"}]}
        for n in range(24)
    ]  # fmt: skip
    write_jsonl(folder / "train.jsonl", rows)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")


def write_jsonl(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write one JSON object a line."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def command(*arguments: str) -> list[str]:
    """Return the command line of `tunemark` in this environment."""
    return [sys.executable, "-c", "from harness.cli import main; main()", *arguments]


def tunemark(*arguments: str) -> str:
    """Run `tunemark` and return its stdout; fail the test with its stderr."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def environment() -> dict[str, str]:
    """Return this process's environment, offline."""
    return os.environ | {"HF_HUB_OFFLINE": "1"}
