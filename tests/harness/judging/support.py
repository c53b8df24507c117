"""What the tests of judges share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.judge import ToJudge, to_judge
from harness.metrics.verdicts import Summary, summarise
from harness.scoring import Scores, score_run
from harness.store import RunFolder
from harness.suite import Suite
from harness.types import GoldRecord

YAML = """\
name: toy
version: "1"
language: {language}
description: Questions with judges.
tasks:
  qa:
    prompt: "Answer: {{{{ input }}}}"
    system: Be brief.
    metrics: [exact_match, {{judge: right}}, {{win_rate: better}}]
    {extract}
  pick: {{type: multiple_choice, metrics: [accuracy]}}
judges:
  right: {{model: ../tiny-model, engine: echo, rubric: correctness{more}}}
  better: {{model: ../tiny-model, engine: echo, rubric: preference}}
"""


def one(suite: Suite, run: RunFolder, name: str, baseline: RunFolder | None = None) -> ToJudge:
    (work,) = to_judge(suite, [run], baseline=baseline, names=[name])
    return work


def answer(echo: Any, work: ToJudge, by_item: Mapping[str, str | tuple[str, str]]) -> None:
    """Let the engine give these verdicts: one per item, or one per order."""
    for item in work.items:
        texts = by_item[item.gold.id]
        texts = (texts,) if isinstance(texts, str) else texts
        for record, text in zip(work.judge.asked(item), texts, strict=True):
            echo.texts[record.id] = text


def turn(record: GoldRecord, number: int) -> str:
    assert isinstance(record.input, tuple)
    return record.input[number].content


def scores(suite: Suite, run: RunFolder, metric: str, baseline: RunFolder | None = None) -> Scores:
    found = score_run(run, suite, run.path.name, baseline=baseline)
    return next(score for score in found if score.metric.name == metric)


def summary_of(work: ToJudge) -> Summary:
    return summarise(work.metric, work.items, run="run")
