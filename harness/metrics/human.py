"""What people said about answers, as a metric: read from exported ratings; nobody is asked here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Literal

from harness.digest import digest_of
from harness.errors import ConfigError
from harness.metrics.base import Array, Item, Scale, Setting, mean_of
from harness.metrics.ratings import (
    RatedAnswer,
    answer_digest,
    ratings_of_suite,
    read_rated_answers,
)
from harness.types import Measurement

Aggregate = Literal["mean", "median"]
PREFERENCE, CRITICAL = "preference", "critical"
POINTS = {"win": 1.0, "tie": 0.5, "both_bad": 0.5, "loss": 0.0}
AVERAGES: dict[Aggregate, Callable[[Sequence[float]], float]] = {"mean": fmean, "median": median}


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanMetric:
    """The mean over items of what their raters said on average."""

    name: str
    signature: str
    scale: Scale
    dimension: str
    average: Callable[[Sequence[float]], float]
    said: dict[tuple[str, str], list[RatedAnswer]] = field(repr=False)
    """By gold id and digest of the answer."""
    pure: bool = False
    """It looks at ids."""

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return (average, 1) of each item; None where nobody has rated this answer."""
        return [self._measured(item) for item in items]

    def reduce(self, totals: Array) -> Array:
        """Return the sum of averages over the number of items."""
        return mean_of(totals)

    def _measured(self, item: Item) -> Measurement | None:
        digest = answer_digest(item.completion.text)
        rows = self.said.get((item.gold.id, digest), [])
        if self.dimension == PREFERENCE:
            if item.rival is None:
                return None
            against = answer_digest(item.rival.text)
            if against == digest:
                return Measurement(stats=(0.5, 1.0))
            told = [row.preference for row in rows]
            values = [POINTS[t.outcome] for t in told if t and t.against_answer == against]
        elif self.dimension == CRITICAL:
            values = [float(row.severity == "critical") for row in rows]
        else:
            values = [float(row.values[self.dimension]) for row in _able(rows, self.dimension)]
        return Measurement(stats=(self.average(values), 1.0)) if values else None


def human(
    setting: Setting,
    *,
    dimension: str,
    aggregate: Aggregate = "mean",
    file: str | None = None,
    adjudicated: bool = False,
    low: int = 1,
    high: int = 5,
) -> HumanMetric:
    """Mean rating by people on one scale, from annotation sessions; unrated items are unscored.

    Args:
        setting: Its folder of runs holds the ratings (`tunemark annotate export --beside-runs`).
        dimension: Name of a scale; or "preference", the share of wins over the baseline with
            ties half; or "critical", the share of raters who tagged a critical fault.
        aggregate: How several raters of one answer are put together.
        file: Exported JSON Lines beside suite.yaml, instead of those in the run folders.
        adjudicated: Whether an adjudicator's word replaces the raters'.
        low: Lowest point of the scale.
        high: Highest point.

    Raises:
        ConfigError, InputError: no such file, a damaged line, or points outside of the scale.
    """
    runs = setting.runs.resolve() if setting.runs else None
    suite = setting.suite.name if setting.suite else ""
    if file is not None and setting.folder is None:
        raise ConfigError("human: a `file` lies beside suite.yaml, and there is none here")
    files = [setting.folder / file] if file and setting.folder else ratings_of_suite(runs, suite)
    rows = [row for row in read_rated_answers(files) if row.counts and row.source != "identical"]
    known = {one for row in rows for one in row.scales}
    others = {PREFERENCE, CRITICAL}
    if known and dimension not in known | others:
        raise ConfigError(
            f"human: nobody rated {dimension!r}; there is: {', '.join(sorted(known | others))}"
        )
    rows = _decided(rows, adjudicated=adjudicated)
    # An answer that several runs gave has a line for each of them, and counts once.
    said: dict[tuple[str, str], dict[str, RatedAnswer]] = {}
    for row in rows:
        value = row.values.get(dimension)
        if value is not None and not low <= value <= high:
            raise ConfigError(
                f"human: {dimension} is {value} in rating {row.rating!r}, outside {low} to {high}; "
                "give the scale's `low` and `high`"
            )
        said.setdefault((row.item, row.answer), {})[row.rating] = row
    if dimension == PREFERENCE:
        scale = Scale()
    elif dimension == CRITICAL:
        scale = Scale(better="lower")
    else:
        scale = Scale(low=low, high=high)
    against = f"|baseline:{_digest_of_run(setting.baseline)}" if dimension == PREFERENCE else ""
    return HumanMetric(
        name="human",
        signature=(
            f"human@1|scale:{dimension}|points:{scale.low:g}-{scale.high:g}|raters:{aggregate}"
            f"{'|adjudicated' if adjudicated else ''}|ratings:{_digest(rows)}{against}"
        ),
        scale=scale,
        dimension=dimension,
        average=AVERAGES[aggregate],
        said={key: list(own.values()) for key, own in said.items()},
    )


def _able(rows: Sequence[RatedAnswer], dimension: str) -> list[RatedAnswer]:
    return [row for row in rows if dimension in row.values]


def _decided(rows: Sequence[RatedAnswer], *, adjudicated: bool) -> list[RatedAnswer]:
    """Return the raters' words, or the adjudicator's where there is one and it is wanted."""
    people = [row for row in rows if row.source != "adjudication"]
    if not adjudicated:
        return people
    last = [row for row in rows if row.source == "adjudication"]
    settled = {(row.item, row.answer) for row in last}
    return last + [row for row in people if (row.item, row.answer) not in settled]


def _digest(rows: Sequence[RatedAnswer]) -> str:
    """Hash what is read: other ratings give another number, and must not be taken for the same."""
    fields = {"item", "answer", "rating", "values", "severity", "preference"}
    told = {digest_of(row.model_dump(mode="json", include=fields)) for row in rows}
    return digest_of(sorted(told))[:12] if told else "none"


def _digest_of_run(name: str | None) -> str:
    return name.rpartition("-")[2] if name else "none"
