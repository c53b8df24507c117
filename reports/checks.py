"""Say whether a study's numbers can be trusted: coverage, endings, leaks, adapters, template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.canary import SMALLEST_EFFECT
from harness.result import StudyResult
from reports import numbers
from reports.words import Lang, word

FEWEST_ENDINGS = 0.8
"""Share of answers that a healthy model ends itself; the study warns below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question about the study's health."""

    name: str
    state: Literal["fine", "attention", "unknown"]
    text: str


def health(result: StudyResult, lang: Lang) -> tuple[Check, ...]:
    """Return the checks in the order in which a doubtful reader asks."""
    return (
        _coverage(result, lang),
        _endings(result, lang),
        _leaks(result, lang),
        _adapters(result, lang),
        _template(result, lang),
    )


def _coverage(result: StudyResult, lang: Lang) -> Check:
    cells = [cell for variant in result.variants for cell in variant.cells]
    planned = sum(cell.n_planned for cell in cells)
    missing = planned - sum(cell.n_done for cell in cells)
    name = word(lang, "check_coverage")
    if missing:
        text = word(lang, "coverage_bad", missing=missing, planned=planned)
        return Check(name=name, state="attention", text=text)
    return Check(name=name, state="fine", text=word(lang, "coverage_fine"))


def _endings(result: StudyResult, lang: Lang) -> Check:
    found = [
        (cell.ended_by_itself, variant.name, cell.suite)
        for variant in result.variants
        for cell in variant.cells
        if cell.ended_by_itself is not None
    ]
    name = word(lang, "check_stop")
    if not found:
        return Check(name=name, state="unknown", text=word(lang, "stop_none"))
    lowest, variant_name, suite = min(found)
    share = numbers.percent(lowest)
    if lowest < FEWEST_ENDINGS:
        text = word(lang, "stop_bad", lowest=share, name=variant_name, suite=suite)
        return Check(name=name, state="attention", text=text)
    return Check(name=name, state="fine", text=word(lang, "stop_fine", lowest=share))


def _leaks(result: StudyResult, lang: Lang) -> Check:
    n = sum(len(suite.leaks) for suite in result.suites)
    name = word(lang, "check_leaks")
    if n:
        return Check(name=name, state="attention", text=word(lang, "leaks_bad", n=n))
    return Check(name=name, state="fine", text=word(lang, "leaks_fine"))


def _template(result: StudyResult, lang: Lang) -> Check:
    name = word(lang, "check_template")
    tuned = [v for v in result.variants if v.name != result.baseline and v.status == "complete"]
    unproven = [variant.name for variant in tuned if not variant.parity_probes]
    if unproven or not tuned:
        text = word(lang, "template_unproven", name=result.template)
        return Check(name=name, state="unknown", text=text)
    n = sum(variant.parity_probes or 0 for variant in tuned)
    text = word(lang, "template_fine", name=result.template, n=n)
    return Check(name=name, state="fine", text=text)


def _adapters(result: StudyResult, lang: Lang) -> Check:
    tuned = [
        variant
        for variant in result.variants
        if variant.name != result.baseline and variant.status == "complete"
    ]
    name = word(lang, "check_adapter")
    if not tuned:
        return Check(name=name, state="unknown", text=word(lang, "adapter_nothing"))
    idle = [v.name for v in tuned if v.canary is not None and v.canary < SMALLEST_EFFECT]
    if idle:
        text = word(lang, "adapter_bad", names=", ".join(idle))
        return Check(name=name, state="attention", text=text)
    unprobed = [v.name for v in tuned if v.canary is None]
    if unprobed:
        text = word(lang, "adapter_none", names=", ".join(unprobed))
        return Check(name=name, state="unknown", text=text)
    least = min(v.canary for v in tuned if v.canary is not None)
    return Check(name=name, state="fine", text=word(lang, "adapter_fine", least=f"{least:.2g}"))
