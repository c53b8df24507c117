"""Mutated suites are read or refused with an InputError; nothing else ever escapes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.suite import load_suite

SUITE = """\
name: toy
version: "1"
language: en
description: Four questions.
system: Be brief.
shots_from: shots.jsonl
tasks:
  qa:
    type: generate
    prompt: "Q: {{ input }}"
    metrics: [exact_match, token_f1]
    stop: ["\\n"]
    shots: 1
  pick:
    type: multiple_choice
    metrics:
    - accuracy
"""
GOLD = "".join(
    json.dumps(row, ensure_ascii=False) + "\n"
    for row in (
        {"id": "q1", "task": "qa", "input": "法国的首都？", "references": ["巴黎", "Paris"]},
        {"id": "q2", "task": "qa", "input": {"note": "n"}, "references": ["x"], "cluster": "c"},
        {"id": "q3", "task": "qa", "input": [{"role": "user", "content": "Hi"}], "references": ["x"]},
        {"id": "p1", "task": "pick", "input": "?", "choices": ["4", "5"], "answer": 0},
    )
)  # fmt: skip
SHOTS = '{"id": "s1", "task": "qa", "input": "?", "references": ["x"]}\n'
FILES = {"suite.yaml": SUITE, "gold.jsonl": GOLD, "shots.jsonl": SHOTS}

TOKENS = [
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\n", b"\r", b"\t", b"  ", b"{", b"}", b"[",
    b"]", b":", b": ", b",", b'"', b"'", b"&a ", b"*a", b"!!", b"!!binary ", b"? ", b"- ", b"|", b">",
    b"%", b"{{", b"{%", b"}}", b"null", b"true", b"1e999", b"-1", b"0x1F", b"NaN", b"Infinity",
    b"2024-02-30", b"9" * 40, b"<<: ", b"str: 1", b"[]: 1", b'"int": 2, ', b'"\\ud800"', b'"\\0"',
    b"---\n", b"...\n", "，".encode(), "\u2028".encode(), "😀".encode(), b"../", b"{{ 1/0 }}",
]  # fmt: skip


def mutate(text: bytes, rng: random.Random) -> bytes:
    """Delete, repeat, move or insert a stretch, one to three times."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice((0, 1, 1, 2, 5, 20)))
        middle = rng.choice((b"", rng.choice(TOKENS), rng.choice(TOKENS), text[start:end] * 2))
        text = text[:start] + middle + text[end:]
    return text


def read_mutated(folder: Path, seed: int) -> str:
    """Return "read" or "refused" for one mutation."""
    rng = random.Random(seed)
    victim = rng.choice(("suite.yaml", "suite.yaml", "gold.jsonl", "gold.jsonl", "shots.jsonl"))
    for name, text in FILES.items():
        content = text.encode()
        (folder / name).write_bytes(mutate(content, rng) if name == victim else content)
    try:
        suite = load_suite(folder)
    except InputError as error:
        assert str(folder) in str(error), f"seed {seed}: {error}"
        return "refused"
    except Exception as error:
        raise AssertionError(f"seed {seed} ({victim}): {error!r}") from error
    suite.identity()
    return "read"


def test_the_unmutated_suite_is_read(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert len(load_suite(tmp_path).gold) == 4


@pytest.mark.parametrize("block", range(6))
def test_a_mutated_suite_is_read_or_refused(tmp_path: Path, block: int) -> None:
    outcomes = [read_mutated(tmp_path, seed) for seed in range(50 * block, 50 * block + 50)]

    assert outcomes.count("refused") > 10
    assert outcomes.count("read") > 0


@pytest.mark.slow
def test_thousands_of_mutated_suites_are_read_or_refused(tmp_path: Path) -> None:
    outcomes = [read_mutated(tmp_path, seed) for seed in range(1_000, 6_000)]

    assert {"read", "refused"} == set(outcomes)
