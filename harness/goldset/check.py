"""Check a gold set for everything that is known to make scores wrong or unclear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from harness.errors import ConfigError
from harness.goldset.answers import Count, answer_findings
from harness.goldset.balance import balance_findings, label_findings
from harness.goldset.coverage import coverage_findings
from harness.goldset.findings import Finding, sorted_findings
from harness.goldset.lock import lock_findings
from harness.goldset.pii import personal_data
from harness.goldset.repeats import contradiction_findings, repeat_findings
from harness.goldset.scaffold import EXAMPLE_SOURCE
from harness.goldset.texts import input_text
from harness.prompts import continuation, conversation, has_own_contexts
from harness.suite import Suite
from harness.tasks import scored_text
from harness.types import GoldRecord


def check_gold(
    suite: Suite, *, count: Count | None = None, context: int | None = None
) -> tuple[Finding, ...]:
    """Return what is wrong with a loaded suite's gold set, the gravest first.

    Args:
        suite: Loaded.
        count: Counts tokens with a model's tokenizer; by default lengths are estimated.
        context: Tokens that the model can read.
    """
    return sorted_findings(
        [
            *_prompts(suite),
            *repeat_findings(suite),
            *answer_findings(suite, count=count),
            *balance_findings(suite),
            *_personal(suite),
            *_examples(suite),
            *coverage_findings(suite, count=count, context=context),
            *lock_findings(suite),
        ]
    )


def gold_errors(suite: Suite) -> tuple[Finding, ...]:
    """Return only what makes a number wrong: quick, for every `check` and before runs."""
    findings = [*_prompts(suite), *contradiction_findings(suite), *label_findings(suite)]
    return tuple(finding for finding in findings if finding.severity == "error")


def _prompts(suite: Suite) -> Iterator[Finding]:
    """Render every item's prompt, and find different items that look the same to the model."""
    unfit = dict[str, str]()
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    inputs: dict[str, str] = {}
    for record in suite.gold:
        try:
            shown = _shown(suite, record)
        except ConfigError as error:
            unfit[record.id] = str(error)
            continue
        inputs[record.id] = input_text(record)
        alike[(record.task, *shown)].append(record.id)
    if unfit:
        yield Finding(
            severity="error",
            kind="prompt",
            text=f"the prompts of {len(unfit)} items cannot be made: {next(iter(unfit.values()))}",
            mend="correct the task's prompt in suite.yaml, or the item",
            items=tuple((gold_id,) for gold_id in unfit),
        )
    hidden = [ids for ids in alike.values() if len({inputs[gold_id] for gold_id in ids}) > 1]
    if hidden:
        yield Finding(
            severity="error",
            kind="prompt_hides_input",
            text=f"{sum(map(len, hidden))} items with different inputs get the same prompt",
            mend="use {{ input }}, or the fields that tell items apart, in the task's prompt",
            items=tuple(map(tuple, hidden)),
        )


def _shown(suite: Suite, record: GoldRecord) -> tuple[str, ...]:
    """Return all that a model sees of an item, as far as that goes without a tokenizer."""
    task = suite.config.tasks[record.task]
    if task.type == "perplexity":
        return (scored_text(record),)
    numbers = range(len(record.choices)) if has_own_contexts(task) else [None]
    turns = [turn for number in numbers for turn in conversation(suite, record, choice=number)]
    choices = [continuation(suite, record, number) for number in range(len(record.choices))]
    return (*(f"{turn.role}:{turn.content}" for turn in turns), *choices)


def _examples(suite: Suite) -> Iterator[Finding]:
    left = [record.id for record in suite.gold if record.source == EXAMPLE_SOURCE]
    if left:
        yield Finding(
            severity="warning",
            kind="example_items",
            text=f"{len(left)} items are the examples that `gold new` wrote",
            mend="replace them with items of your domain",
            items=tuple((gold_id,) for gold_id in left),
        )


def _personal(suite: Suite) -> Iterator[Finding]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for record in suite.gold:
        text = "\n".join((input_text(record), *record.references, *record.choices))
        for kind in sorted({found.kind for found in personal_data(text)}):
            kinds[kind].append(record.id)
    if kinds:
        shown = ", ".join(f"{kind} {len(ids)}" for kind, ids in kinds.items())
        yield Finding(
            severity="warning",
            kind="personal_data",
            text=f"what looks like personal data stands in the items: {shown}",
            mend="replace it with invented data before the set is shared; nothing was changed",
            items=tuple((i,) for i in dict.fromkeys(i for ids in kinds.values() for i in ids)),
        )
