"""Choose among samples: by what became of the score, by words, by how telling they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from harness.result import StudyResult
from reports.samples import SIDES, Sample

Mode = Literal["all", "regressed", "improved", "changed", "both wrong"]
MODES: tuple[Mode, ...] = ("all", "regressed", "improved", "changed", "both wrong")
EQUAL = 1e-9


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
        kept.sort(key=lambda sample: abs(sample.gain(metric) or 0.0), reverse=True)
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
        (relative_gain(sample, lead), rank.get(leading_metric(sample, lead) or "", 0), sample)
        for sample in samples
    ]
    lost = sorted((row for row in changes if row[0] < -EQUAL), key=lambda row: row[:2])
    gained = sorted((row for row in changes if row[0] > EQUAL), key=lambda row: (-row[0], row[1]))
    n_lost = min(len(lost), max(n - n // 2, n - len(gained)))
    n_gained = min(len(gained), n - n_lost)
    return tuple(row[-1] for row in (*lost[:n_lost], *gained[:n_gained]))


def leading_metric(sample: Sample, lead: Sequence[str]) -> str | None:
    """Return the most important metric that scored this sample, a gauge only for want of one."""
    scored = [name for name in lead if name in sample.metrics]
    return next((name for name in scored if sample.has_better(name)), scored[0] if scored else None)


def relative_gain(sample: Sample, lead: Sequence[str]) -> float:
    """Return the leading metric's gain as a share of its range; 0 when unscored."""
    metric = leading_metric(sample, lead)
    return 0.0 if metric is None else sample.relative_gain(metric) or 0.0


def lead_metrics(result: StudyResult, suite: str) -> tuple[str, ...]:
    """Return a suite's metrics, the primary ones first."""
    rows = [c for c in result.comparisons if c.suite == suite]
    ordered = sorted(rows, key=lambda c: not c.is_primary)
    return tuple(dict.fromkeys(c.metric for c in ordered))


def _fits(sample: Sample, metric: str, mode: Mode) -> bool:
    change, gain = sample.change(metric), sample.gain(metric)
    if mode == "all":
        return True
    if change is None:
        return False
    if mode == "changed":
        return abs(change) <= EQUAL and sample.is_text_changed
    if mode == "both wrong":
        return all(sample.is_poor(side, metric) for side in SIDES)
    return gain is not None and (gain < -EQUAL if mode == "regressed" else gain > EQUAL)


def _mentions(sample: Sample, words: Sequence[str]) -> bool:
    if not words:
        return True
    answers = [side.text for side in (sample.before, sample.after) if side is not None]
    parts = (sample.gold_id, sample.task, sample.prompt, *sample.references, *sample.choices)
    text = "\n".join((*parts, *answers, *sample.slices.values())).casefold()
    return all(word in text for word in words)
