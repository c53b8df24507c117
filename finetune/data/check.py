"""Check training data for everything that is known to make training worse or scores wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from finetune.data.examples import Example, training_text
from finetune.data.lengths import Cut, Length, Measure, cut_at, histogram, percentiles
from finetune.data.repeats import asked_key, equal_rows, near_rows
from finetune.data.rules import RULES, TOLD, CleanConfig, tongue
from finetune.data.source import Rows
from harness.contamination.find import find_leaks
from harness.goldset.findings import Finding, sorted_findings
from harness.goldset.language import language_of
from harness.goldset.logs import SIDES
from harness.goldset.texts import folded, n_words
from harness.suite import Suite

SHORT_ANSWER = 8
"""Words up to which two different answers to one question contradict each other."""
LENGTH_BIAS = 0.7
"""Share of pairs from which a longer chosen answer is told: DPO learns length first."""
FEWEST_PAIRS = 20
SINGULAR = {"have": "has", "are": "is"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found out."""

    n_rows: int
    formats: Mapping[str, str]
    """By file."""
    unit: str
    """What lengths are counted in."""
    lengths: Mapping[str, int]
    """Percentiles."""
    bins: Sequence[tuple[int, int, int]]
    """From, below, rows."""
    languages: Mapping[str, int]
    tasks: Mapping[str, Mapping[str, int]]
    """Rows by value, for every field that names tasks."""
    cut: Cut | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """How lengths are measured."""

    measure: Measure
    unit: str
    limit: int | None = None
    """Tokens that training reads of a row."""


def check_data(
    sources: Sequence[Rows], measuring: Measuring, *, suites: Sequence[Suite] = ()
) -> Checked:
    """Return what there is, and what is wrong with it, the gravest first.

    Args:
        sources: Files, checked as one set.
        measuring: Counts tokens.
        suites: Whose gold items must not stand in the data.
    """
    examples = [example for rows in sources for example in rows.examples]
    lengths = [measuring.measure(example) for example in examples]
    counts = [length.n_tokens for length in lengths]
    cut = cut_at(lengths, measuring.limit) if measuring.limit is not None else None
    languages = Counter(tongue(example) for example in examples)
    return Checked(
        n_rows=len(examples),
        formats={str(rows.file): rows.format.name for rows in sources},
        unit=measuring.unit,
        lengths=percentiles(counts),
        bins=histogram(counts),
        languages=dict(languages.most_common()),
        tasks=_tasks(examples),
        cut=cut,
        findings=sorted_findings(
            [
                *_by_rule(examples),
                *_repeats(examples),
                *_contradictions(examples),
                *_truncation(examples, lengths, cut, measuring.limit),
                *_languages(examples),
                *_preferences(examples),
                *_labels(examples),
                *_tools(examples),
                *_leaks(examples, suites),
            ]
        ),
    )


def rows_that(n: int, verb: str) -> str:
    """Return "1 row repeats …", "2 rows repeat …"; the verb's first word is conjugated."""
    if n != 1:
        return f"{n} rows {verb}"
    first, space, rest = verb.partition(" ")
    return f"1 row {SINGULAR.get(first, f'{first}s')}{space}{rest}"


def _by_rule(examples: Sequence[Example]) -> Iterator[Finding]:
    for name, rule in RULES.items():
        hits = [(example, why) for example in examples if (why := rule(example))]
        if hits:
            told = TOLD[name]
            yield Finding(
                severity=told.severity,
                kind=name,
                text=f"{rows_that(len(hits), told.text)}; {hits[0][1]}",
                mend=told.mend,
                items=tuple((example.where,) for example, _ in hits),
            )


def _repeats(examples: Sequence[Example]) -> Iterator[Finding]:
    equal = equal_rows(examples)
    if equal:
        yield Finding(
            severity="warning",
            kind="duplicate",
            text=f"{rows_that(len(equal), 'repeat another')}: what is there twice weighs double",
            mend="`data clean` keeps the first of each",
            items=tuple((examples[a].where, examples[b].where) for b, a in equal),
        )
    copies = {i for i, _ in equal}
    others = [example for i, example in enumerate(examples) if i not in copies]
    default = CleanConfig().near
    assert default is not None, "near-duplicates are looked for by default"
    near = near_rows(others, default)
    if near:
        yield Finding(
            severity="warning",
            kind="near_duplicate",
            text=f"{rows_that(len(near), 'repeat')} another nearly, question and answer",
            mend="`data clean` keeps the first of each; --near sets how alike",
            items=tuple((others[one.earlier].where, others[one.index].where) for one in near),
        )


def _contradictions(examples: Sequence[Example]) -> Iterator[Finding]:
    """Tell questions that have several answers; short ones are probably faults."""
    by_question: dict[object, list[Example]] = {}
    for example in examples:
        if example.kind == "chat" and example.turns:
            by_question.setdefault(asked_key(example), []).append(example)
    several = [
        list({folded(one.last_answer): one for one in reversed(group)}.values())[::-1]
        for group in by_question.values()
        if len(group) > 1
    ]
    several = [group for group in several if len(group) > 1]
    short = [g for g in several if all(n_words(one.last_answer) <= SHORT_ANSWER for one in g)]
    long = [group for group in several if group not in short]
    if short:
        answers = " and ".join(repr(one.last_answer) for one in short[0][:2])
        yield Finding(
            severity="warning",
            kind="contradiction",
            text=f"questions with different short answers: {len(short)}, such as {answers}",
            mend="decide which is right, or put all of them into one answer",
            items=tuple(tuple(one.where for one in group) for group in short),
        )
    if long:
        yield Finding(
            severity="note",
            kind="several_answers",
            text=f"questions with several longer answers: {len(long)}",
            mend="fine for creative tasks; otherwise keep the best",
            items=tuple(tuple(one.where for one in group) for group in long),
        )


def _truncation(
    examples: Sequence[Example], lengths: Sequence[Length], cut: Cut | None, limit: int | None
) -> Iterator[Finding]:
    if cut is None or not cut.rows:
        return
    share = len(cut.rows) / len(examples)
    yield Finding(
        severity="warning",
        kind="truncation",
        text=f"{rows_that(len(cut.rows), 'are')} longer than {limit} tokens ({share:.1%}), by "
        f"{cut.tokens} tokens in all, the longest has "
        f"{max(length.n_tokens for length in lengths)}; cutting them would lose the whole last "
        f"answer of {len(cut.lost)} and tear an answer of {len(cut.torn)}, which then never ends",
        mend="raise max_tokens, shorten the rows, or let `over_length: drop` leave them out whole",
        items=tuple((examples[i].where,) for i in cut.rows),
    )


def _languages(examples: Sequence[Example]) -> Iterator[Finding]:
    crossed = [
        example
        for example in examples
        if example.questions
        and {language_of(example.questions[-1]), language_of(example.last_answer)} == {"en", "zh"}
    ]
    if crossed:
        yield Finding(
            severity="note",
            kind="crossed_languages",
            text=f"{rows_that(len(crossed), 'ask')} in one language and answer in the other",
            mend="fine for translation; otherwise the model learns to answer in another language",
            items=tuple((example.where,) for example in crossed),
        )
    mixed = [example for example in examples if tongue(example) == "other"]
    if mixed:
        yield Finding(
            severity="note",
            kind="other_language",
            text=f"{rows_that(len(mixed), 'are')} neither English nor Chinese",
            mend="`data clean --languages en,zh,mixed` drops them",
            items=tuple((example.where,) for example in mixed),
        )


def _preferences(examples: Sequence[Example]) -> Iterator[Finding]:
    pairs = [example for example in examples if example.kind == "preference"]
    longer = [
        example
        for example in pairs
        if sum(len(turn.content or "") for turn in example.chosen)
        > sum(len(turn.content or "") for turn in example.rejected)
    ]
    if len(pairs) >= FEWEST_PAIRS and len(longer) >= LENGTH_BIAS * len(pairs):
        yield Finding(
            severity="warning",
            kind="length_bias",
            text=f"the chosen answer is the longer one in {len(longer)} of {len(pairs)} pairs",
            mend="balance the lengths: preference training learns length before anything else",
        )


def _labels(examples: Sequence[Example]) -> Iterator[Finding]:
    labels = Counter(example.label for example in examples if example.label is not None)
    if labels:
        is_one_sided = len(labels) == 1
        yield Finding(
            severity="warning" if is_one_sided else "note",
            kind="labels",
            text=f"{labels[True]} answers are labelled good, {labels[False]} bad",
            mend="KTO needs both kinds"
            if is_one_sided
            else "set KTO's weights so that both sides count about the same",
        )


def _tools(examples: Sequence[Example]) -> Iterator[Finding]:
    hits = [
        example
        for example in examples
        if example.tools or any(turn.role == "tool" or turn.more for turn in example.all_turns)
    ]
    if hits:
        yield Finding(
            severity="warning",
            kind="untrained_fields",
            text=f"{rows_that(len(hits), 'have')} tools, or turns with fields besides role and content",
            mend="they are kept in conversions, but training refuses what it would not heed",
            items=tuple((example.where,) for example in hits),
        )


def _leaks(examples: Sequence[Example], suites: Sequence[Suite]) -> Iterator[Finding]:
    for suite in suites:
        leaks = find_leaks(suite, map(training_text, examples))
        for verdict in ("leaked", "suspect"):
            hits = [leak for leak in leaks if leak.verdict == verdict]
            if hits:
                worst = max(hits, key=lambda leak: leak.share)
                what = "stand" if verdict == "leaked" else "may stand, in long runs,"
                yield Finding(
                    severity="error" if verdict == "leaked" else "warning",
                    kind=verdict,
                    text=f"gold items of {suite.name} that {what} in the data: {len(hits)}, such as "
                    f"{worst.gold_id}: {worst.shared[:80]!r}",
                    mend=f"`data clean --gold {suite.file.parent}` drops the rows"
                    if verdict == "leaked"
                    else "read them side by side: references may rightly be taught",
                    items=tuple((leak.origin, leak.gold_id) for leak in hits),
                )


def _tasks(examples: Sequence[Example]) -> dict[str, dict[str, int]]:
    """Count the values of the fields that are named as tasks usually are."""
    found: dict[str, dict[str, int]] = {}
    for name in (*SIDES["type"], "recipe", "source", "mixed_from", "how"):
        values = [example.extra[name] for example in examples if name in example.extra]
        texts = [value for value in values if isinstance(value, str)]
        if texts and len(set(texts)) <= max(30, len(texts) // 10):
            found[name] = dict(Counter(texts).most_common())
    return found
