"""Read what training rows ask and answer, from a file of any size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.contamination.find import TrainingText
from harness.errors import DataError

QUESTIONS = ("instruction", "input", "prompt", "question", "query", "text", "source")
ANSWERS = ("output", "completion", "response", "answer", "target")


def read_training_texts(path: Path) -> Iterator[TrainingText]:
    """Yield the rows of a JSON Lines file, one at a time.

    A row has `messages` (or `conversations`), or plain texts under the usual names: what is asked
    under `instruction`, `input`, `prompt`, `question`, `query`, `text` or `source`, what is
    answered under `output`, `completion`, `response`, `answer` or `target`.

    Raises:
        DataError: no such file, a line that is not a JSON object, or one without any of these.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield _text_of(line, f"{path}:{number}")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text: {error.reason}") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from None


def _text_of(line: str, where: str) -> TrainingText:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: this line is not valid JSON: {error}") from None
    if not isinstance(row, dict):
        raise DataError(f"{where}: expected a JSON object")
    turns = row.get("messages") or row.get("conversations")
    if isinstance(turns, list):
        asked, said = _turns(turns)
    else:
        asked = [row[name] for name in QUESTIONS if isinstance(row.get(name), str)]
        said = [row[name] for name in ANSWERS if isinstance(row.get(name), str)]
    if not asked and not said:
        raise DataError(
            f"{where}: nothing to compare; expected `messages`, or texts under "
            f"{', '.join((*QUESTIONS, *ANSWERS))}"
        )
    return TrainingText(origin=where, questions=tuple(asked), answers=tuple(said))


def _turns(turns: list[Any]) -> tuple[list[str], list[str]]:
    """Split OpenAI messages or ShareGPT conversations into (asked, said)."""
    asked: list[str] = []
    said: list[str] = []
    for turn in turns:
        if isinstance(turn, dict):
            text = turn.get("content", turn.get("value"))
            if isinstance(text, str):
                role = turn.get("role", turn.get("from"))
                (said if role in ("assistant", "gpt") else asked).append(text)
    return asked, said
