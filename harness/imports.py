"""Make a run folder out of predictions made elsewhere, joined to a suite's gold items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.digest import digest_of
from harness.errors import PredictionsError
from harness.importers.base import Prediction, Predictions
from harness.plain import completion_of
from harness.prompts import conversation
from harness.provenance import provenance
from harness.store import RunFolder, keep_gold, run_folder
from harness.suite import Suite
from harness.types import Completion, GoldRecord

BY = ("auto", "id", "prompt", "order")
TEMPLATE = "imported"
"""Stands for the prompt layout, which is not known: such runs are comparable with one another."""

Pairs = Mapping[str, Prediction]
"""Gold id → prediction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Which prediction answers which gold item."""

    by: str
    pairs: Pairs
    missing: tuple[str, ...]
    """Gold ids without a prediction."""
    unmatched: tuple[Prediction, ...]
    """Predictions without a gold item."""
    contradictions: tuple[str, ...]
    """Places where the file's reference is not the gold item's."""
    empty: tuple[str, ...]
    """Gold ids whose prediction is null, or lacks the log-likelihoods of the choices."""


def join(found: Predictions, suite: Suite, *, by: str = "auto") -> Joined:
    """Join predictions to gold items.

    Args:
        found: The predictions.
        suite: Whose gold items they answer.
        by: "id"; "prompt" (the question equals the prompt, or stands in it and in no other);
            "order" (as many rows as items); or "auto": the first of these that matches anything
            and puts no row beside a gold item with another reference.

    Raises:
        PredictionsError: nothing can be joined; the message says what was tried.
    """
    tried: list[str] = []
    for name in BY[1:] if by == "auto" else (by,):
        pairs = JOINS[name](found, suite)
        wrong = _contradictions(pairs, suite)
        if pairs and (by != "auto" or (not wrong and _is_safe(name, found))):
            return _joined(name, pairs, wrong, found, suite)
        tried.append(f"{name}: {_why_not(name, pairs, wrong)}")
    raise PredictionsError(
        f"the {len(found.rows)} predictions cannot be joined to the {len(suite.gold)} items of "
        f"{suite.name}; tried " + "; ".join(tried)
    )


def import_run(
    joined: Joined,
    suite: Suite,
    name: str,
    root: Path,
    *,
    file: Path,
    format: str,  # noqa: A002
) -> RunFolder:
    """Store joined predictions as an ordinary run; the same ones again change nothing."""
    gold = {record.id: record for record in suite.gold}
    answers = [_completion(row, gold[gold_id]) for gold_id, row in joined.pairs.items()]
    kept = [answer for answer in answers if answer is not None]
    identity: dict[str, object] = {
        **suite.identity(),
        "imported": digest_of([answer.model_dump(mode="json") for answer in kept]),
        "template": TEMPLATE,
    }
    folder = run_folder(root, suite.name, name, identity)
    folder.create(
        identity,
        {
            **provenance(),
            "configuration": name,
            "suite_version": suite.config.version,
            "selection": suite.chosen(),
            "model": f"imported from {file.name}",
            "template": TEMPLATE,
            "adapter": None,
            "imported": {"file": str(file), "format": format, "joined_by": joined.by},
        },
    )
    keep_gold(root, suite.gold_digest, suite.gold)
    stored = folder.completions()
    missing = [answer for answer in kept if answer.gold_id not in stored]
    if missing:
        with folder.append_completions() as writer:
            for answer in missing:
                writer.write(answer.model_dump(mode="json"))
    return folder


def _completion(row: Prediction, record: GoldRecord) -> Completion | None:
    if row.text is None:
        return None
    answer = completion_of(row, record.id)
    if not record.choices or row.choice_logprobs is None:
        return answer
    order = _order(row, record)
    return answer.model_copy(
        update={"choice_logprobs": tuple(row.choice_logprobs[i] for i in order)}
    )


def _order(row: Prediction, record: GoldRecord) -> Sequence[int]:
    """Return where each choice of the gold item stands among the file's."""
    theirs = [_plain(choice) for choice in row.choices]
    ours = [_plain(choice) for choice in record.choices]
    if sorted(theirs) != sorted(ours):
        raise PredictionsError(
            f"{row.where}: its choices are not those of gold item {record.id!r}: "
            f"{', '.join(row.choices)}"
        )
    return [theirs.index(choice) for choice in ours]


def _by_id(found: Predictions, suite: Suite) -> Pairs:
    ids = {record.id for record in suite.gold}
    return {row.id: row for row in found.rows if row.id in ids}


def _by_prompt(found: Predictions, suite: Suite) -> Pairs:
    questions: dict[str, list[str]] = {}
    for record in suite.gold:
        asked = _plain(conversation(suite, record)[-1].content)
        questions.setdefault(asked, []).append(record.id)
    single = {asked: ids[0] for asked, ids in questions.items() if len(ids) == 1}
    pairs: dict[str, Prediction] = {}
    twice: set[str] = set()
    for row in found.rows:
        gold_id = None if row.prompt is None else _asked_in(_plain(row.prompt), single)
        if gold_id is not None:
            twice |= {gold_id} if gold_id in pairs else set()
            pairs[gold_id] = row
    return {gold_id: row for gold_id, row in pairs.items() if gold_id not in twice}


def _asked_in(prompt: str, questions: Mapping[str, str]) -> str | None:
    """Return the gold id whose question a prompt is, or which it alone contains."""
    if prompt in questions:
        return questions[prompt]
    inside = [asked for asked in questions if asked in prompt]
    longest = max(inside, key=len, default=None)
    # A question may contain another one; two that stand side by side are solved examples.
    if longest is None or any(asked not in longest for asked in inside):
        return None
    return questions[longest]


def _by_order(found: Predictions, suite: Suite) -> Pairs:
    if len(found.rows) != len(suite.gold):
        return {}
    return {record.id: row for record, row in zip(suite.gold, found.rows, strict=True)}


JOINS: Mapping[str, Callable[[Predictions, Suite], Pairs]] = {
    "id": _by_id,
    "prompt": _by_prompt,
    "order": _by_order,
}


def _is_safe(name: str, found: Predictions) -> bool:
    """Rows are put beside items by their order alone only when references confirm it."""
    return name != "order" or all(row.references or row.choices for row in found.rows)


def _why_not(name: str, pairs: Pairs, wrong: Sequence[str]) -> str:
    if wrong:
        return f"{len(wrong)} of {len(pairs)} have another reference, such as {wrong[0]}"
    if name == "order" and pairs:
        return "the rows have no references to confirm it (--by order joins them all the same)"
    return "not as many rows as items" if name == "order" else "nothing matches"


def _contradictions(pairs: Pairs, suite: Suite) -> list[str]:
    gold = {record.id: record for record in suite.gold}
    return [
        f"{row.where} and {gold_id}"
        for gold_id, row in pairs.items()
        if not _agree(row, gold[gold_id])
    ]


def _agree(row: Prediction, record: GoldRecord) -> bool:
    """Tell whether a reference of the file is, contains or is part of one of the gold item's."""
    if row.choices and record.choices:
        return sorted(map(_plain, row.choices)) == sorted(map(_plain, record.choices))
    right = record.references
    if record.choices and record.answer is not None:
        right = (record.choices[record.answer],)
    theirs, ours = [_plain(r) for r in row.references], [_plain(r) for r in right]
    if not theirs or not ours:
        return True
    return any(a in b or b in a for a in theirs for b in ours)


def _joined(
    by: str, pairs: Pairs, wrong: Sequence[str], found: Predictions, suite: Suite
) -> Joined:
    used = {id(row) for row in pairs.values()}
    needs_logprobs = {
        r.id for r in suite.gold if suite.config.tasks[r.task].type == "multiple_choice"
    }
    return Joined(
        by=by,
        pairs=pairs,
        missing=tuple(record.id for record in suite.gold if record.id not in pairs),
        unmatched=tuple(row for row in found.rows if id(row) not in used),
        contradictions=tuple(wrong),
        empty=tuple(
            gold_id
            for gold_id, row in pairs.items()
            if row.text is None or (gold_id in needs_logprobs and row.choice_logprobs is None)
        ),
    )


def _plain(text: str) -> str:
    return " ".join(text.split())
