"""What a gold set covers: kinds of question, languages, lengths, independent sources."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from harness.goldset.answers import Count, estimated_tokens
from harness.goldset.findings import Finding
from harness.goldset.kinds import COVERAGE, kind_of
from harness.goldset.language import language_of
from harness.goldset.texts import input_text, n_words
from harness.stats.resample import group_numbers
from harness.suite import Suite
from harness.types import GoldRecord

FEW_ITEMS = 30
"""Below this many items only very large changes can be seen."""
FEW_CLUSTERS = 30
"""Below this many independent groups an interval is noticeably wider for it."""
OUTLYING = 6.0
"""Robust standard deviations of the log length from which an input is suspicious."""
USUAL_CONTEXT = 2048
"""Tokens that the smallest models in use can read."""


def coverage_findings(
    suite: Suite, *, count: Count | None = None, context: int | None = None
) -> Iterator[Finding]:
    """Yield what is missing, rare or out of the ordinary.

    Args:
        suite: Loaded.
        count: Counts tokens; by default a low estimate from the characters.
        context: Tokens that the model can read.
    """
    yield from _kinds(suite)
    yield from _languages(suite)
    yield from _too_few(suite)
    yield from _clusters(suite)
    for task in suite.config.tasks:
        records = [record for record in suite.gold if record.task == task]
        yield from _unusual_lengths(task, records)
    yield from _too_long(suite, count, context)


def _kinds(suite: Suite) -> Iterator[Finding]:
    has = {task: kind_of(suite, task) for task in suite.config.tasks}
    missing = [kind for kind in COVERAGE if kind not in has.values()]
    if missing:
        shown = ", ".join(f"{task} ({kind})" for task, kind in has.items())
        yield Finding(
            severity="note",
            kind="kinds_missing",
            text=f"no task asks for {', '.join(missing)}; there are {shown}",
            mend="fine for a suite with one purpose; a domain's gold set should cover them all",
        )


def _languages(suite: Suite) -> Iterator[Finding]:
    wanted = suite.config.language
    found = {record.id: language_of(_own_text(suite, record)) for record in suite.gold}
    foreign = [record for record in suite.gold if found[record.id] not in (wanted, "none", "mixed")]
    mixed = [gold_id for gold_id, tongue in found.items() if tongue == "mixed"]
    if foreign:
        is_declared = all(found[r.id] in r.slices.values() for r in foreign)
        yield Finding(
            severity="note" if is_declared else "warning",
            kind="other_language",
            text=f"{len(foreign)} of {len(found)} items are not in the suite's language "
            f"({wanted}), by which every metric cuts texts into words",
            mend="declared by a slice: make sure that their answers are found by such a cut"
            if is_declared
            else "move them into a suite of their own language",
            items=tuple((record.id,) for record in foreign),
        )
    if mixed:
        yield Finding(
            severity="note",
            kind="mixed_language",
            text=f"{len(mixed)} of {len(found)} items mix Chinese with Latin words",
            mend="fine where users write so",
            items=tuple((gold_id,) for gold_id in mixed),
        )


def _own_text(suite: Suite, record: GoldRecord) -> str:
    """Return the text that is in the suite's language: of a translation, what comes out."""
    if suite.config.tasks[record.task].type == "translation" and record.references:
        return record.references[0]
    return input_text(record)


def _too_few(suite: Suite) -> Iterator[Finding]:
    small = {
        task: n
        for task in suite.config.tasks
        if (n := sum(record.task == task for record in suite.gold)) < FEW_ITEMS
    }
    empty = [task for task, n in small.items() if n == 0]
    if empty:
        yield Finding(
            severity="warning",
            kind="empty_task",
            text=f"no item belongs to {', '.join(empty)}",
            mend="add items, or delete the task from suite.yaml",
        )
    few = [f"{task} ({n})" for task, n in small.items() if n]
    if few:
        yield Finding(
            severity="note",
            kind="few_items",
            text=f"fewer than {FEW_ITEMS} items: {', '.join(few)}",
            mend="`tunemark gold power` says how large a change this many items can show",
        )


def _clusters(suite: Suite) -> Iterator[Finding]:
    for task in suite.config.tasks:
        clusters = [record.cluster for record in suite.gold if record.task == task]
        n_groups = len(set(group_numbers(clusters)))
        if len(clusters) == n_groups or n_groups >= FEW_CLUSTERS:
            continue
        if n_groups == 1:
            meaning = "nothing tells how much one cluster differs from another: no verdict"
        else:
            wider = stats.t.ppf(0.975, n_groups - 1) / stats.norm.ppf(0.975) - 1
            meaning = (
                f"intervals are Student's t with {n_groups - 1} degrees of freedom, {wider:.0%} "
                "wider than with many clusters"
            )
        yield Finding(
            severity="warning" if n_groups == 1 else "note",
            kind="few_clusters",
            text=f"{task}: {len(clusters)} items come from only {n_groups} clusters; {meaning}",
            mend="items from more sources help more than more items from these",
        )


def _unusual_lengths(task: str, records: Sequence[GoldRecord]) -> Iterator[Finding]:
    lengths = [max(n_words(input_text(record)), 1) for record in records]
    if len(lengths) < FEW_ITEMS:
        return
    logs = np.log(lengths)
    centre = float(np.median(logs))
    # 1.4826 · MAD estimates the standard deviation of a normal distribution.
    spread = max(1.4826 * float(np.median(np.abs(logs - centre))), 0.25)
    odd = [
        (record.id, length)
        for record, length, log in zip(records, lengths, logs.tolist(), strict=True)
        if abs(log - centre) > OUTLYING * spread
    ]
    if odd:
        shown = ", ".join(f"{length}" for _, length in odd[:5])
        yield Finding(
            severity="note",
            kind="unusual_length",
            text=f"{task}: {len(odd)} inputs are far from the usual "
            f"{statistics.median(lengths):.0f} words ({shown}{' …' if len(odd) > 5 else ''})",
            mend="look whether something was cut off or pasted twice",
            items=tuple((gold_id,) for gold_id, _ in odd),
        )


def _too_long(suite: Suite, count: Count | None, context: int | None) -> Iterator[Finding]:
    limit, measure = context or USUAL_CONTEXT, count or estimated_tokens
    long = {
        record.id: n_tokens
        for record in suite.gold
        if (n_tokens := _needed(suite, record, measure)) > limit
    }
    if long:
        is_known = context is not None and count is not None
        yield Finding(
            severity="error" if is_known else "note",
            kind="too_long",
            text=f"{len(long)} items need more than {limit} tokens with their answer (the longest "
            f"{'' if is_known else 'about '}{max(long.values())})"
            + ("" if is_known else f"; small models read {limit}"),
            mend="shorten them"
            if is_known
            else "check with `--model`, which counts with its tokenizer",
            items=tuple((gold_id,) for gold_id in long),
        )


def _needed(suite: Suite, record: GoldRecord, measure: Count) -> int:
    task = suite.config.tasks[record.task]
    answer = max(map(measure, record.choices)) if record.choices else task.max_tokens
    return measure(input_text(record)) + answer
