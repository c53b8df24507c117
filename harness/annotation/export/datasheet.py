"""How a session was done, in Markdown: what a reader of its numbers needs to know."""

from __future__ import annotations

from sqlalchemy.orm import Session

from harness.annotation.config import SessionConfig
from harness.annotation.database import Database
from harness.annotation.lookup import config_of, scales_of, session_named
from harness.annotation.report import ScaleAgreement, SessionReport, session_report
from harness.stats.reliability import Coefficient


def datasheet(database: Database, name: str) -> str:
    """Return protocol, guideline, counts and agreement of a session.

    Raises:
        AnnotationError: there is none of that name.
    """
    report = session_report(database, name)

    def work(session: Session) -> str:
        row = session_named(session, name)
        config, scales = config_of(row), scales_of(row)
        when = [f"{at:%Y-%m-%d}" if at else "–" for at in (row.opened_at, row.closed_at)]
        lines = [
            f"# Annotation session {row.name}",
            "",
            (
                f"Kind {row.kind} · suite {row.suite} {row.gold_version} (gold {row.gold_digest[:12]}) · "
                f"seed {row.seed} · opened {when[0]} · closed {when[1]}"
            ),
            f"Guideline: sha256 {row.guideline_digest[:12]}"
            + ("" if row.guideline else " (none was given)"),
            "",
            "## Protocol",
            *_protocol(config),
            "",
            "## Scales",
        ]
        if row.kind != "pairwise":
            for scale in scales.dimensions.values():
                lines.append(f"- **{scale.title.en} {scale.title.zh}**: {scale.question.en}")
                lines += [f"  - {n}: {scale.anchors[n].en}" for n in sorted(scale.anchors)]
        return "\n".join([*lines, "", *_counts(report), "", *_agreement(report), ""])

    return database.read(work)


def _protocol(config: SessionConfig) -> list[str]:
    overlap = (
        "everyone rates everything"
        if config.raters_per_item == "all"
        else f"{config.raters_per_item} rater(s) for an item; {config.overlap.share:.0%} of the "
        f"items (at least {config.overlap.at_least}), drawn by strata, by {config.overlap.raters}"
    )
    boost = (
        f"items on which two raters differ by {config.boost.spread} points or on the winner get "
        f"{config.boost.raters} raters"
        if config.boost
        else "no further raters where two differ"
    )
    return [
        f"- Overlap: {overlap}; {boost}.",
        (
            "- Raters saw neither runs nor models; sides were drawn, balanced by rater and item, and "
            "are recorded with every rating. Each rater had an order of their own."
        ),
        f"- Prompt {config.prompt}, references {config.references}.",
        (
            f"- Repeats: {config.repeats.share:.0%} of a rater's items, at least "
            f"{config.repeats.gap} items later, sides swapped. Checks: about {config.checks.share:.0%}."
        ),
        "- Answers that tell their origin: "
        + ", ".join(f"{kind} {rule}" for kind, rule in config.leaks.model_dump().items())
        + ".",
    ]


def _counts(report: SessionReport) -> list[str]:
    progress = report.progress
    summary = progress.summary
    lines = [
        "## Counts",
        (
            f"- {summary.n_items} items; {summary.n_identical} pairs with the same text, ties without a "
            f"rater; {summary.n_excluded} left out for telling their origin."
        ),
        (
            f"- {progress.n_ratings} of {progress.n_wanted} planned ratings by {len(progress.raters)} "
            f"raters; {progress.n_complete} items complete."
        ),
        (
            f"- Repeats: {report.n_repeats}, changed {report.n_repeats_changed}. The left answer won "
            f"{report.left_wins} of {report.n_sides} decided pairs."
        ),
    ]
    for rater in progress.raters:
        left_out = ", excluded" if rater.is_excluded else ""
        lines.append(
            f"- {rater.pseudonym}: {rater.n_submitted} rated, {rater.n_skipped} skipped, "
            f'{rater.n_surplus} surplus, {rater.n_cannot_judge} with "cannot judge"{left_out}'
        )
    return lines + [
        f"- {one.rater} gives {one.deviation:+.2f} points to the others' mean"
        for one in report.severities
        if one.deviation is not None
    ]


def _agreement(report: SessionReport) -> list[str]:
    lines = ["## Agreement"]
    for one in report.agreement:
        lines += ["", f"### {one.scale}", _spread(one)]
        lines += [f"- {coefficient_words(found)}" for found in one.coefficients]
        lines.append(f"- alpha: {one.advice}")
    return lines


def _spread(one: ScaleAgreement) -> str:
    return "- given: " + ", ".join(f"{point} × {n}" for point, n in one.distribution.items())


def coefficient_words(found: Coefficient) -> str:
    """Return a coefficient with its interval and sizes, or why there is none."""
    sizes = f"{found.n_units} units, {found.n_raters} raters, {found.n_pairs} pairs"
    if found.value is None:
        return f"{found.name}: undefined: {found.undefined} ({sizes})"
    interval = "" if found.low is None else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"{found.name}: {found.value:.3f}{interval} ({sizes})"
