"""Toy models with known answers, and boards of them and of the recorded demo."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness.config import load_yaml
from harness.digest import digest_of
from harness.leaderboard.board import Board, Entry
from harness.leaderboard.config import BoardConfig
from harness.leaderboard.rank import make_board
from harness.store import run_folder
from harness.suite import load_suite
from harness.types import Completion

N = 40
LOOP = "no it is not " * 40
"""An answer that runs in circles."""
DEMO = """\
name: demo
suites: [{root}/suites/clinic-en, {root}/suites/retention]
metrics:
- {{suite: clinic-en, metric: token_f1, weight: 2}}
- {{suite: retention, metric: contains, weight: 1}}
runs: [{runs}]
"""
TOY = """\
name: toy
suites: [one]
metrics: [{suite: one, metric: exact_match}]
runs: [runs]
"""
BOTH = """\
name: both
suites: [one, two]
metrics: [{suite: one, metric: exact_match}, {suite: two, metric: exact_match}]
runs: [runs]
"""
WEIGHED = """\
name: weighed
suites: [one, two]
metrics:
- {suite: one, metric: exact_match, weight: 3}
- {suite: two, metric: repetition, weight: 1}
runs: [runs]
"""


class Toy:
    """A folder with suites `one` and `two`, to which models with known answers are added."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def suite(self, name: str, *, n: int = N, question: str = "Question") -> Path:
        """Write a suite; with another question it is another gold set."""
        folder = self.place / name
        folder.mkdir(exist_ok=True)
        (folder / "suite.yaml").write_text(
            f'name: {name}\nversion: "1"\nlanguage: en\ndescription: d\n'
            "tasks: {qa: {metrics: [exact_match, repetition, ter, length]}}\n",
            encoding="utf-8",
        )
        rows = [
            {"id": f"q{i}", "task": "qa", "input": f"{question} {i}?", "references": ["right"]}
            for i in range(n)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "gold.jsonl").write_text(text, encoding="utf-8")
        return folder

    def run(
        self,
        name: str,
        right: int | Sequence[int],
        *,
        suite: str = "one",
        answered: int | None = None,
        wrong: str = "wrong",
        created: str = "2026-01-01T00:00:00+00:00",
        provenance: dict[str, object] | None = None,
        **identity: object,
    ) -> Path:
        """Store a run in which some items are right: so many of the first, or these."""
        loaded = load_suite(self.place / suite)
        whole = {
            **loaded.identity(),
            "model": digest_of(name),
            "adapter": None,
            "template": "t" * 64,
            "engine": "echo",
            "dtype": "float32",
            "temperature": 0.0,
            "seed": 0,
            **identity,
        }
        told = {"configuration": name, "model": name, "template": "chatml", "created": created}
        folder = run_folder(self.place / "runs", suite, "run", {**whole, "created": created})
        folder.create(whole, told | (provenance or {}))
        chosen = range(right) if isinstance(right, int) else right
        with folder.append_completions() as writer:
            for i, record in enumerate(loaded.gold[:answered]):
                text = "right" if i in chosen else wrong
                said = Completion(gold_id=record.id, text=text, finish="stop", prompt_tokens=1)
                writer.write(said.model_dump(mode="json"))
        return folder.path

    def file(self, text: str, name: str = "board.yaml") -> Path:
        """Write a file beside the suites."""
        file = self.place / name
        file.write_text(text, encoding="utf-8")
        return file

    def board(self, text: str = TOY) -> Board:
        """Make the board of a YAML file."""
        return make_board(load_yaml(self.file(text), BoardConfig), self.place)


def entry(board: Board, name: str) -> Entry:
    """Return a model by its name."""
    return next(one for one in board.entries if one.name == name)


def codes(board: Board, name: str) -> list[str]:
    """Return why a model is not ranked."""
    return [reason.code for reason in entry(board, name).reasons]


def demo_board(root: Path, runs: Path, text: str = DEMO) -> Board:
    """Make the board of the recorded demo, of which `runs` is a copy."""
    file = runs / "board.yaml"
    file.write_text(text.format(root=root, runs=runs), encoding="utf-8")
    return make_board(load_yaml(file, BoardConfig), runs)
