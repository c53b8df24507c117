"""Score 100,000 real rows: ours on all cores, against rouge-score, sacrebleu and the SQuAD script.

Half of the rows are English, half Chinese. The numbers must be the same; then times are compared.
Run: python benchmarks/scoring/run.py [--rows 100000] [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import peers
from rows import Pair, pairs, records

from harness.digest import canonical_json
from harness.machine import this_machine
from harness.measuring import Work, measure_all
from harness.metrics.base import Item, Setting
from harness.metrics.build import build_metric
from harness.scoring import Scores, score_run
from harness.stats.resample import weights
from harness.store import RunFolder
from harness.suite import load_suite

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
GROUPS: dict[str, tuple[Callable[[list[Pair], str], dict[str, float]], tuple[str, ...]]] = {
    "EM, token F1": (peers.squad, ("exact_match", "token_f1")),
    "BLEU": (peers.bleu, ("bleu",)),
    "chrF": (peers.chrf, ("chrf",)),
    "ROUGE-1/2/L": (peers.rouge, ("rouge_1", "rouge_2", "rouge_l")),
}
NAMES = tuple(name for _, names in GROUPS.values() for name in names)
LANGUAGES = ("en", "zh")
DIGITS = 1e-9
"""Relative: sums in another order."""
N_DRAWS = 1000
NAIVE_DRAWS = 2
NAIVE_SHARE = 20
"""Naive resampling is timed on one row in so many."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=DATA)
    args = parser.parse_args()
    if not args.data.is_dir():
        print(f"scoring: skipped; the public data sets are not in {args.data}")
        return

    rows = {language: pairs(args.data, language, args.rows // 2) for language in LANGUAGES}
    for language in LANGUAGES:
        lengths = [len(text) for pair in rows[language] for text in pair]
        print(f"{language}: {len(rows[language])} rows, {np.mean(lengths):.0f} characters a text")
    peer_seconds = compare_groups(rows)
    whole, seconds = score_everything(rows)
    ratio = peer_seconds / seconds
    print(f"scoring: all metrics with files, peers / ours = {ratio:.1f} ({seconds:.1f} s)")
    intervals(whole, rows, seconds)


def compare_groups(rows: dict[str, list[Pair]]) -> float:
    """Time each metric alone, ours and theirs, and check the numbers; return their seconds."""
    total = 0.0
    items = {language: items_of(rows[language]) for language in LANGUAGES}
    for group, (peer, names) in GROUPS.items():
        their_seconds = our_seconds = 0.0
        for language in LANGUAGES:
            start = time.perf_counter()
            theirs = peer(rows[language], language)
            their_seconds += time.perf_counter() - start
            start = time.perf_counter()
            ours = measured(items[language], language, names)
            our_seconds += time.perf_counter() - start
            for name in names:
                same = math.isclose(ours[name], theirs[name], rel_tol=DIGITS)
                assert same, f"{language} {name}: ours {ours[name]}, theirs {theirs[name]}"
        total += their_seconds
        expected = "; expected ≥ 5 on 2 cores" if group.startswith("ROUGE") else ""
        print(
            f"  {group:13}peers {their_seconds:6.1f} s, ours {our_seconds:5.1f} s: "
            f"{their_seconds / our_seconds:.1f} times as fast, the same numbers{expected}",
            flush=True,
        )
    return total


def items_of(rows: list[Pair]) -> list[Item]:
    """Return the rows as scoring sees them."""
    return [Item(gold=g, completion=c) for g, c in zip(*records(rows), strict=True)]


def measured(items: list[Item], language: str, names: tuple[str, ...]) -> dict[str, float]:
    """Return our values, measured as scoring does, without files."""
    setting = Setting(language=language)
    builds = [partial(build_metric, name, setting) for name in names]
    works = [Work(metric=build(), build=build, wanted=range(len(items))) for build in builds]
    totals = [np.zeros(0)] * len(names)
    for batch in measure_all(items, works, label="ours"):
        stats = np.asarray([one.stats for one in batch.measured if one]).sum(axis=0)
        totals[batch.work] = stats if not totals[batch.work].size else totals[batch.work] + stats
    return {
        name: float(work.metric.reduce(total))
        for name, work, total in zip(names, works, totals, strict=True)
    }


def score_everything(rows: dict[str, list[Pair]]) -> tuple[dict[str, list[Scores]], float]:
    """Score stored runs with all metrics, files included; return the scores and the seconds."""
    found: dict[str, list[Scores]] = {}
    seconds = 0.0
    with tempfile.TemporaryDirectory() as root:
        for language in LANGUAGES:
            gold, said = records(rows[language])
            folder = Path(root) / language
            folder.mkdir()
            lines = "".join(canonical_json(g.model_dump(mode="json")) + "\n" for g in gold)
            (folder / "gold.jsonl").write_text(lines, encoding="utf-8")
            (folder / "suite.yaml").write_text(
                f"name: many\nversion: '1'\nlanguage: {language}\ndescription: Rows.\n"
                f"tasks:\n  t: {{metrics: [{', '.join(NAMES)}]}}\n",
                encoding="utf-8",
            )
            suite = load_suite(folder)
            run = RunFolder(path=folder / "run")
            run.create({"gold": suite.gold_digest, "template": "t"}, {})
            with run.append_completions() as writer:
                writer.write_all(c.model_dump(mode="json") for c in said)
            start = time.perf_counter()
            found[language] = score_run(run, suite, "base")
            seconds += time.perf_counter() - start
    return found, seconds


def intervals(whole: dict[str, list[Scores]], rows: dict[str, list[Pair]], seconds: float) -> None:
    """Time 1,000-draw bootstrap intervals of all metrics, and the naive way for comparison."""
    start = time.perf_counter()
    for scores in whole.values():
        matrices = [one.matrix(list(one.stats)) for one in scores]
        totals = np.concatenate(matrices, axis=1)
        draws = weights(len(totals), N_DRAWS, seed=1)
        sums = np.concatenate([drawn @ totals for drawn in draws])
        edges = np.cumsum([0, *(matrix.shape[1] for matrix in matrices)])
        for one, left, right in zip(scores, edges[:-1], edges[1:], strict=True):
            low, high = np.quantile(one.metric.reduce(sums[:, left:right]), [0.025, 0.975])
            value = one.metric.reduce(totals[:, left:right].sum(axis=0))
            assert low <= value <= high, one.metric.name
    ours = time.perf_counter() - start
    naive = naive_seconds(rows)
    print(
        f"scoring: {N_DRAWS} bootstrap draws of all metrics take {ours:.1f} s more, "
        f"{100 * ours / seconds:.1f} % of scoring on {this_machine().cores} cores (expected < 10 %)"
    )
    print(
        f"scoring: drawing rows and measuring them again, extrapolated from {NAIVE_DRAWS} draws of "
        f"1/{NAIVE_SHARE} of the rows with our own metrics in one process: {naive / 3600:.1f} h, "
        f"{naive / seconds:.0f} times the scoring (expected ≥ 20)"
    )


def naive_seconds(rows: dict[str, list[Pair]]) -> float:
    """Estimate the naive bootstrap: every draw measures its rows afresh."""
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    for language in LANGUAGES:
        n = len(rows[language]) // NAIVE_SHARE
        for _ in range(NAIVE_DRAWS):
            drawn = [rows[language][i] for i in rng.integers(len(rows[language]), size=n)]
            items = items_of(drawn)
            for name in NAMES:
                build_metric(name, Setting(language=language)).measure(items)
    return (time.perf_counter() - start) * NAIVE_SHARE * N_DRAWS / NAIVE_DRAWS


if __name__ == "__main__":
    main()
