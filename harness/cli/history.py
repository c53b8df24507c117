"""`tunemark history`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import json_option, print_json
from harness.cli.tables import plain_table, whiskers
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.compare import Comparison
    from harness.gate.history import Point
    from harness.gate.policy import Requirement
    from harness.stats.bootstrap import Interval


@click.command()
@click.argument("policy_file", metavar="POLICY", type=click.Path(path_type=Path))
@click.option("--suite", help="Only this suite.")
@click.option("--metric", help="Only this metric.")
@json_option
def history(policy_file: Path, suite: str | None, metric: str | None, as_json: bool) -> None:
    """Show the primaries of a gate's POLICY over the versions that it has released.

    `tunemark gate POLICY RUN… --release VERSION` records a version that passes. Where the runs of
    two releases are still there, they are compared item by item; the others show what was
    measured at the time.
    """
    from harness.gate.history import history_file, load_history, trend
    from harness.gate.policy import load_policy

    policy = load_policy(policy_file, checks_digest=False)
    file = history_file(policy_file)
    releases = load_history(file)
    if not releases:
        raise InputError(
            f"{file}: nothing was released yet; `tunemark gate {policy_file} RUN… --release "
            "VERSION` records a version that passes"
        )
    chosen = [
        requirement
        for requirement in policy.config.primary
        if suite in (None, requirement.suite) and metric in (None, requirement.metric)
    ]
    if not chosen:
        there = ", ".join(f"{r.suite} {r.metric}" for r in policy.config.primary)
        raise InputError(f"the policy has no such primary; there are: {there}")
    trends = [(requirement, trend(policy, releases, requirement)) for requirement in chosen]
    if as_json:
        print_json([_as_values(requirement, points) for requirement, points in trends])
        return
    for requirement, points in trends:
        _show(requirement, points)


def _show(requirement: Requirement, points: list[Point]) -> None:
    click.echo(f"{requirement.suite} {requirement.metric}, asked: {requirement.require}")
    pictures = whiskers([point.measured.value for point in points])
    rows: list[dict[str, object]] = [
        {
            "version": point.release.version,
            "released": point.release.released[:10],
            "value [95 %]": _interval(point.measured.value),
            "": picture,
            "to the baseline": _interval(point.measured.difference, signed=True),
            "since the last": _since(point.since_last),
            "n": point.measured.n,
            "gold": point.measured.gold_version,
        }
        for point, picture in zip(points, pictures, strict=True)
    ]
    if rows:
        click.echo(plain_table(list(rows[0]), rows), nl=False)
    for point in points:
        if not point.is_comparable:
            click.echo(
                f"From {point.release.version} on the gold set or the metric is another: values "
                "before it cannot be compared with those after."
            )
        if point.has_eroded and point.since_first is not None:
            click.echo(
                f"{point.release.version} against {point.first_version}: "
                f"{_interval(point.since_first.difference, signed=True)}: small losses have added "
                "up."
            )
    click.echo()


def _since(found: Comparison | None) -> str:
    if found is None:
        return ""
    return f"{_interval(found.difference, signed=True)} {found.verdict}"


def _interval(interval: Interval, *, signed: bool = False) -> str:
    form = "+.3f" if signed else ".3f"
    text = f"{interval.value:{form}} [{interval.low:{form}}, {interval.high:{form}}]"
    return text.replace("-", "−")


def _as_values(requirement: Requirement, points: list[Point]) -> dict[str, object]:
    return {
        "suite": requirement.suite,
        "metric": requirement.metric,
        "require": requirement.require,
        "margin": requirement.margin,
        "releases": [
            {
                "version": point.release.version,
                "released": point.release.released,
                "candidate": point.release.candidate,
                **point.measured.model_dump(mode="json"),
                "is_comparable": point.is_comparable,
                "since_last": asdict(point.since_last) if point.since_last else None,
                "since_first": asdict(point.since_first) if point.since_first else None,
                "has_eroded": point.has_eroded,
            }
            for point in points
        ],
    }
