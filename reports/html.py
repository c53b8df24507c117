"""Write a study's result as one HTML file that needs nothing else and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness import __version__
from harness.errors import StoreError
from harness.result import StudyResult
from harness.store import write_text
from reports import charts
from reports.checks import health
from reports.headline import headline
from reports.render import asset, environment
from reports.samples import Sample, load_samples, readable
from reports.scatter import trade_off_chart
from reports.selection import lead_metrics, leading_metric, most_telling, relative_gain
from reports.tables import provenance_rows
from reports.words import Lang

REPORT = "report.html"
CARDS = 40
"""Samples shown of each configuration, all suites together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One telling sample of one configuration."""

    configuration: str
    """Or one training seed of it."""
    suite: str
    metric: str
    kind: Literal["gained", "lost"]
    change: float
    sample: Sample


def write_report(result: StudyResult, root: Path, folder: Path, *, lang: Lang = "en") -> Path:
    """Write `report.html` into a folder and return its path.

    Args:
        result: What to report.
        root: Folder of all runs, for the samples; a missing run is told in the report.
        folder: Where to write.
        lang: Language of the report's own words.
    """
    write_text(folder / REPORT, render_report(result, root, lang=lang))
    return folder / REPORT


def render_report(result: StudyResult, root: Path, *, lang: Lang = "en") -> str:
    """Return the report as HTML."""
    problems: list[str] = []
    cards = tuple(_cards(result, root, problems))
    style, script = asset("parts.css") + asset("report.css"), asset("report.js")
    return (
        environment(lang)
        .get_template("report.html.jinja")
        .render(
            result=result,
            lang=lang,
            head=headline(result, lang),
            checks=health(result, lang),
            forests=charts.forests(result),
            scatter=trade_off_chart(result, lang),
            losses=charts.heldout_losses(result),
            cards=cards,
            problems=tuple(dict.fromkeys(problems)),
            provenance=provenance_rows(result, root),
            version=__version__,
            style=style,
            style_hash=_csp_hash(style),
            script=script,
            script_hash=_csp_hash(script),
        )
    )


def _cards(result: StudyResult, root: Path, problems: list[str]) -> Iterator[Card]:
    each = max(2, CARDS // max(1, len(result.suites)))
    first: dict[str, str] = {}
    for name, owner in readable(result).items():
        first.setdefault(owner, name)  # one training seed stands for the others
    for name in first.values():
        for suite in result.suites:
            lead = lead_metrics(result, suite.name)
            try:
                samples = load_samples(result, root, suite=suite.name, configuration=name)
            except StoreError as error:
                problems.append(str(error))
                continue
            for sample in most_telling(samples, lead, each):
                yield _card(sample, name, suite.name, lead)


def _card(sample: Sample, name: str, suite: str, lead: tuple[str, ...]) -> Card:
    metric = leading_metric(sample, lead)
    assert metric is not None, f"{sample.gold_id} was ranked without a score"
    return Card(
        configuration=name,
        suite=suite,
        metric=metric,
        kind="gained" if relative_gain(sample, lead) > 0 else "lost",
        change=sample.change(metric) or 0.0,
        sample=sample,
    )


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
