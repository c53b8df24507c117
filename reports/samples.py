"""Join a gold item with the answers of two configurations and their stored scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from harness.compare import Comparison
from harness.errors import StoreError
from harness.metrics.base import UNIT, Scale
from harness.prompts import question_text
from harness.result import CellResult, StudyResult, SuiteResult
from harness.store import RunFolder, read_json, read_lines
from harness.types import Completion, Finish, GoldRecord

Side = Literal["before", "after"]
SIDES: tuple[Side, Side] = ("before", "after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one configuration answered to one item."""

    text: str
    """The generated text, the chosen option of a multiple choice item, or a text's likelihood."""
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
    scales: Mapping[str, Scale]
    """How to read each metric's values."""

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

    def gain(self, metric: str) -> float | None:
        """Return how much better the answer became, in the metric's unit.

        None where either is not scored, or where the metric has no better side.
        """
        change, better = self.change(metric), self._scale(metric).better
        if change is None or better == "neither":
            return None
        return -change if better == "lower" else change

    def relative_gain(self, metric: str) -> float | None:
        """Return the gain as a share of the metric's range, to rank those of several metrics.

        Without a bound: of the larger of both scores, so that it is in [−1, 1] from 0 upwards.
        """
        gain, scale = self.gain(metric), self._scale(metric)
        if not gain:
            return gain
        width = scale.high - scale.low
        if not math.isfinite(width):
            width = max(abs(self.score(side, metric) or 0.0) for side in SIDES)
        return gain / width

    def is_poor(self, side: Side, metric: str) -> bool:
        """Whether a score lies in the worse half of its metric's range; never without a range."""
        score, scale = self.score(side, metric), self._scale(metric)
        middle = (scale.low + scale.high) / 2
        if score is None or not math.isfinite(middle) or scale.better == "neither":
            return False
        return score > middle if scale.better == "lower" else score < middle

    def has_better(self, metric: str) -> bool:
        """Whether a metric has a better side; a gauge has none."""
        return self._scale(metric).better != "neither"

    def _scale(self, metric: str) -> Scale:
        return self.scales.get(metric, UNIT)

    def score(self, side: Side, metric: str) -> float | None:
        """Return one item score."""
        answer = self.before if side == "before" else self.after
        return None if answer is None else answer.scores.get(metric)


def load_samples(
    result: StudyResult, root: Path, *, suite: str, configuration: str
) -> tuple[Sample, ...]:
    """Return every gold item of a suite with the baseline's and a variant's answers.

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
    scales = {c.metric: _scale_of(c) for c in result.comparisons if c.suite == suite}
    return tuple(
        _sample(record, identity, before.get(record.id), after.get(record.id), scales)
        for record in _load_gold(root / found.gold_file)
    )


def readable(result: StudyResult) -> dict[str, str]:
    """Return whose answers can be read: names of variants, with the configuration of each."""
    compared = {c.configuration for c in result.comparisons}
    return {
        variant.name: variant.configuration
        for variant in result.variants
        if variant.status == "complete" and variant.configuration in compared
    }


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
        for gold_id, value in _item_scores(folder, suite, signature).items():
            scores.get(gold_id, {})[metric] = value
    choices = {record.id: record.choices for record in _load_gold(root / suite.gold_file)}
    return {
        gold_id: _answer(completion, choices.get(gold_id, ()), scores[gold_id])
        for gold_id, completion in completions.items()
    }


def _item_scores(folder: RunFolder, suite: SuiteResult, signature: str) -> dict[str, float]:
    rows = read_lines(folder.scores_file(signature, suite.gold_digest))
    return {str(row["id"]): float(row["value"]) for row in rows if row["value"] is not None}


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
    elif logprobs and not choices:  # a text that was scored
        text = f"{sum(logprobs):.2f} nats".replace("-", "−")
    return Answer(
        text=text,
        finish=completion.finish,
        n_tokens=completion.completion_tokens,
        choice_logprobs=logprobs,
        scores=scores,
    )


def _scale_of(c: Comparison) -> Scale:
    low = -math.inf if c.lowest is None else c.lowest
    return Scale(low=low, high=math.inf if c.highest is None else c.highest, better=c.better)


def _sample(
    record: GoldRecord,
    identity: Mapping[str, Any],
    before: Answer | None,
    after: Answer | None,
    scales: Mapping[str, Scale],
) -> Sample:
    task: Mapping[str, Any] = identity.get("tasks", {}).get(record.task, {})
    return Sample(
        gold_id=record.id,
        task=record.task,
        prompt=_prompt(record, task),
        glimpse=_glimpse(record),
        system=task.get("system") or identity.get("system"),
        references=record.references,
        choices=record.choices,
        right=record.answer,
        slices=record.slices,
        before=before,
        after=after,
        scales=scales,
    )


def _prompt(record: GoldRecord, task: Mapping[str, Any]) -> str:
    """Render the user's turn with the prompt that the run recorded, or show the bare input."""
    if isinstance(record.input, tuple):
        if len(record.input) == 1:
            return record.input[0].content
        return "\n\n".join(f"{turn.role}: {turn.content}" for turn in record.input)
    if "prompt" in task:
        with suppress(ValueError):
            settings = {name: task.get(name) for name in ("labels", "no_answer")}
            return question_text(task["prompt"], record, choice="…", letter="…", **settings).strip()
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
