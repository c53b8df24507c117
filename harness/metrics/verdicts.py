"""Whether to believe a judge: what it left open, what sways it, how far it agrees with people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from harness.config import read_jsonl, validate_row
from harness.errors import DataError
from harness.metrics.base import Item
from harness.metrics.judge import JudgedMetric
from harness.metrics.judgements import Verdict
from harness.stats.agreement import Agreement, agreement, rank_correlation
from harness.types import Record

OUTCOMES: Mapping[str, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


class Summary(Record):
    """One judge on one run."""

    judge: str
    run: str
    kind: Literal["rating", "pairwise"]
    n: int
    """Items that the judge has something to say about."""
    judged: int
    unclear: int
    """Judged, but without a verdict that can be read: not scored."""
    not_judged: int
    """Still to be asked."""
    value: float | None
    """Mean rating, or win rate."""
    wins: int = 0
    ties: int = 0
    losses: int = 0
    same: int = 0
    """Ties because both answers are the same text; among `ties`."""
    flips: int = 0
    """Pairs whose winner changed with the order; among `ties`."""
    first_wins: float | None = None
    """Share of single verdicts with a winner in which the answer shown first won; fair: 0.5."""
    length_correlation: float | None = None
    """Spearman's rho of verdict and answer length in characters (pairwise: difference)."""


class HumanRating(Record):
    """A person's verdict on an item."""

    id: str
    """Gold id."""
    rating: float | Literal["win", "tie", "loss"]
    """On the judge's scale; pairwise: win, tie or loss of the run against the baseline."""
    run: str | None = None
    """Name of the configuration, where several are judged."""


def summarise(metric: JudgedMetric, items: Sequence[Item], *, run: str) -> Summary:
    """Count a judge's verdicts on a run and measure what sways it."""
    pairs = [(item, metric.verdict(item)) for item in items]
    pairs = [(item, verdict) for item, verdict in pairs if verdict.state != "not asked"]
    judged = [(item, v, v.value) for item, v in pairs if v.value is not None]
    values = [value for _, _, value in judged]
    kind = metric.judgements.judge.rubric.kind
    is_pair = kind == "pairwise"
    singles = [winner for _, verdict, _ in judged for winner in verdict.winners if winner != "tie"]
    decided = [(item, value) for item, verdict, value in judged if verdict.winners or not is_pair]
    return Summary(
        judge=metric.judgements.judge.name,
        run=run,
        kind=kind,
        n=len(pairs),
        judged=len(judged),
        unclear=_count(pairs, "unclear"),
        not_judged=_count(pairs, "not judged"),
        value=sum(values) / len(values) if values else None,
        wins=values.count(1.0) if is_pair else 0,
        ties=values.count(0.5) if is_pair else 0,
        losses=values.count(0.0) if is_pair else 0,
        same=sum(not verdict.winners for _, verdict, _ in judged) if is_pair else 0,
        flips=sum(verdict.is_flipped for _, verdict, _ in judged),
        first_wins=singles.count("A") / len(singles) if singles else None,
        length_correlation=rank_correlation(
            [_length(item) for item, _ in decided], [value for _, value in decided]
        ),
    )


def read_human(file: Path, metric: JudgedMetric, known: Sequence[str]) -> list[HumanRating]:
    """Read people's ratings: JSON Lines of HumanRating.

    Args:
        file: The file.
        metric: Whose kind and scale they are on.
        known: The suite's gold ids.

    Raises:
        DataError: naming file and line.
    """
    found: dict[tuple[str, str | None], HumanRating] = {}
    ids = set(known)
    for line in read_jsonl(file, DataError):
        row = validate_row(line, file, HumanRating, DataError)
        where = f"{file}:{line.number}"
        if row.id not in ids:
            raise DataError(f"{where}: {row.id!r} is not a gold id of this suite")
        if (row.id, row.run) in found:
            raise DataError(
                f"{where}: {row.id!r} was rated before; give one rating per item and run, such "
                "as the majority or the mean"
            )
        _check_scale(row, metric, where)
        found[row.id, row.run] = row
    return list(found.values())


def agreement_with_people(
    metric: JudgedMetric, items: Sequence[Item], ratings: Sequence[HumanRating], *, run: str
) -> Agreement | None:
    """Compare a judge with people on the items that both have rated; None when there is none."""
    people = {
        row.id: OUTCOMES.get(str(row.rating), row.rating)
        for row in ratings
        if row.run in {None, run}
    }
    pairs: list[tuple[float, float]] = []
    for item in items:
        value = metric.verdict(item).value
        if value is not None and item.gold.id in people:
            pairs.append((value, float(people[item.gold.id])))
    return agreement([v for v, _ in pairs], [h for _, h in pairs]) if pairs else None


def _check_scale(row: HumanRating, metric: JudgedMetric, where: str) -> None:
    is_pair = metric.judgements.judge.rubric.kind == "pairwise"
    allowed = metric.scale
    if isinstance(row.rating, str):
        if not is_pair:
            raise DataError(
                f"{where}: rating {row.rating!r}: this judge rates from {allowed.low:g} to "
                f"{allowed.high:g}"
            )
    elif is_pair and row.rating not in OUTCOMES.values():
        raise DataError(f"{where}: rating {row.rating:g}: give win, tie or loss (or 1, 0.5, 0)")
    elif not allowed.low <= row.rating <= allowed.high:
        raise DataError(
            f"{where}: rating {row.rating:g} is outside the judge's scale, {allowed.low:g} to "
            f"{allowed.high:g}"
        )


def _count(pairs: Sequence[tuple[Item, Verdict]], state: str) -> int:
    return sum(verdict.state == state for _, verdict in pairs)


def _length(item: Item) -> float:
    other = len(item.rival.text.strip()) if item.rival else 0
    return float(len(item.completion.text.strip()) - other)
