"""Classification: accuracy, F1, MCC and the confusion matrix, from counts by class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import ConfigError
from harness.metrics.base import BINARY, UNIT, Array, Item, Metric, Scale, Setting
from harness.metrics.labels import (
    Labels,
    Reading,
    Several,
    class_labels,
    labels_of,
    likeliest,
    read_item,
)
from harness.types import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMetric:
    """A metric of predicted classes: counts per item, a formula over their sums."""

    name: str
    signature: str
    labels: Labels
    """Empty: those of the items that are measured together."""
    counts: Callable[[Reading, int], tuple[float, ...]]
    """From a reading and the number of classes."""
    formula: Callable[[Array], Array]
    scale: Scale = UNIT

    @property
    def pure(self) -> bool:
        """Not where the classes depend on what else is measured."""
        return bool(self.labels.names)

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return the counts of each item; an answer without one label is wrong, not extracted."""
        labels = self.labels
        if not labels.names:
            names = labels_of(item.gold for item in items)
            labels = class_labels(names, labels.several, metric=self.name)
        return [self._measured(item, labels) for item in items]

    def reduce(self, totals: Array) -> Array:
        """Apply the formula to summed counts."""
        return self.formula(totals)

    def _measured(self, item: Item, labels: Labels) -> Measurement | None:
        if not labels.names:
            raise _no_classes(self.name)
        reading = read_item(item, labels)
        if reading is None:
            return None
        counts = self.counts(reading, len(labels.names))
        return Measurement(stats=counts, is_extracted=reading.predicted is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """The share of right classes; choices need no labels."""

    signature: str
    labels: Labels
    name: str = "accuracy"
    scale: Scale = BINARY

    @property
    def pure(self) -> bool:
        """Not where the classes depend on what else is measured."""
        return bool(self.labels.names)

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return (right, 1) of each item."""
        labels = self.labels
        texts = [item.gold for item in items if not item.gold.choices]
        if texts and not labels.names:
            labels = class_labels(labels_of(texts), labels.several, metric=self.name)
        return [self._measured(item, labels) for item in items]

    def reduce(self, totals: Array) -> Array:
        """Return the share of right answers."""
        return totals[..., 0] / totals[..., 1]

    def _measured(self, item: Item, labels: Labels) -> Measurement | None:
        if item.gold.choices:
            return choice_accuracy(item, [1] * len(item.gold.choices))
        reading = read_item(item, labels)
        if reading is None:
            return None
        stats = (float(reading.is_right), 1.0)
        return Measurement(stats=stats, is_extracted=reading.predicted is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often each class was taken for which."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """[class of the gold item][predicted class]; the last column is "none"."""


def accuracy(setting: Setting, *, several: Several = "abstain") -> Metric:
    """Return the share of right classes: the likeliest choice (lm-eval's `acc`) or the label said.

    Args:
        setting: Its labels are the classes of generated answers.
        several: What to make of a text with several labels: no answer, or the first or last one.
    """
    labels = class_labels(setting.labels, several, metric="accuracy")
    shown = f",label|{labels.signature}" if labels.names else ""
    return Accuracy(signature=f"accuracy@1|by:loglikelihood{shown}", labels=labels)


def macro_f1(setting: Setting, *, several: Several = "abstain") -> Metric:
    """Return the mean F1 of the classes, each counting the same (scikit-learn's `macro`)."""
    return _by_class("macro_f1", setting, several, _macro_f1)


def weighted_f1(setting: Setting, *, several: Several = "abstain") -> Metric:
    """Return the mean F1 of the classes by their gold items (scikit-learn's `weighted`)."""
    return _by_class("weighted_f1", setting, several, _weighted_f1)


def micro_f1(setting: Setting, *, several: Several = "abstain") -> Metric:
    """Return F1 over all classes: accuracy, unless some name none (scikit-learn's `micro`)."""

    def counts(reading: Reading, n_classes: int) -> tuple[float, ...]:
        del n_classes
        return float(reading.is_right), float(reading.predicted is not None), 1.0

    labels = class_labels(setting.labels, several, metric="micro_f1")
    return ClassMetric(
        name="micro_f1",
        signature=f"micro_f1@1|{labels.signature}",
        labels=labels,
        counts=counts,
        formula=lambda totals: 2 * totals[..., 0] / (totals[..., 1] + totals[..., 2]),
    )


def balanced_accuracy(setting: Setting, *, several: Several = "abstain") -> Metric:
    """Return the mean recall of the classes: always guessing one gains nothing (scikit-learn)."""
    return _by_class("balanced_accuracy", setting, several, _balanced_accuracy)


def mcc(setting: Setting, *, several: Several = "abstain") -> Metric:
    """Return the correlation of gold and predicted class; 0 is chance (Gorodkin 2004)."""
    return _by_class("mcc", setting, several, _mcc, scale=Scale(low=-1.0))


def choice_accuracy(item: Item, lengths: Sequence[int]) -> Measurement | None:
    """Return (right, 1) for the choice with the highest log-likelihood per unit of length."""
    logprobs = item.completion.choice_logprobs
    if logprobs is None:
        return None
    scores = [logprob / length for logprob, length in zip(logprobs, lengths, strict=True)]
    return Measurement(stats=(float(likeliest(scores) == item.gold.answer), 1.0))


def confusion(metric: Metric, stats: Iterable[Sequence[float]]) -> Confusion | None:
    """Return the confusion matrix of a run, from the counts of one of its metrics.

    Args:
        metric: Any; one that does not count by class gives None.
        stats: Its measurements, one an item.
    """
    inner = getattr(metric, "inner", metric)
    rows = np.asarray(list(stats), dtype=np.float64)
    if not isinstance(inner, ClassMetric) or not rows.size:
        return None
    k = len(inner.labels.names)
    if k == 0 or rows.shape[1] != 3 * k + 1:
        return None
    predicted, gold = rows[:, k : 2 * k], rows[:, 2 * k : 3 * k]
    none = 1 - predicted.sum(axis=1, keepdims=True)
    counts = gold.T @ np.hstack([predicted, none])
    return Confusion(
        labels=inner.labels.names,
        counts=tuple(tuple(int(count) for count in row) for row in counts),
    )


def require_classes(metric: Metric) -> None:
    """Check that a suite's metric knows its classes before anything is measured.

    Raises:
        ConfigError: it counts by class, and the suite has none.
    """
    inner = getattr(metric, "inner", metric)
    if isinstance(inner, ClassMetric) and not inner.labels.names:
        raise _no_classes(inner.name)


def _no_classes(name: str) -> ConfigError:
    return ConfigError(
        f"metric {name!r} needs classes, but the choices differ from item to item; use `accuracy`"
    )


def _by_class(
    name: str,
    setting: Setting,
    several: Several,
    formula: Callable[[Array, Array, Array, Array], Array],
    *,
    scale: Scale = UNIT,
) -> Metric:
    labels = class_labels(setting.labels, several, metric=name)
    return ClassMetric(
        name=name,
        signature=f"{name}@1|{labels.signature}",
        labels=labels,
        counts=_class_counts,
        formula=lambda totals: formula(*_columns(totals)),
        scale=scale,
    )


def _class_counts(reading: Reading, n_classes: int) -> tuple[float, ...]:
    """Return true positives, predicted and gold by class, and 1: [3k + 1]."""
    counts = [0.0] * (3 * n_classes) + [1.0]
    if reading.predicted is not None:
        counts[n_classes + reading.predicted] = 1.0
        if reading.is_right:
            counts[reading.predicted] = 1.0
    counts[2 * n_classes + reading.gold] = 1.0
    return tuple(counts)


def _columns(totals: Array) -> tuple[Array, Array, Array, Array]:
    k = (totals.shape[-1] - 1) // 3
    return totals[..., :k], totals[..., k : 2 * k], totals[..., 2 * k : 3 * k], totals[..., -1]


def _f1(right: Array, predicted: Array, gold: Array) -> Array:
    """Return the F1 of each class; 0 for one that does not occur."""
    return 2 * right / np.maximum(predicted + gold, 1.0)


def _macro_f1(right: Array, predicted: Array, gold: Array, n: Array) -> Array:
    """Average over the classes that occur in gold or predictions, as scikit-learn does."""
    del n
    occur = (predicted + gold > 0).sum(axis=-1)
    return _f1(right, predicted, gold).sum(axis=-1) / occur


def _weighted_f1(right: Array, predicted: Array, gold: Array, n: Array) -> Array:
    return (gold * _f1(right, predicted, gold)).sum(axis=-1) / n


def _balanced_accuracy(right: Array, predicted: Array, gold: Array, n: Array) -> Array:
    """Average over the classes that occur in gold, as scikit-learn does."""
    del predicted, n
    return (right / np.maximum(gold, 1.0)).sum(axis=-1) / (gold > 0).sum(axis=-1)


def _mcc(right: Array, predicted: Array, gold: Array, n: Array) -> Array:
    """Gorodkin 2004, eq. 8; no answer is a predicted class of its own; 0 where not defined."""
    none = n - predicted.sum(axis=-1)
    covariance = right.sum(axis=-1) * n - (predicted * gold).sum(axis=-1)
    spread = (n**2 - (predicted**2).sum(axis=-1) - none**2) * (n**2 - (gold**2).sum(axis=-1))
    possible = spread > 0
    return np.where(possible, covariance / np.sqrt(np.where(possible, spread, 1.0)), 0.0)
