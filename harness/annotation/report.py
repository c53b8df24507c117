"""What a session shows: counts, progress, agreement; and values by run once it is unblinded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.annotation.database import Database
from harness.annotation.export.rows import SessionExport, export_session
from harness.annotation.flags import flags
from harness.annotation.lead_views import Flag, SessionProgress
from harness.annotation.progress import session_progress
from harness.metrics.ratings import RatedAnswer
from harness.stats.reliability import (
    Coefficient,
    PairKappa,
    gwet_ac,
    intraclass,
    krippendorff_alpha,
    pairwise_kappas,
    table_of,
    within,
)

DO_NOT, TENTATIVE = 0.667, 0.8
"""Bounds of Krippendorff (2004, p. 241): below the first draw no conclusions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleAgreement:
    """How far raters agree on one scale, or on the winner."""

    scale: str
    coefficients: tuple[Coefficient, ...]
    pairs: tuple[PairKappa, ...]
    advice: str
    """What alpha allows one to say, in fixed words."""
    distribution: Mapping[str, int]
    """How often each point was given, in order; "cannot judge" last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunValues:
    """What was said about one run; only of an unblinded session."""

    run: str
    means: Mapping[str, float]
    """By scale, over items, of each item's mean over its raters."""
    n_items: Mapping[str, int]
    wins: int
    ties: int
    losses: int
    both_bad: int
    n_critical: int
    """Items on which somebody tagged a critical fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterSeverity:
    """How a rater's points lie to those of the others on the same answers."""

    rater: str
    """A pseudonym."""
    deviation: float | None
    """Mean of own point − mean of the others', over scales; below 0: severe. None: no overlap."""
    n: int
    """Points that were compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """A session's counts, agreement and flags."""

    progress: SessionProgress
    n_repeats: int
    n_repeats_changed: int
    """Repeats on which the winner or any scale by two points or more is another."""
    left_wins: int
    """Preferences for the answer on the left, of `n_sides`."""
    n_sides: int
    agreement: tuple[ScaleAgreement, ...]
    severities: tuple[RaterSeverity, ...]
    flags: tuple[Flag, ...]
    runs: tuple[RunValues, ...]


def session_report(database: Database, name: str) -> SessionReport:
    """Return what a session shows so far.

    Raises:
        AnnotationError: there is none of that name.
    """
    export = export_session(database, name)
    rows = [row for row in export.rows if row.counts and row.source in {"raters", "import"}]
    n_repeats, n_changed = _repeats(export.rows)
    sides = _sides(rows)
    return SessionReport(
        progress=session_progress(database, name),
        n_repeats=n_repeats,
        n_repeats_changed=n_changed,
        left_wins=sum(sides),
        n_sides=len(sides),
        agreement=tuple(_agreements(export, rows)),
        severities=tuple(_severities(export, rows)),
        flags=tuple(flags(database, name)),
        runs=tuple(_by_run(export, rows)) if export.is_unblinded else (),
    )


def advice(alpha: float | None) -> str:
    """Return what a value of alpha allows one to say."""
    if alpha is None:
        return "undefined"
    if alpha < DO_NOT:
        return "do not draw conclusions from single ratings"
    return "tentative conclusions" if alpha < TENTATIVE else "reliable"


def _agreements(export: SessionExport, rows: Sequence[RatedAnswer]) -> list[ScaleAgreement]:
    found: list[ScaleAgreement] = []
    for name, (low, high) in export.scales.items():
        told = {
            (f"{row.item_key}/{row.answer}", row.rater): row.values[name]
            for row in rows
            if name in row.values
        }
        points = [float(point) for point in range(low, high + 1)]
        counts = Counter(told.values())
        spread = {str(point): counts[point] for point in range(low, high + 1)}
        unsure = {(row.item_key, row.answer, row.rater) for row in rows if name in row.cannot_judge}
        spread["cannot judge"] = len(unsure)
        ratings = [(unit, rater, float(value)) for (unit, rater), value in told.items()]
        table = table_of(ratings, "ordinal", categories=points)
        alpha = krippendorff_alpha(table)
        found.append(
            ScaleAgreement(
                scale=name,
                coefficients=(
                    alpha,
                    gwet_ac(table),
                    within(table),
                    intraclass(table, of_mean=False),
                    intraclass(table, of_mean=True),
                ),
                pairs=tuple(pairwise_kappas(table)),
                advice=advice(alpha.value),
                distribution=spread,
            )
        )
    return [*found, *_preference(export, rows)]


def _severities(export: SessionExport, rows: Sequence[RatedAnswer]) -> list[RaterSeverity]:
    points: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in rows:
        for scale in export.scales:
            if scale in row.values:
                unit = (row.item_key, row.answer, scale)
                points.setdefault(unit, {})[row.rater] = row.values[scale]
    gaps: dict[str, list[float]] = {row.rater: [] for row in rows}
    for given in points.values():
        for rater, value in given.items():
            others = [other for name, other in given.items() if name != rater]
            if others:
                gaps[rater].append(value - fmean(others))
    return [
        RaterSeverity(rater=rater, deviation=fmean(own) if own else None, n=len(own))
        for rater, own in sorted(gaps.items())
    ]


def _preference(export: SessionExport, rows: Sequence[RatedAnswer]) -> list[ScaleAgreement]:
    """Return the agreement on the winner, as the first answer of each item sees it."""
    first = {item.key: item.answers[0].digest for item in export.items if len(item.answers) == 2}
    told = {
        (row.item_key, row.rater): row.preference.outcome
        for row in rows
        if row.preference is not None and first.get(row.item_key) == row.answer
    }
    if export.kind == "likert":
        return []
    table = table_of([(unit, rater, said) for (unit, rater), said in told.items()], "nominal")
    alpha = krippendorff_alpha(table)
    return [
        ScaleAgreement(
            scale="preference",
            coefficients=(alpha, gwet_ac(table), within(table, 0)),
            pairs=tuple(pairwise_kappas(table)),
            advice=advice(alpha.value),
            distribution=_outcomes(list(told.values())),
        )
    ]


def _outcomes(told: Sequence[str]) -> dict[str, int]:
    """Count decided pairs, ties and both bad; who won is not told while the session is blind."""
    counts = Counter(told)
    decided = counts["win"] + counts["loss"]
    return {"decided": decided, "tie": counts["tie"], "both bad": counts["both_bad"]}


def _sides(rows: Sequence[RatedAnswer]) -> list[bool]:
    return [
        row.preference.side == "left"
        for row in rows
        if row.preference is not None and row.preference.outcome == "win"
    ]


def _repeats(rows: Sequence[RatedAnswer]) -> tuple[int, int]:
    now = [row for row in rows if row.is_current and row.kind == "plain"]
    first = {(r.rater, r.item_key, r.answer): r for r in now if r.occurrence == 0}
    again: dict[tuple[str, str], bool] = {}
    for row in now:
        before = first.get((row.rater, row.item_key, row.answer))
        if row.occurrence == 0 or before is None or row.source != "raters":
            continue
        key = (row.rater, row.item_key)
        again[key] = again.get(key, False) or _changed(before, row)
    return len(again), sum(again.values())


def _changed(one: RatedAnswer, two: RatedAnswer) -> bool:
    outcomes = {r.preference.outcome for r in (one, two) if r.preference is not None}
    shared = one.values.keys() & two.values.keys()
    return {"win", "loss"} <= outcomes or any(
        abs(one.values[name] - two.values[name]) > 1 for name in shared
    )


def _by_run(export: SessionExport, rows: Sequence[RatedAnswer]) -> list[RunValues]:
    names = list(
        dict.fromkeys(run for item in export.items for a in item.answers for run in a.runs)
    )
    # A pair that said the same is a tie, though nobody was asked.
    identical = [row for row in export.rows if row.source == "identical"]
    found: list[RunValues] = []
    for run in names:
        own = [row for row in rows if row.run == run]
        told = [r.preference.outcome for r in (*own, *identical) if r.run == run and r.preference]
        counts = Counter(told)
        means: dict[str, float] = {}
        n_items: dict[str, int] = {}
        for scale in export.scales:
            by_item: dict[str, list[int]] = {}
            for row in own:
                if scale in row.values:
                    by_item.setdefault(row.item, []).append(row.values[scale])
            n_items[scale] = len(by_item)
            if by_item:
                means[scale] = fmean(fmean(values) for values in by_item.values())
        found.append(
            RunValues(
                run=run,
                means=means,
                n_items=n_items,
                wins=counts["win"],
                ties=counts["tie"],
                losses=counts["loss"],
                both_bad=counts["both_bad"],
                n_critical=len({row.item for row in own if row.severity == "critical"}),
            )
        )
    return found
