"""Verdicts of a judge as numbers; no model is loaded here: `tunemark judge` asks the judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import ConfigError
from harness.metrics.base import Array, Item, Scale, Setting
from harness.metrics.judgements import (
    Judge,
    Judgements,
    Verdict,
    load_judge,
    stored_judgements,
)
from harness.rubric import Kind
from harness.suite import Suite
from harness.types import Measurement, TaskType

WITHOUT_TEXT: tuple[TaskType, ...] = ("multiple_choice", "perplexity")
METRICS: dict[Kind, str] = {"rating": "judge", "pairwise": "win_rate"}
"""Which metric reads which kind of judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMetric:
    """The mean of what a judge said; items without a clear verdict are not scored."""

    name: str
    judgements: Judgements
    scale: Scale
    baseline: str | None = None
    """Digest of the run that win_rate compares with."""

    @property
    def signature(self) -> str:
        """The judge, its model, and the digest of all that it is asked."""
        judge = self.judgements.judge
        model = (self.judgements.model or "unjudged")[:12]
        against = f"|baseline:{self.baseline or 'none'}" if self.name == "win_rate" else ""
        low, high = judge.rubric.scale
        scale = f"|scale:{low}-{high}" if self.name == "judge" else "|orders:both|flips:tie"
        return (
            f"{self.name}@1|{judge.name}|model:{model}{scale}|asks:{judge.definition[:12]}{against}"
        )

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return (verdict, 1); None for what is not judged yet or has no clear verdict."""
        verdicts = [self.verdict(item) for item in items]
        return [None if v.value is None else Measurement(stats=(v.value, 1.0)) for v in verdicts]

    def reduce(self, totals: Array) -> Array:
        """Return the sum of verdicts over the number of items."""
        return totals[..., 0] / totals[..., 1]

    def verdict(self, item: Item) -> Verdict:
        """Return what the judge said about an item."""
        return self.judgements.verdict(item)


def judge(setting: Setting, *, value: str) -> JudgedMetric:
    """Mean rating by a model that judges each answer by a rubric (`judges:` in suite.yaml).

    Args:
        setting: Its suite declares the judge; its folder of runs holds the verdicts.
        value: Name of a judge that rates.

    Raises:
        ConfigError, UnknownNameError: no such judge, or one that compares.
    """
    found = _judge(setting, value, "rating")
    low, high = found.rubric.scale
    return JudgedMetric(
        name="judge",
        judgements=stored_judgements(found, setting.runs),
        scale=Scale(low=low, high=high),
    )


def win_rate(setting: Setting, *, value: str) -> JudgedMetric:
    """Share of answers that a judging model prefers to the baseline's, ties half, 0 to 1.

    Each pair is judged in both orders; a verdict that changes with the order is a tie
    (Zheng et al. 2023). The baseline itself has 0.5 by definition.

    Args:
        setting: Its suite declares the judge; its folder of runs holds the verdicts.
        value: Name of a judge that compares.

    Raises:
        ConfigError, UnknownNameError: no such judge, or one that rates.
    """
    found = _judge(setting, value, "pairwise")
    return JudgedMetric(
        name="win_rate",
        judgements=stored_judgements(found, setting.runs),
        scale=Scale(),
        baseline=setting.baseline.rpartition("-")[2] if setting.baseline else None,
    )


def _refuse_tasks_without_text(suite: Suite, kind: Kind, name: str) -> None:
    for task_name, task in suite.config.tasks.items():
        names = {(spec.name, spec.params.get("value")) for spec in task.metrics}
        if (METRICS[kind], name) not in names:
            continue
        if task.type in WITHOUT_TEXT:
            raise ConfigError(
                f"task {task_name!r} is of type {task.type}: it has no answer text to judge"
            )
        if task.history == "own":
            raise ConfigError(
                f"task {task_name!r} goes on from the model's own answers, which a judge does "
                "not see: judge it with `history: gold`"
            )


def _judge(setting: Setting, name: str, kind: Kind) -> Judge:
    if setting.suite is None:
        raise ConfigError(f"metric {METRICS[kind]!r} needs a suite that declares `judges:`")
    found = load_judge(setting.suite, name)
    _refuse_tasks_without_text(setting.suite, kind, name)
    if found.rubric.kind != kind:
        right = METRICS[found.rubric.kind]
        raise ConfigError(
            f"judge {name!r} is of kind {found.rubric.kind}: read it with {{{right}: {name}}}"
        )
    return found
