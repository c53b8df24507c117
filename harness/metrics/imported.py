"""What another harness measured on each answer, read from `Completion.scores` and aggregated here.

A score stands under its key: the metric's name, or "name,filter" for any filter but lm-eval's
"none". Where lm-eval aggregates several numbers per item, they stand under key#0, key#1, ….
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.metrics.base import Array, CorpusMetric, Metric, Scale, Setting
from harness.types import Completion, GoldRecord

Aggregation = Literal[
    "mean",
    "perplexity",
    "weighted_perplexity",
    "bits_per_byte",
    "f1",
    "matthews_corrcoef",
    "bleu",
    "chrf",
    "chrf++",
    "ter",
]
Better = Literal["higher", "lower", "neither"]
NO_FILTER = "none"


def score_key(name: str, filter_name: str = NO_FILTER) -> str:
    """Return where a metric's score stands in `Completion.scores`."""
    return name if filter_name == NO_FILTER else f"{name},{filter_name}"


def imported(
    setting: Setting,
    *,
    name: str,
    filter: str = NO_FILTER,  # noqa: A002 - lm-eval's word
    aggregation: Aggregation = "mean",
    better: Better = "higher",
    binary: bool = False,
    classes: int = 2,
    by: str = "elsewhere",
) -> Metric:
    """Return what another harness (lm-eval) measured on each answer, aggregated as there.

    Args:
        setting: Not used.
        name: The other harness's name of the metric.
        filter: Which of its filters found the answer.
        aggregation: Its rule for many items, one whose ingredients add up.
        better: Its better side.
        binary: Whether an item's score is 0 or 1.
        classes: Number of classes, for matthews_corrcoef.
        by: The other harness and its version.
    """
    del setting
    form = _form(aggregation, classes)
    key = score_key(name, filter)

    def statistics(gold: GoldRecord, completion: Completion) -> tuple[float, ...] | None:
        del gold
        parts = _parts(completion.scores, key)
        return form.statistics(parts) if parts else None

    extra = f"|classes:{classes}" if aggregation == "matthews_corrcoef" else ""
    return CorpusMetric(
        name="imported",
        signature=f"imported@1|by:{by}|metric:{name}|filter:{filter}|agg:{aggregation}{extra}",
        statistics=statistics,
        formula=form.formula,
        scale=Scale(
            low=0.0 if binary else form.low,
            high=1.0 if binary else form.high,
            better=better,
            is_binary=binary and aggregation == "mean",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """An aggregation as a formula of sums."""

    statistics: Callable[[tuple[float, ...]], tuple[float, ...]]
    """From an item's numbers, as the other harness keeps them."""
    formula: Callable[[Array], Array]
    low: float = 0.0
    high: float = math.inf


def _form(aggregation: Aggregation, classes: int) -> _Form:
    """Return the additive form of an aggregation of lm_eval.api.metrics."""
    if aggregation in {"bleu", "chrf", "chrf++", "ter"}:
        return _Form(
            statistics=lambda parts: parts,
            formula=lambda totals: _sacrebleu(aggregation, totals),
            high=math.inf if aggregation == "ter" else 100.0,
        )
    if aggregation == "matthews_corrcoef":
        return _Form(
            statistics=lambda parts: _confusion(parts, classes),
            formula=lambda totals: _correlation(totals, classes),
            low=-1.0,
            high=1.0,
        )
    return _FORMS[aggregation]


def _with_one(parts: tuple[float, ...]) -> tuple[float, ...]:
    return (parts[0], 1.0)


def _ratio(totals: Array) -> Array:
    return totals[..., 0] / totals[..., 1]


def _hits(parts: tuple[float, ...]) -> tuple[float, ...]:
    """Return (true positives, all that are or are called positive) of (gold, predicted)."""
    gold, predicted = parts[0] == 1, parts[1] == 1
    return (float(gold and predicted), float(gold) + float(predicted))


def _f1(totals: Array) -> Array:
    hits, named = totals[..., 0], totals[..., 1]
    # No positive anywhere is 0, as in scikit-learn.
    return np.divide(2 * hits, named, out=np.zeros_like(hits), where=named > 0)


_FORMS: Mapping[str, _Form] = {
    "mean": _Form(statistics=_with_one, formula=_ratio, low=-math.inf),
    "perplexity": _Form(statistics=_with_one, formula=lambda t: np.exp(-_ratio(t))),
    "weighted_perplexity": _Form(
        statistics=lambda parts: parts, formula=lambda t: np.exp(-_ratio(t))
    ),
    "bits_per_byte": _Form(
        statistics=lambda parts: parts, formula=lambda t: -_ratio(t) / math.log(2)
    ),
    "f1": _Form(statistics=_hits, formula=_f1, high=1.0),
}


def _confusion(parts: tuple[float, ...], classes: int) -> tuple[float, ...]:
    """Return one item's confusion matrix, gold × predicted, row by row."""
    cells = [0.0] * classes**2
    cells[int(parts[0]) * classes + int(parts[1])] = 1.0
    return tuple(cells)


def _correlation(totals: Array, classes: int) -> Array:
    """Return Matthews' coefficient for several classes (Gorodkin 2004), as scikit-learn does."""
    matrix = totals.reshape(*totals.shape[:-1], classes, classes)
    right = np.trace(matrix, axis1=-2, axis2=-1)
    gold, predicted = matrix.sum(axis=-1), matrix.sum(axis=-2)
    n = gold.sum(axis=-1)
    above = right * n - (gold * predicted).sum(axis=-1)
    below = np.sqrt((n**2 - (predicted**2).sum(axis=-1)) * (n**2 - (gold**2).sum(axis=-1)))
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def sacrebleu_metric(aggregation: str) -> Any:
    """Return sacrebleu's metric with the settings of lm-eval's aggregation."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    made: Mapping[str, Callable[[], Any]] = {
        "bleu": BLEU,
        "chrf": CHRF,
        "chrf++": lambda: CHRF(word_order=2),
        "ter": TER,
    }
    return made[aggregation]()


def _sacrebleu(aggregation: str, totals: Array) -> Array:
    """Let the library turn its own summed counts into a score, row by row."""
    library = sacrebleu_metric(aggregation)
    cast = float if aggregation == "ter" else int

    def score(row: Array) -> float:
        return library._compute_score_from_stats([cast(v) for v in row]).score  # noqa: SLF001

    return np.apply_along_axis(score, -1, totals)


def _parts(scores: Mapping[str, float], key: str) -> tuple[float, ...]:
    """Return an item's numbers: one under the key itself, or several under key#0, key#1, …."""
    if key in scores:
        return (scores[key],)
    found: list[float] = []
    while (part := scores.get(f"{key}#{len(found)}")) is not None:
        found.append(part)
    return tuple(found)
