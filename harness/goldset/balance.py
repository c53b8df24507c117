"""Classes, positions and lengths by which a task could be answered without reading it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from scipy import stats

from harness.goldset.findings import Finding
from harness.goldset.texts import right_answers
from harness.stats.multiple import holm
from harness.suite import Suite
from harness.types import GoldRecord

ALPHA = 0.01
"""Level of the exact tests; a gold set gets several, so the usual 0.05 would cry wolf."""
FEW_ITEMS = 10
LOPSIDED = 0.8
"""Share of one class from which answering it always looks good."""
UNEVEN = 1.2
"""Times the chance share (among classes with 5 % or more) from which a class is worth a note."""
FEW_OF_CLASS = 5


def classes_of(suite: Suite, task: str) -> Counter[str]:
    """Return how often each class is the right answer, or nothing where a task has no classes.

    Classes are the declared labels, choices that are the same for every item, or short answers
    that repeat: on average five times.
    """
    config = suite.config.tasks[task]
    records = [record for record in suite.gold if record.task == task]
    answers = [answers[0].strip() for answers in map(right_answers, records) if answers]
    counts = Counter(answers)
    if config.labels:
        return Counter({label: counts.pop(label, 0) for label in config.labels}) + counts
    if config.type == "multiple_choice":
        return counts if _has_fixed_choices(records) else Counter()
    is_closed = len(answers) >= FEW_ITEMS and len(counts) <= len(answers) / 5
    return counts if is_closed else Counter()


def balance_findings(suite: Suite) -> Iterator[Finding]:
    """Yield what is unbalanced in classes, answer positions and choice lengths."""
    yield from label_findings(suite)
    for task in suite.config.tasks:
        records = [record for record in suite.gold if record.task == task]
        classes = classes_of(suite, task)
        if classes:
            yield from _lopsided(task, classes)
        elif suite.config.tasks[task].type == "multiple_choice":
            yield from _positions(task, records)
            yield from _longest(task, records)


def label_findings(suite: Suite) -> Iterator[Finding]:
    """Yield answers that are none of their task's labels, and labels that no item has."""
    for task in suite.config.tasks:
        yield from _labels(suite, task, [record for record in suite.gold if record.task == task])


def _labels(suite: Suite, task: str, records: Sequence[GoldRecord]) -> Iterator[Finding]:
    labels = suite.config.tasks[task].labels
    if not labels:
        return
    outside = [
        record
        for record in records
        if record.references and not {ref.strip() for ref in record.references} & set(labels)
    ]
    if outside:
        yield Finding(
            severity="error",
            kind="unknown_label",
            text=f"{task}: {len(outside)} items have an answer that is none of the task's labels, "
            f"such as {outside[0].references[0]!r}",
            mend=f"correct the answer, or add the label to {task} in suite.yaml",
            items=tuple((record.id,) for record in outside),
        )
    used = {answer.strip() for record in records for answer in right_answers(record)}
    missing = [label for label in labels if label not in used]
    if missing:
        yield Finding(
            severity="warning",
            kind="empty_class",
            text=f"{task}: no item has the label {', '.join(map(repr, missing))}",
            mend="add items of each class: macro averages count a class that is never asked",
        )


def _lopsided(task: str, classes: Counter[str]) -> Iterator[Finding]:
    n, k = classes.total(), len(classes)
    name, count = classes.most_common(1)[0]
    if n < FEW_ITEMS:
        return
    share = count / n
    usual = sum(number >= n / 20 for number in classes.values())
    chance = 1 / max(usual, 2)
    is_uneven = stats.binomtest(count, n, chance, "greater").pvalue * k < ALPHA
    is_uneven = is_uneven and share > UNEVEN * chance
    if share >= LOPSIDED or is_uneven:
        yield Finding(
            severity="warning" if share >= LOPSIDED else "note",
            kind="class_balance",
            text=f"{task}: {name!r} is right for {count} of {n} items: always answering it scores "
            f"{share:.0%}",
            mend="judge such a task by macro_f1 or mcc too, or add items of the other classes",
        )
    rare = [name for name, count in classes.items() if 0 < count < FEW_OF_CLASS]
    if rare and n >= FEW_ITEMS:
        shown = ", ".join(map(repr, rare[:6])) + (" …" if len(rare) > 6 else "")
        yield Finding(
            severity="note",
            kind="rare_class",
            text=f"{task}: {len(rare)} of {k} classes have fewer than {FEW_OF_CLASS} items "
            f"({shown})",
            mend="read scores of these classes as anecdotes, or add items",
        )


def _positions(task: str, records: Sequence[GoldRecord]) -> Iterator[Finding]:
    """Test each answer position against chance, exactly, corrected for their number (Holm)."""
    for k in sorted({len(record.choices) for record in records}):
        answers = [r.answer for r in records if len(r.choices) == k and r.answer is not None]
        counts = Counter(answers)
        tests = [stats.binomtest(counts[i], len(answers), 1 / k) for i in range(k)]
        adjusted = holm([float(test.pvalue) for test in tests])
        odd = min(range(k), key=lambda i: adjusted[i])
        if len(answers) >= FEW_ITEMS and adjusted[odd] < ALPHA:
            spread = ", ".join(f"{chr(65 + i)} {counts[i]}" for i in range(k))
            yield Finding(
                severity="warning",
                kind="answer_position",
                text=f"{task}: among items with {k} choices the right one stands at {spread}; "
                f"chance gives {len(answers) / k:.0f} each (exact test, p = {adjusted[odd]:.2g})",
                mend="shuffle the choices, once, with a fixed seed",
            )


def _longest(task: str, records: Sequence[GoldRecord]) -> Iterator[Finding]:
    """Test whether the right choice is the longest more often than chance."""
    hits, chances = list[str](), list[float]()
    for record in records:
        lengths = [len(choice) for choice in record.choices]
        if lengths.count(max(lengths)) == 1:
            chances.append(1 / len(lengths))
            if record.answer == lengths.index(max(lengths)):
                hits.append(record.id)
    n = len(chances)
    if n < FEW_ITEMS:
        return
    chance = sum(chances) / n
    # The mean chance gives a wider distribution than the true one, so this errs on quiet.
    p_value = float(stats.binomtest(len(hits), n, chance, "greater").pvalue)
    if p_value < ALPHA:
        yield Finding(
            severity="note" if len(hits) < 2 * chance * n else "warning",
            kind="longest_choice",
            text=f"{task}: the longest choice is right in {len(hits)} of {n} items; chance gives "
            f"{chance * n:.0f} (exact test, p = {p_value:.2g})",
            mend="bring the wrong choices to the length of the right ones",
            items=tuple((gold_id,) for gold_id in hits),
        )


def _has_fixed_choices(records: Sequence[GoldRecord]) -> bool:
    sets = Counter(frozenset(record.choices) for record in records)
    return len(records) > 1 and max(sets.values()) >= 0.9 * len(records)
