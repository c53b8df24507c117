"""Mutated suites are read or refused with an InputError; nothing else ever escapes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError, InputError
from harness.goldset.check import check_gold
from harness.goldset.findings import lines_of, spelled
from harness.goldset.lock import lock_gold
from harness.goldset.logs import read_logs
from harness.goldset.power import Assumptions, plan_power
from harness.goldset.sample import draw_sample
from harness.goldset.stats import gold_stats
from harness.metrics.build import suite_metrics
from harness.suite import Suite, load_suite

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
    metrics: [exact_match, token_f1, {bleu: {extract: [strip_think]}}, "chrf(extract=[strip_think])"]
    stop: ["\\n"]
    shots: 1
    extract: [strip_think, {regex: "answer is (.*)"}]
  sort:
    type: classification
    labels: [red, blue]
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
        {"id": "s9", "task": "sort", "input": "Sky?", "references": ["blue"], "slices": {"t": "a"}},
        {"id": "p1", "task": "pick", "input": "?", "choices": ["4", "5"], "answer": 0},
    )
)  # fmt: skip
SHOTS = '{"id": "s1", "task": "qa", "input": "?", "references": ["x"]}\n'
LOCK = """\
{"format": 1, "suite": "toy", "items": {"q1": "0123456789abcdef"}, "history": [{"version": "0",
"digest": "00", "n_items": 1, "date": "2026-01-01", "note": "first", "added": ["q1"]}]}
"""
FILES = {"suite.yaml": SUITE, "gold.jsonl": GOLD, "shots.jsonl": SHOTS, "gold.lock.json": LOCK}
VICTIMS = (*FILES, "suite.yaml", "gold.jsonl")

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
    victim = rng.choice(VICTIMS)
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
    try:
        look_at(suite)
    except InputError:
        return "refused"
    except Exception as error:
        raise AssertionError(f"seed {seed} ({victim}): {error!r}") from error
    return "read"


def look_at(suite: Suite) -> None:
    """Do all that needs no model: build the metrics, check, count, plan, compare with the lock."""
    suite_metrics(suite)
    findings = check_gold(suite)
    lines = lines_of(suite)
    assert all(spelled(finding, lines, most=3) is not None for finding in findings)
    assert gold_stats(suite).n_items == len(suite.gold)
    plan_power(suite, Assumptions(), effect=0.1)
    lock_gold(suite, note="fuzz", date="2026-01-02")


def test_the_unmutated_suite_is_read(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert len(load_suite(tmp_path).gold) == 5


@pytest.mark.parametrize("block", range(6))
def test_a_mutated_suite_is_read_or_refused(tmp_path: Path, block: int) -> None:
    outcomes = [read_mutated(tmp_path, seed) for seed in range(50 * block, 50 * block + 50)]

    assert outcomes.count("refused") > 10
    assert outcomes.count("read") > 0


@pytest.mark.slow
def test_thousands_of_mutated_suites_are_read_or_refused(tmp_path: Path) -> None:
    outcomes = [read_mutated(tmp_path, seed) for seed in range(1_000, 6_000)]

    assert {"read", "refused"} == set(outcomes)


TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", " ", "red", "blue", "利马", "\u200b", "{{ input }}", "a@b.example", "\ufffd"]
    ),
)
INPUT = st.one_of(
    TEXT,
    st.dictionaries(st.sampled_from(["context", "question", "text", "note"]), TEXT, max_size=3),
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXT}
        ),
        max_size=4,
    ),
)
ROW = st.fixed_dictionaries(
    {"task": st.sampled_from(["a", "b", "c"]), "input": INPUT},
    optional={
        "references": st.lists(TEXT, max_size=3),
        "choices": st.lists(TEXT, max_size=4),
        "answer": st.integers(-1, 4),
        "cluster": TEXT,
        "slices": st.dictionaries(TEXT, TEXT, max_size=2),
    },
)
TASK = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["generate", "multiple_choice", "classification", "extractive_qa", "reading", "summarisation",
             "translation", "multi_turn", "perplexity"]
        ),
    },
    optional={
        "metrics": st.lists(
            st.sampled_from(["exact_match", "token_f1", "bleu(extract=[strip_think])", "accuracy", "rouge_l", "bleu(a"]),
            max_size=2,
        ),
        "prompt": st.sampled_from(["{{ input }}", "{{ input.note }}", "{{ choices[0] }}", "x", "{{"]),
        "extract": st.lists(st.sampled_from(["strip_think", "regex(x)", "nothing"]), max_size=2),
        "labels": st.lists(TEXT, max_size=3),
    },
)  # fmt: skip


@given(
    st.fixed_dictionaries({"a": TASK, "b": TASK}, optional={"c": TASK}),
    st.lists(ROW, min_size=1, max_size=12),
    st.sampled_from(["en", "zh"]),
)
def test_any_suite_is_looked_at_or_refused(
    tmp_path: Path, tasks: dict[str, object], rows: list[dict[str, object]], language: str
) -> None:
    head = {"name": "toy", "version": "1", "language": language, "description": "x", "tasks": tasks}
    (tmp_path / "suite.yaml").write_text(json.dumps(head), encoding="utf-8")
    text = "".join(json.dumps({"id": f"i{n}", **row}) + "\n" for n, row in enumerate(rows))
    (tmp_path / "gold.jsonl").write_text(text, encoding="utf-8")

    try:
        look_at(load_suite(tmp_path))
    except InputError as error:
        assert str(error)


LOGS = {
    "logs.jsonl": "".join(
        json.dumps(row, ensure_ascii=False) + "\n"
        for row in (
            {"question": "法国的首都？", "answer": "巴黎", "type": "qa", "time": "2026-01-01"},
            {"question": [{"role": "user", "content": "Hi"}], "answer": None, "type": 3},
            {"question": "Mail a@b.example or 13812345678", "answer": "ok", "type": "x"},
        )
    ),
    "logs.csv": 'question,type\n"Hi, you",qa\n几点？,时间\n',
}


def sample_mutated(folder: Path, seed: int) -> str:
    """Return "read" or "refused" for one mutation of a log."""
    rng = random.Random(seed)
    name = rng.choice(list(LOGS))
    file = folder / name
    file.write_bytes(mutate(LOGS[name].encode(), rng))
    try:
        logs = read_logs([file], {})
        drawn = draw_sample(logs.requests, n=2, seed=seed)
    except DataError as error:
        assert str(file) in str(error), f"seed {seed}: {error}"
        return "refused"
    except Exception as error:
        raise AssertionError(f"seed {seed} ({name}): {error!r}") from error
    json.dumps([candidate.row() for candidate in drawn.candidates], ensure_ascii=False).encode()
    return "read"


def test_a_mutated_log_is_sampled_or_refused(tmp_path: Path) -> None:
    outcomes = [sample_mutated(tmp_path, seed) for seed in range(100)]

    assert {"read", "refused"} == set(outcomes)


@pytest.mark.slow
def test_thousands_of_mutated_logs_are_sampled_or_refused(tmp_path: Path) -> None:
    outcomes = [sample_mutated(tmp_path, seed) for seed in range(1_000, 4_000)]

    assert {"read", "refused"} == set(outcomes)
