"""Join a gold item with the answers of two configurations and their stored scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jinja2 import TemplateError
from pydantic import ValidationError

from harness.digest import digest_of
from harness.errors import StoreError
from harness.metrics.base import build_metric
from harness.result import CellResult, StudyResult, SuiteResult
from harness.store import RunFolder, read_json, read_lines
from harness.suite import PROMPT_JINJA
from harness.types import Completion, Finish, GoldRecord

Mode = Literal["all", "regressed", "improved", "changed", "both wrong"]
MODES: tuple[Mode, ...] = ("all", "regressed", "improved", "changed", "both wrong")
FULL_MARKS: Mapping[str, float] = {"bleu": 100.0, "chrf": 100.0}
"""The best value of a metric, where it is not 1."""
EQUAL = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one configuration answered to one item."""

    text: str
    """The generated text, or the chosen option of a multiple choice item."""
    finish: Finish
    n_tokens: int
    choice_logprobs: tuple[float, ...] | None
    scores: Mapping[str, float]
    """Item score by metric; a metric that was not scored is absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One gold item, before and after."""

    gold_id: str
    task: str
    prompt: str
    """The user's turn as it was sent; earlier turns of a conversation stand before it."""
    glimpse: str
    """The item's own words in the prompt, for lists."""
    system: str | None
    references: tuple[str, ...]
    choices: tuple[str, ...]
    right: int | None
    """Index of the right choice."""
    slices: Mapping[str, str]
    before: Answer | None
    after: Answer | None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that scored either answer."""
        sides = [side.scores for side in (self.before, self.after) if side is not None]
        return tuple(dict.fromkeys(name for scores in sides for name in scores))

    @property
    def is_text_changed(self) -> bool:
        """Whether both answers are there and differ."""
        return (
            self.before is not None
            and self.after is not None
            and self.before.text.strip() != self.after.text.strip()
        )

    def change(self, metric: str) -> float | None:
        """Return after − before, or None where either is not scored."""
        before, after = self.score("before", metric), self.score("after", metric)
        return None if before is None or after is None else after - before

    def score(self, side: Literal["before", "after"], metric: str) -> float | None:
        """Return one item score."""
        answer = self.before if side == "before" else self.after
        return None if answer is None else answer.scores.get(metric)


def load_samples(
    result: StudyResult, root: Path, *, suite: str, configuration: str
) -> tuple[Sample, ...]:
    """Return every gold item of a suite with the baseline's and the configuration's answers.

    Raises:
        StoreError: the gold copy or a run folder is missing or damaged.
    """
    found = next((entry for entry in result.suites if entry.name == suite), None)
    if found is None:
        raise StoreError(f"the study {result.name!r} has no suite {suite!r}")
    signatures = {c.metric: c.signature for c in result.comparisons if c.suite == suite}
    before = _load_run(result, root, found, result.baseline, signatures)
    after = _load_run(result, root, found, configuration, signatures)
    identity = _identity(root, result, suite)
    return tuple(
        _sample(record, identity, before.get(record.id), after.get(record.id))
        for record in _load_gold(root / found.gold_file)
    )


def select(
    samples: Iterable[Sample], metric: str, *, mode: Mode = "all", search: str = ""
) -> tuple[Sample, ...]:
    """Return the samples that a metric scored and that fit mode and search.

    Regressions come worst first, improvements best first, everything else in gold order.
    """
    words = search.casefold().split()
    kept = [
        sample
        for sample in samples
        if metric in sample.metrics and _fits(sample, metric, mode) and _mentions(sample, words)
    ]
    if mode in ("regressed", "improved"):
        kept.sort(key=lambda sample: abs(sample.change(metric) or 0.0), reverse=True)
    return tuple(kept)


def most_telling(samples: Sequence[Sample], lead: Sequence[str], n: int) -> tuple[Sample, ...]:
    """Return up to n samples: the largest losses, then the largest gains.

    Args:
        samples: Of one suite and configuration.
        lead: Metrics by importance; each sample is ranked by the first that scored it.
        n: At most this many.
    """
    rank = {metric: i for i, metric in enumerate(lead)}
    changes = [
        (relative_change(sample, lead), rank.get(leading_metric(sample, lead) or "", 0), sample)
        for sample in samples
    ]
    lost = sorted((row for row in changes if row[0] < -EQUAL), key=lambda row: row[:2])
    gained = sorted((row for row in changes if row[0] > EQUAL), key=lambda row: (-row[0], row[1]))
    n_lost = min(len(lost), max(n - n // 2, n - len(gained)))
    n_gained = min(len(gained), n - n_lost)
    return tuple(row[-1] for row in (*lost[:n_lost], *gained[:n_gained]))


def leading_metric(sample: Sample, lead: Sequence[str]) -> str | None:
    """Return the most important metric that scored this sample."""
    return next((name for name in lead if name in sample.metrics), None)


def relative_change(sample: Sample, lead: Sequence[str]) -> float:
    """Return the change of the leading metric as a share of full marks; 0 when unscored."""
    metric = leading_metric(sample, lead)
    change = None if metric is None else sample.change(metric)
    return 0.0 if metric is None or change is None else change / full_marks(metric)


def full_marks(metric: str) -> float:
    """Return the best value that a metric can take."""
    return FULL_MARKS.get(metric, 1.0)


def lead_metrics(result: StudyResult, suite: str) -> tuple[str, ...]:
    """Return a suite's metrics, the primary ones first."""
    rows = [c for c in result.comparisons if c.suite == suite]
    ordered = sorted(rows, key=lambda c: not c.is_primary)
    return tuple(dict.fromkeys(c.metric for c in ordered))


def _fits(sample: Sample, metric: str, mode: Mode) -> bool:
    change = sample.change(metric)
    if mode == "all":
        return True
    if change is None:
        return False
    if mode == "regressed":
        return change < -EQUAL
    if mode == "improved":
        return change > EQUAL
    if mode == "changed":
        return abs(change) <= EQUAL and sample.is_text_changed
    half = full_marks(metric) / 2
    scores = (sample.score("before", metric), sample.score("after", metric))
    return all(score is not None and score < half for score in scores)


def _mentions(sample: Sample, words: Sequence[str]) -> bool:
    if not words:
        return True
    answers = [side.text for side in (sample.before, sample.after) if side is not None]
    parts = (sample.gold_id, sample.task, sample.prompt, *sample.references, *sample.choices)
    text = "\n".join((*parts, *answers, *sample.slices.values())).casefold()
    return all(word in text for word in words)


def _load_gold(file: Path) -> tuple[GoldRecord, ...]:
    rows = list(read_lines(file))
    if not rows:
        raise StoreError(f"{file}: the copy of the gold set is missing; run the study again")
    try:
        return tuple(GoldRecord.model_validate(row) for row in rows)
    except ValidationError:
        raise StoreError(f"{file}: not a gold set of this version of Tunemark") from None


def _load_run(
    result: StudyResult, root: Path, suite: SuiteResult, name: str, signatures: Mapping[str, str]
) -> dict[str, Answer]:
    """Read one configuration's answers by gold id."""
    folder = RunFolder(path=root / _cell(result, suite.name, name).folder)
    completions = folder.completions()
    if not completions:
        raise StoreError(f"{folder.path}: no completions here; run the study again to redo them")
    scores: dict[str, dict[str, float]] = {gold_id: {} for gold_id in completions}
    for metric, signature in signatures.items():
        for gold_id, value in _item_scores(folder, suite, metric, signature).items():
            scores.get(gold_id, {})[metric] = value
    choices = {record.id: record.choices for record in _load_gold(root / suite.gold_file)}
    return {
        gold_id: _answer(completion, choices.get(gold_id, ()), scores[gold_id])
        for gold_id, completion in completions.items()
    }


def _item_scores(
    folder: RunFolder, suite: SuiteResult, metric: str, signature: str
) -> dict[str, float]:
    key = digest_of([signature, suite.gold_digest])
    rows = list(read_lines(folder.scores_file(signature.split("|")[0], key)))
    if not rows:
        return {}
    stats = np.asarray([row["stats"] for row in rows], dtype=np.float64)
    values = build_metric(metric, suite.language).reduce(stats)
    return {str(row["id"]): float(value) for row, value in zip(rows, values, strict=True)}


def _cell(result: StudyResult, suite: str, name: str) -> CellResult:
    for variant in result.variants:
        if variant.name == name:
            for cell in variant.cells:
                if cell.suite == suite:
                    return cell
    raise StoreError(f"{name!r} was not evaluated on {suite!r}")


def _answer(completion: Completion, choices: Sequence[str], scores: Mapping[str, float]) -> Answer:
    text = completion.text
    logprobs = completion.choice_logprobs
    if logprobs and len(logprobs) == len(choices):
        text = choices[logprobs.index(max(logprobs))]
    return Answer(
        text=text,
        finish=completion.finish,
        n_tokens=completion.completion_tokens,
        choice_logprobs=logprobs,
        scores=scores,
    )


def _sample(
    record: GoldRecord, identity: Mapping[str, Any], before: Answer | None, after: Answer | None
) -> Sample:
    task: Mapping[str, Any] = identity.get("tasks", {}).get(record.task, {})
    return Sample(
        gold_id=record.id,
        task=record.task,
        prompt=_prompt(record, task.get("prompt")),
        glimpse=_glimpse(record),
        system=task.get("system") or identity.get("system"),
        references=record.references,
        choices=record.choices,
        right=record.answer,
        slices=record.slices,
        before=before,
        after=after,
    )


def _prompt(record: GoldRecord, template: str | None) -> str:
    """Render the user's turn with the prompt that the run recorded, or show the bare input."""
    if isinstance(record.input, tuple):
        if len(record.input) == 1:
            return record.input[0].content
        return "\n\n".join(f"{turn.role}: {turn.content}" for turn in record.input)
    if template is not None:
        try:
            prompt = PROMPT_JINJA.from_string(template)
            return prompt.render(input=record.input, choices=record.choices).strip()
        except TemplateError:
            pass
    return record.input if isinstance(record.input, str) else "\n\n".join(record.input.values())


def _glimpse(record: GoldRecord) -> str:
    if isinstance(record.input, str):
        return record.input
    if isinstance(record.input, dict):
        return " ".join(reversed(record.input.values()))
    return record.input[-1].content


def _identity(root: Path, result: StudyResult, suite: str) -> Mapping[str, Any]:
    folder = root / _cell(result, suite, result.baseline).folder
    try:
        return read_json(folder / "manifest.json").get("identity", {})
    except StoreError:
        return {}
