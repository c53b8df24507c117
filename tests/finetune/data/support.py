"""Rows and files for the tests of training data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.data.examples import Example
from finetune.data.files import RawRow
from finetune.data.formats import FORMATS
from finetune.data.layouts import read_example
from finetune.data.source import Rows


def chat(*turns: str, system: str | None = None) -> dict[str, Any]:
    """Return a messages row whose turns alternate between user and assistant."""
    head = [] if system is None else [{"role": "system", "content": system}]
    roles = ("user", "assistant") * len(turns)
    said = [{"role": role, "content": text} for role, text in zip(roles, turns, strict=False)]
    return {"messages": [*head, *said]}


def example(fields: dict[str, Any], form: str = "messages") -> Example:
    return read_example(RawRow(where="rows.jsonl:1", fields=fields), FORMATS[form])


def rows(fields: Sequence[dict[str, Any]], form: str = "messages") -> Rows:
    raw = tuple(
        RawRow(where=f"rows.jsonl:{i}", fields=one) for i, one in enumerate(fields, start=1)
    )
    examples = tuple(read_example(row, FORMATS[form]) for row in raw)
    return Rows(file=Path("rows.jsonl"), format=FORMATS[form], raw=raw, examples=examples)


def write_lines(file: Path, fields: Sequence[dict[str, Any]]) -> Path:
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in fields]
    file.write_text("".join(lines), encoding="utf-8")
    return file
