"""Rows from public texts: an answer is a window of neighbouring sentences, its reference the next.

The windows overlap, so that answers share much of their references, as those of a tuned model do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from harness.types import Completion, GoldRecord

Pair = tuple[str, str]
"""(answer, reference)"""

SOURCES = {
    "en": (
        "mts-dialog/*.jsonl", "aci-bench/*.jsonl", "xquad/xquad.en.json", "pubmedqa/ori_pqal.json",
        "gsm8k/*.jsonl", "newsroom-human/*.json", "wmt23-ende/systems/*.txt",
    ),
    "zh": (
        "cmrc2018/*.squad.json", "xquad/xquad.zh.json", "kdconv-zh/*.json*", "lawbench/*.json*",
    ),
}  # fmt: skip
SENTENCE = {"en": re.compile(r"(?<=[.?!])\s+|\n+"), "zh": re.compile(r"(?<=[。？！；])|\n+")}
MOST_SENTENCES = 3
SHORTEST, LONGEST = 8, 400
"""Characters of a sentence that is used."""


def pairs(data: Path, language: str, n: int) -> list[Pair]:
    """Return `n` different pairs of a window of sentences and the window one sentence on."""
    sentences = list(dict.fromkeys(_sentences(data, language)))
    found: dict[Pair, None] = {}
    for step in range(1, 50):
        for i in range(len(sentences) - MOST_SENTENCES - step):
            width = 1 + (i + step) % MOST_SENTENCES
            if (i + step) % 10 == 0:  # one answer in ten is right
                pair = (_joined(sentences, i, width, language),) * 2
            else:
                pair = (
                    _joined(sentences, i, width, language),
                    _joined(sentences, i + step, width, language),
                )
            found[pair] = None
            if len(found) == n:
                return list(found)
    raise SystemExit(f"{data}: too few {language} texts for {n} rows")


def records(rows: list[Pair]) -> tuple[list[GoldRecord], list[Completion]]:
    """Return the pairs as a gold set and a model's answers."""
    gold = [
        GoldRecord(id=f"q{i}", task="t", input=f"{i}?", references=(reference,))
        for i, (_, reference) in enumerate(rows)
    ]
    said = [
        Completion(gold_id=f"q{i}", text=answer, finish="stop", prompt_tokens=1)
        for i, (answer, _) in enumerate(rows)
    ]
    return gold, said


def _joined(sentences: list[str], start: int, width: int, language: str) -> str:
    return ("" if language == "zh" else " ").join(sentences[start : start + width])


def _sentences(data: Path, language: str) -> Iterator[str]:
    for pattern in SOURCES[language]:
        for file in sorted(data.glob(pattern)):
            for text in _texts(file):
                for sentence in SENTENCE[language].split(text):
                    cleaned = sentence.strip()
                    is_chinese = bool(re.search("[一-鿿]", cleaned))
                    if SHORTEST <= len(cleaned) <= LONGEST and is_chinese == (language == "zh"):
                        yield cleaned


def _texts(file: Path) -> Iterator[str]:
    content = file.read_text(encoding="utf-8")
    if file.suffix == ".txt":
        yield from content.split("\n")
    elif file.suffix == ".jsonl":
        for line in content.splitlines():
            yield from _strings(json.loads(line))
    else:
        yield from _strings(json.loads(content))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
