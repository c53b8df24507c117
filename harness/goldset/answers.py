"""Answers that give themselves away, cannot be given, or are damaged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from ftfy import badness
from scipy import stats

from harness.goldset.balance import ALPHA, classes_of
from harness.goldset.findings import Finding
from harness.goldset.kinds import kind_of
from harness.goldset.texts import folded, input_text, n_chinese, stands_in
from harness.suite import Suite
from harness.types import GoldRecord

ANSWER_IN_INPUT = frozenset({"retrieval", "summary", "translation", "dialogue"})
"""Kinds of task whose answer may well stand in the input."""
MANY = 0.5
"""Share of a task's items from which an answer in the input is the task's nature."""
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2028-\u202e\u2060\ufeff\u00ad]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|nbsp|apos|#\d{2,5}|#x[0-9a-fA-F]{2,4});")

N_OTHERS = 10
"""Other items that are looked at to tell an item's own words from the task's."""
Count = Callable[[str], int]
"""Number of tokens of a text."""


def answer_findings(suite: Suite, *, count: Count | None = None) -> Iterator[Finding]:
    """Yield what is wrong with the answers of a suite.

    Args:
        suite: Loaded.
        count: Counts tokens; by default a low estimate from the characters.
    """
    for task in suite.config.tasks:
        records = [record for record in suite.gold if record.task == task]
        yield from _leaked(suite, task, records)
        yield from _out_of_reach(suite, task, records, count)
        if suite.config.tasks[task].type == "extractive_qa":
            yield from _not_in_text(task, records)
    yield from _damaged(suite)
    yield from _stray_space(suite)


def estimated_tokens(text: str) -> int:
    """Return about how few tokens a text can have: 4.5 Latin characters or 1.6 Chinese in one."""
    chinese = n_chinese(text)
    return round(chinese / 1.6 + (len(text) - chinese) / 4.5)


def _leaked(suite: Suite, task: str, records: Sequence[GoldRecord]) -> Iterator[Finding]:
    kind = kind_of(suite, task)
    if suite.config.tasks[task].type == "multiple_choice":
        leaked = _naming_the_right_choice(records)
    elif kind in ANSWER_IN_INPUT or classes_of(suite, task):
        return
    else:
        leaked = [record for record in records if _gives_away(record, records)]
    if not leaked:
        return
    is_many = len(records) >= 4 and len(leaked) > MANY * len(records)
    yield Finding(
        severity="note" if is_many or kind == "reasoning" else "warning",
        kind="answer_in_input",
        text=f"{task}: the answer of {len(leaked)} of {len(records)} items stands in the input"
        + ("; such a task is answered by copying" if is_many else ""),
        mend="fine when the task is to find or conclude it there; otherwise reword the question",
        items=_ids(leaked),
    )


def _naming_the_right_choice(records: Sequence[GoldRecord]) -> list[GoldRecord]:
    """Return the items that name their right choice alone, unless as many name a wrong one."""
    alone = {record.id: _only_named(record) for record in records}
    right = [record for record in records if alone[record.id] == record.answer]
    wrong = sum(choice is not None for choice in alone.values()) - len(right)
    if not right or not wrong:
        return right
    chance = max(1 / len(record.choices) for record in records)
    p_value = stats.binomtest(len(right), len(right) + wrong, chance, "greater").pvalue
    return right if p_value < ALPHA else []


def _only_named(record: GoldRecord) -> int | None:
    """Return the one choice that stands in the input."""
    text = input_text(record)
    named = [i for i, choice in enumerate(record.choices) if stands_in(choice, text)]
    return named[0] if len(named) == 1 else None


def _gives_away(record: GoldRecord, records: Sequence[GoldRecord]) -> bool:
    text = input_text(record)
    given = [answer for answer in record.references if stands_in(answer, text)]
    if not given:
        return False
    # What stands in the inputs of most other items too is the wording of the task.
    others = [other for other in records if other.id != record.id]
    others = others[:: max(len(others) // N_OTHERS, 1)][:N_OTHERS]
    with_it = sum(any(stands_in(answer, input_text(other)) for answer in given) for other in others)
    return with_it <= len(others) / 2


def _not_in_text(task: str, records: Sequence[GoldRecord]) -> Iterator[Finding]:
    missing = [
        record
        for record in records
        if record.references
        and not any(folded(answer) in folded(input_text(record)) for answer in record.references)
    ]
    if missing:
        yield Finding(
            severity="warning",
            kind="answer_not_in_text",
            text=f"{task}: the answer of {len(missing)} of {len(records)} items does not stand in "
            f"the text, such as {missing[0].references[0]!r}; an extract can never equal it",
            mend="copy the answer from the text, or make it a `reading` task",
            items=_ids(missing),
        )


def _out_of_reach(
    suite: Suite, task: str, records: Sequence[GoldRecord], count: Count | None
) -> Iterator[Finding]:
    limit = suite.config.tasks[task].max_tokens
    measure = count or estimated_tokens
    needed = {
        record.id: min(map(measure, record.references)) for record in records if record.references
    }
    cut = [gold_id for gold_id, n_tokens in needed.items() if n_tokens > limit]
    if cut:
        about = "" if count else "about "
        yield Finding(
            severity="warning",
            kind="answer_longer_than_max_tokens",
            text=f"{task}: max_tokens is {limit}, and the answers of {len(cut)} of {len(records)} "
            f"items need more (up to {about}{max(needed.values())}): no model can give them whole",
            mend=f"raise max_tokens of {task} in suite.yaml",
            items=tuple((gold_id,) for gold_id in cut),
        )


def _damaged(suite: Suite) -> Iterator[Finding]:
    faults: Mapping[str, Callable[[str], bool]] = {
        "wrongly decoded characters (mojibake)": lambda text: (
            "\ufffd" in text or badness.is_bad(text)
        ),
        "control characters": lambda text: _CONTROL.search(text) is not None,
        "HTML entities such as &amp;": lambda text: _ENTITY.search(text) is not None,
    }
    for name, is_faulty in faults.items():
        hit = [r for r in suite.gold if any(is_faulty(text) for text in _all_texts(r))]
        if hit:
            yield Finding(
                severity="warning",
                kind="damaged_text",
                text=f"{len(hit)} items contain {name}",
                mend="take the text from its source again, as UTF-8",
                items=_ids(hit),
            )


def _stray_space(suite: Suite) -> Iterator[Finding]:
    hit = [
        record
        for record in suite.gold
        if any(text != text.strip() for text in record.references)
        or any(_INVISIBLE.search(text) for text in (*record.references, *record.choices))
    ]
    if hit:
        yield Finding(
            severity="warning",
            kind="stray_space",
            text=f"the references of {len(hit)} items have spaces around them or invisible "
            "characters inside",
            mend="remove them: some metrics compare every character",
            items=_ids(hit),
        )


def _all_texts(record: GoldRecord) -> tuple[str, ...]:
    return (input_text(record), *record.references, *record.choices)


def _ids(records: Sequence[GoldRecord]) -> tuple[tuple[str, ...], ...]:
    return tuple((record.id,) for record in records)
