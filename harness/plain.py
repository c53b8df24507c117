"""Score predictions that belong to no suite: rows that bring their references along."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from harness.errors import PredictionsError
from harness.importers.base import Prediction, Predictions
from harness.measuring import Work, measure_all
from harness.metrics.base import Item
from harness.metrics.build import metric_maker
from harness.metrics.labels import MOST_LABELS, labels_of
from harness.registry import WHOLE_ANSWER
from harness.scoring import Scores
from harness.spec import Spec
from harness.suite import Language, Suite, SuiteConfig, TaskConfig
from harness.types import Completion, GoldRecord, Measurement

TASK = "rows"
GROUPS = {"rouge": ("rouge_1", "rouge_2", "rouge_l", "rouge_lsum")}
"""Names that stand for several metrics."""
TEXT_METRICS = "exact_match,token_f1,bleu,rouge_l,chrf"
CHOICE_METRICS = "accuracy,acc_norm"
SAMPLED = 200
"""Rows that are looked at to tell the language."""


def default_metrics(found: Predictions) -> str:
    """Return what is measured when nobody says it: by text, or by choice."""
    has_choices = any(row.choice_logprobs is not None for row in found.rows)
    return CHOICE_METRICS if has_choices else TEXT_METRICS


def with_groups(specs: Sequence[Spec]) -> tuple[Spec, ...]:
    """Return the specs with names such as `rouge` written out; parameters go to each."""
    return tuple(
        Spec(name=name, params=spec.params)
        for spec in specs
        for name in GROUPS.get(spec.name, (spec.name,))
    )


def language_of(found: Predictions) -> Language:
    """Return the language of references and answers: Chinese where a fifth of the letters are Han.

    English words and digits inside of Chinese text are common; Han characters in English are not.
    """
    texts = (
        text
        for row in found.rows[:SAMPLED]
        for text in (*row.references, *row.choices, row.text or "")
    )
    letters = [char for text in texts for char in text if char.isalpha()]
    n_han = sum("CJK" in unicodedata.name(char, "") for char in letters)
    return "zh" if letters and n_han >= 0.2 * len(letters) else "en"


def score_predictions(
    found: Predictions,
    path: Path,
    specs: Sequence[Spec],
    *,
    language: Language,
    extract: Sequence[Spec] = (),
    labels: Sequence[str] = (),
    trusts_code: bool = False,
) -> list[Scores]:
    """Measure predictions against their own references.

    Args:
        found: The predictions.
        path: Their file; paths in metric parameters start in its folder.
        specs: What to measure.
        language: Decides tokenisation and normalisation.
        extract: Steps that find the answer in a prediction.
        labels: The classes of a classification.
        trusts_code: Whether Python files that a metric names may be run.

    Raises:
        PredictionsError: no row has a reference.
        UnknownNameError, ConfigError: a metric or step.
    """
    suite = _suite(found, path, specs, language, extract, labels)
    answers = {row.id: completion_of(row, row.id) for row in found.rows if row.text is not None}
    said = [
        Item(gold=record, completion=answers[record.id])
        for record in suite.gold
        if record.id in answers
    ]
    works = [_work(suite, spec, said, trusts_code=trusts_code) for spec in specs]
    measured: list[dict[str, Measurement]] = [{} for _ in works]
    for batch in measure_all(said, works, label=f"scoring {path.name}"):
        for position, one in zip(batch.wanted, batch.measured, strict=True):
            if one is not None:
                measured[batch.work][said[position].gold.id] = one
    return [
        Scores(
            run=path.stem,
            suite=suite.name,
            metric=work.metric,
            gold_digest=suite.gold_digest,
            template_digest="",
            stats={key: one.stats for key, one in found.items()},
            planned=suite.gold,
            not_extracted=frozenset(key for key, one in found.items() if not one.is_extracted),
        )
        for work, found in zip(works, measured, strict=True)
    ]


def _work(suite: Suite, spec: Spec, items: Sequence[Item], *, trusts_code: bool) -> Work:
    """Return what a metric has to measure: all answers for a gauge, else those with a reference."""
    build = metric_maker(suite, spec, trusts_code=trusts_code)
    is_gauge = spec.name in WHOLE_ANSWER
    wanted = [
        number
        for number, item in enumerate(items)
        if is_gauge or item.gold.references or item.gold.choices
    ]
    return Work(metric=build(), build=build, wanted=wanted)


def completion_of(row: Prediction, gold_id: str) -> Completion:
    """Return a prediction as a completion of ours; how many tokens it took is not known."""
    return Completion(
        gold_id=gold_id,
        text=row.text or "",
        finish="length" if row.is_cut else "stop",
        prompt_tokens=0,
        choice_logprobs=row.choice_logprobs,
        scores=dict(row.scores),
    )


def _suite(
    found: Predictions,
    path: Path,
    specs: Sequence[Spec],
    language: Language,
    extract: Sequence[Spec],
    labels: Sequence[str],
) -> Suite:
    needs_gold = any(spec.name not in WHOLE_ANSWER for spec in specs)
    if needs_gold and not any(row.references or row.choices for row in found.rows):
        raise PredictionsError(
            f"{path}: no row has a reference to compare its prediction with; add a column "
            "`references`, or take them from a suite: tunemark import FILE --suite SUITE"
        )
    gold = tuple(gold_of(row) for row in found.rows)
    classes = tuple(labels) or labels_of(gold)
    task = TaskConfig(
        metrics=tuple(specs),
        extract=tuple(extract),
        labels=classes if len(classes) <= MOST_LABELS else (),
    )
    config = SuiteConfig(
        name="rows", version="1", language=language, description=str(path), tasks={TASK: task}
    )
    return Suite(config=config, file=path, gold=gold, gold_digest="")


def gold_of(row: Prediction) -> GoldRecord:
    """Return the gold item that a prediction brings along."""
    return GoldRecord(
        id=row.id,
        task=TASK,
        input=row.prompt or "",
        references=row.references,
        choices=row.choices,
        answer=row.answer,
        slices=dict(row.slices),
        cluster=row.cluster,
    )
