"""Write a new suite that can be checked and run at once, to be filled with real items."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from harness.errors import ConfigError, UnknownNameError
from harness.goldset.kinds import kind_of
from harness.store import write_text
from harness.suite import Language, load_suite

EXAMPLES = Path(__file__).parent / "examples"
EXAMPLE_SOURCE = "example of gold new"
"""`source` of the rows that are to be replaced."""
DEFAULT_TASKS = ("qa", "reasoning", "summary", "retrieval")
"""Answering, thinking, summing up, finding: what a domain gold set should cover at least."""


def task_names() -> tuple[str, ...]:
    """Return the tasks that there are examples of."""
    return tuple(_examples("en")["tasks"])


def new_suite(folder: Path, *, language: Language, tasks: Sequence[str] = DEFAULT_TASKS) -> Path:
    """Write suite.yaml, gold.jsonl with three examples per task, and a README to fill in.

    Args:
        folder: Must be empty or not exist; its name becomes the suite's.
        language: Of the examples, and of the metrics.
        tasks: From `task_names()`.

    Raises:
        ConfigError: the folder has files in it, or its name cannot name a suite.
        UnknownNameError: no such task.
    """
    name = folder.resolve().name.lower().replace(" ", "-")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: exists already; choose a folder that does not, or empty it")
    for task in tasks:
        if task not in task_names():
            raise UnknownNameError("task", task, task_names(), where=str(folder))
    examples = _examples(language)
    chosen = {task: examples["tasks"][task] for task in dict.fromkeys(tasks)}
    write_text(folder / "suite.yaml", _suite_yaml(name, language, examples["description"], chosen))
    write_text(folder / "gold.jsonl", "".join(_rows(task, chosen[task]["rows"]) for task in chosen))
    try:
        suite = load_suite(folder)
    except ConfigError:
        (folder / "suite.yaml").unlink()
        (folder / "gold.jsonl").unlink()
        raise ConfigError(
            f"{folder}: {name!r} cannot name a suite; use a-z, 0-9, '.', '_' and '-'"
        ) from None
    lines = [
        f"| `{task}` | {kind_of(suite, task)} | {len(chosen[task]['rows'])} | … |"
        for task in chosen
    ]
    page = (EXAMPLES / f"README.{language}.md").read_text(encoding="utf-8")
    write_text(
        folder / "README.md", page.replace("NAME", name, 1).replace("TABLE", "\n".join(lines), 1)
    )
    return folder


def _examples(language: str) -> dict[str, Any]:
    text = (EXAMPLES / f"{language}.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))


def _suite_yaml(
    name: str, language: str, description: str, tasks: Mapping[str, Mapping[str, Any]]
) -> str:
    head = f"name: {name}\nversion: 0.1.0\nlanguage: {language}\ndescription: {description}\n"
    parts = [f"{head}gold: gold.jsonl\ntasks:\n"]
    for task, example in tasks.items():
        body = "".join(f"    {line}".rstrip() + "\n" for line in example["yaml"].splitlines())
        parts.append(f"  {task}:\n{body}")
    return "".join(parts)


def _rows(task: str, rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(
        json.dumps(
            {"id": f"{task}-{number:03d}", "task": task, **row, "source": EXAMPLE_SOURCE},
            ensure_ascii=False,
        )
        + "\n"
        for number, row in enumerate(rows, start=1)
    )
