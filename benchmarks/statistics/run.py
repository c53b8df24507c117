"""Paired bootstrap of corpus BLEU, five systems on 10,000 segments: against sacrebleu's own.

The draws are the same, item by item, so the p-values must be equal; then times are compared.
Run: python benchmarks/statistics/run.py [--draws 10000] [--their-draws 10000] [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest

from harness.metrics.base import Item, Setting
from harness.metrics.build import build_metric
from harness.stats.bootstrap import bootstrap_values, paired_bootstraps
from harness.stats.resample import Array
from harness.types import Completion, GoldRecord

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SYSTEMS = ("ONLINE-A", "ONLINE-B", "ONLINE-G", "ONLINE-Y", "GPT4-5shot")
SEED = 12345
"""sacrebleu's (SACREBLEU_SEED)."""
SINGLE = 1e-4
"""sacrebleu computes the BLEU of a draw in single precision: seven digits."""
N_SEGMENTS = 10_000
GIB = 2**30


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--their-draws", type=int, default=10_000)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--ours-only", action="store_true", help="in a process of its own")
    args = parser.parse_args()
    folder = args.data / "wmt23-ende"
    if not folder.is_dir():
        print(f"statistics: skipped; the public data sets are not in {args.data}")
        return

    said, references = segments(folder)
    parts = measured(said, references)
    if args.ours_only:
        ours(parts, args.draws)
        return
    print(f"{len(said)} systems × {len(references)} segments, {args.draws} draws")
    command = [sys.executable, __file__, "--ours-only", "--draws", str(args.draws)]
    seconds, cpu_seconds, peak_bytes = (
        float(part)
        for part in subprocess.run(
            [*command, "--data", str(args.data)], check=True, capture_output=True, text=True
        ).stdout.split()
    )
    theirs, their_seconds, their_cpu_seconds = sacrebleu(said, references, args.their_draws)
    check(parts, theirs, args.their_draws)
    scale = args.draws / args.their_draws
    note = f", scaled from {args.their_draws} draws ({their_seconds:.1f} s)" if scale != 1 else ""
    print(f"  sacrebleu: {their_seconds * scale:.1f} s{note}; counting n-grams is not in it")
    print(f"  ours: {seconds:.2f} s, intervals and p of {len(said) - 1} comparisons included")
    print(f"statistics: sacrebleu / ours = {their_seconds * scale / seconds:.0f} (expected ≥ 50)")
    print(
        f"statistics: of processor time {their_cpu_seconds * scale:.1f} s and {cpu_seconds:.2f} s: "
        f"{their_cpu_seconds * scale / cpu_seconds:.0f}"
    )
    print(f"statistics: peak memory of ours {peak_bytes / GIB:.2f} GiB (expected < 1)")


def segments(folder: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Return 10,000 segments of each system and their references, drawn from the 557 real ones."""
    chosen = np.random.default_rng(1).integers(len(lines(folder / "ref.de.txt")), size=N_SEGMENTS)

    def drawn(file: str) -> list[str]:
        texts = lines(folder / file)
        return [texts[i] for i in chosen]

    return {name: drawn(f"systems/{name}.txt") for name in SYSTEMS}, drawn("ref.de.txt")


def lines(file: Path) -> list[str]:
    """Return the lines of a file."""
    return file.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def measured(said: Mapping[str, Sequence[str]], references: Sequence[str]) -> list[Array]:
    """Return the statistics of each system, [n, k]."""
    metric = build_metric("bleu", Setting(language="en"))
    gold = [
        GoldRecord(id=f"s{i}", task="t", input="?", references=(text,))
        for i, text in enumerate(references)
    ]
    found: list[Array] = []
    for texts in said.values():
        items = [
            Item(
                gold=record,
                completion=Completion(gold_id=record.id, text=text, finish="stop", prompt_tokens=1),
            )
            for record, text in zip(gold, texts, strict=True)
        ]
        found.append(np.asarray([one.stats for one in metric.measure(items) if one is not None]))
    return found


def ours(parts: Sequence[Array], n_draws: int) -> None:
    """Time the comparison of all systems with the first; print seconds (wall, CPU), peak bytes."""
    reduce = build_metric("bleu", Setting(language="en")).reduce
    start, start_cpu = time.perf_counter(), time.process_time()
    first, *others = parts
    paired_bootstraps(first, others, reduce, spread=100.0, n_draws=n_draws, seed=SEED)
    seconds = time.perf_counter() - start
    print(
        seconds,
        time.process_time() - start_cpu,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def sacrebleu(
    said: Mapping[str, Sequence[str]], references: Sequence[str], n_draws: int
) -> tuple[list[Any], float, float]:
    """Return the results of sacrebleu's paired bootstrap, and its seconds without the counting.

    The seconds are those of the wall clock and those of the processor.
    """
    metric = Counted(references=[list(references)])
    start, start_cpu = time.perf_counter(), time.process_time()
    test = PairedTest(
        [(name, list(texts)) for name, texts in said.items()],
        {"BLEU": metric},
        references=None,
        test_type="bs",
        n_samples=n_draws,
    )
    results = test()[1]["BLEU"]
    seconds = time.perf_counter() - start - metric.seconds
    return list(results), seconds, time.process_time() - start_cpu - metric.cpu_seconds


class Counted(BLEU):
    """sacrebleu's BLEU, with the time that it spends on counting n-grams taken."""

    seconds = 0.0
    cpu_seconds = 0.0

    def _extract_corpus_statistics(self, hypotheses: Any, references: Any) -> Any:
        start, start_cpu = time.perf_counter(), time.process_time()
        found = super()._extract_corpus_statistics(hypotheses, references)
        self.seconds += time.perf_counter() - start
        self.cpu_seconds += time.process_time() - start_cpu
        return found


def check(parts: Sequence[Array], theirs: Sequence[Any], n_draws: int) -> None:
    """Assert that values, means over the draws, and p-values are those of sacrebleu."""
    reduce = build_metric("bleu", Setting(language="en")).reduce
    drawn = bootstrap_values(parts, reduce, n_draws=n_draws, seed=SEED)
    values = [float(reduce(part.sum(axis=0))) for part in parts]
    for i, (name, result) in enumerate(zip(SYSTEMS, theirs, strict=True)):
        assert abs(values[i] - result.score) < 1e-9, f"{name}: {values[i]}, {result.score}"
        apart = abs(float(drawn[:, i].mean()) - result.mean)
        assert apart < SINGLE, f"{name}: other draws, their means differ by {apart}"
        if i == 0:
            continue
        # sacrebleu's formula: how often a centred difference of the draws exceeds the observed.
        sizes = np.abs(drawn[:, i] - drawn[:, 0])
        n_beyond = int((sizes - sizes.mean() > abs(values[i] - values[0])).sum())
        p = (1 + n_beyond) / (n_draws + 1)
        assert p == result.p_value, f"{name}: p {p}, sacrebleu's {result.p_value}"
        print(f"  {name}: BLEU {values[i]:.2f}, p by sacrebleu's formula {p:.4f}, equal")


if __name__ == "__main__":
    main()
