"""A million training rows against ten thousand gold items: seconds and peak memory.

English text from the public data sets beside the repository, shuffled sentence by sentence, with
known leaks planted; every one must be found. The peer is lm-eval's Janitor (13-word n-grams,
in Python), on a part of the rows, its time multiplied up.
Run: python benchmarks/contamination/run.py [--rows 1000000] [--gold 10000]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from harness.contamination.find import find_leaks
from harness.contamination.read import read_training_texts
from harness.machine import peak_rss_bytes, this_machine
from harness.suite import Suite, load_suite

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ROW_WORDS = 100
GOLD_WORDS = 40
PEER_ROWS = 10_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--gold", type=int, default=10_000)
    args = parser.parse_args()
    if not SHARED.is_dir():
        raise SystemExit(f"needs the public data sets in {SHARED}")

    rng = random.Random(7)
    sentences = read_sentences()
    rng.shuffle(sentences)
    half = len(sentences) // 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gold = [passage(sentences[:half], GOLD_WORDS, rng) for _ in range(args.gold)]
        planted = {rng.randrange(args.rows): i for i in range(0, args.gold, 100)}
        file = folder / "train.jsonl"
        with file.open("w", encoding="utf-8") as stream:
            for number in range(args.rows):
                text = passage(sentences[half:], ROW_WORDS, rng)
                if number in planted:
                    text = f"{text} {gold[planted[number]]} Thanks."
                row = {"instruction": text, "output": "Yes."}
                stream.write(json.dumps(row) + "\n")
        suite = write_suite(folder, gold)
        size = file.stat().st_size / 2**20

        started = time.perf_counter()
        leaks = find_leaks(suite, read_training_texts(file))
        seconds = time.perf_counter() - started

        found = {leak.gold_id for leak in leaks}
        missed = {f"g{i}" for i in planted.values()} - found
        assert not missed, f"{len(missed)} planted leaks were not found"
        peak = peak_rss_bytes() + this_machine().cores * peak_rss_bytes(children=True)
        peer = janitor_seconds(gold, file, min(PEER_ROWS, args.rows))
    print(
        f"contamination: {args.rows:,} rows ({size:,.0f} MiB) × {args.gold:,} gold items in "
        f"{seconds:.0f} s, peak {peak / 2**30:.2f} GiB with all processes (expected < 120 s, < 2 GiB); "
        f"all {len(planted)} planted leaks found, {len(found) - len(planted)} others"
    )
    total = peer * args.rows / min(PEER_ROWS, args.rows)
    print(
        f"contamination: lm-eval's Janitor / ours = {total / seconds:.0f} "
        f"({total:,.0f} s, from {PEER_ROWS:,} rows multiplied up)"
    )


def read_sentences() -> list[str]:
    """Return some ten thousands of distinct English sentences."""
    texts: list[str] = []
    for name in ("pubmedqa/train.jsonl", "mts-dialog/train.jsonl", "aci-bench/train.jsonl"):
        texts.extend(row["input"] for row in read_rows(SHARED / name))
    texts.extend(row["question"] for row in read_rows(SHARED / "gsm8k" / "test.jsonl"))
    found = (part.strip() for text in texts for part in re.split(r"(?<=[.?!])\s+", text))
    return sorted({sentence for sentence in found if len(sentence.split()) >= 5})


def read_rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a JSON Lines file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def passage(sentences: list[str], n_words: int, rng: random.Random) -> str:
    """Return random sentences, together at least `n_words` long."""
    parts: list[str] = []
    length = 0
    while length < n_words:
        sentence = sentences[rng.randrange(len(sentences))]
        parts.append(sentence)
        length += sentence.count(" ") + 1
    return " ".join(parts)


def write_suite(folder: Path, gold: list[str]) -> Suite:
    """Write the gold texts as a suite and load it."""
    (folder / "suite.yaml").write_text(
        "name: bench\nversion: '1'\nlanguage: en\ndescription: benchmark\n"
        "tasks: {ask: {metrics: [exact_match]}}\n",
        encoding="utf-8",
    )
    rows = (
        {"id": f"g{i}", "task": "ask", "input": text, "references": ["yes"]}
        for i, text in enumerate(gold)
    )
    lines = [json.dumps(row) for row in rows]
    (folder / "gold.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_suite(folder)


def janitor_seconds(gold: list[str], file: Path, n_rows: int) -> float:
    """Return the seconds that lm-eval's own decontamination takes for the first rows."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        from lm_eval.decontamination.janitor import Janitor

    janitor = Janitor()
    for text in gold:
        janitor.register_contaminant(text)
    with file.open(encoding="utf-8") as stream:
        rows = [json.loads(line)["instruction"] for line in islice(stream, n_rows)]
    started = time.perf_counter()
    for row in rows:
        janitor.clean(row)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
