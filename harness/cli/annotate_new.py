"""`tunemark annotate new`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.annotate_options import actor, database_option, opened
from harness.cli.options import data_option, json_option, print_json, root_option, suite_of_run

if TYPE_CHECKING:
    from harness.annotation.lead_views import SessionSummary


@click.command()
@click.argument("suite_path", metavar="SUITE", type=click.Path(path_type=Path))
@click.argument(
    "runs", nargs=-1, required=True, metavar="RUN…", type=click.Path(path_type=Path, exists=True)
)
@click.option("--config", type=click.Path(path_type=Path), help="session.yaml; options go first.")
@click.option("--name", help="Of the session; raters see it, so it must name no run.")
@click.option("--title", help="What raters read above every item.")
@click.option("--kind", type=click.Choice(["likert", "pairwise", "both"]), help="What is asked.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many gold items, drawn.")
@click.option("--raters", help='Raters for an item, or "all": everyone rates everything.')
@click.option("--seed", type=click.IntRange(min=0), help="Decides draw, orders and sides.")
@database_option
@root_option
@data_option
@json_option
def new(
    suite_path: Path,
    runs: tuple[Path, ...],
    config: Path | None,
    name: str | None,
    title: str | None,
    kind: str | None,
    limit: int | None,
    raters: str | None,
    seed: int | None,
    place: str | None,
    root: Path,
    data: Path | None,
    as_json: bool,
) -> None:
    """Make a session out of the answers of RUNs; the first is the baseline of pairs.

    It is a draft: look at what was found, then `tunemark annotate open NAME`.
    """
    from harness.store import RunFolder

    folders = [RunFolder(path=path) for path in runs]
    suite = suite_of_run(suite_path, folders[0], data)
    options: dict[str, Any] = {
        "name": name,
        "title": title,
        "kind": kind,
        "limit": limit,
        "raters_per_item": int(raters) if raters and raters.isdigit() else raters,
        "seed": seed,
    }
    with opened(place, root, must_exist=False) as database:
        from harness.annotation.read_config import session_config
        from harness.annotation.setup import create_session

        chosen = {key: value for key, value in options.items() if value is not None}
        whole = session_config(config, chosen)
        folder = config.parent if config else Path()
        summary = create_session(database, whole, suite, folders, folder=folder, actor=actor())
    if as_json:
        from dataclasses import asdict

        print_json(asdict(summary))
        return
    click.echo("\n".join(summary_lines(summary)))
    click.echo(f"Next: tunemark annotate open {summary.name}")


def summary_lines(summary: SessionSummary) -> list[str]:
    """Return what a session consists of, in words."""
    lines = [
        (
            f"{summary.name}: {summary.kind}, {summary.state}, {summary.n_items} items to rate "
            f"on {summary.suite}, {len(summary.runs)} runs"
        )
    ]
    if summary.n_identical:
        lines.append(f"  {summary.n_identical} pairs say the same: ties, shown to nobody")
    if summary.n_checks or summary.n_training:
        lines.append(f"  {summary.n_checks} checks, {summary.n_training} training items")
    lines += [f"  answers that tell their origin: {what}: {n}" for what, n in summary.leaks.items()]
    if summary.n_excluded:
        lines.append(f"  {summary.n_excluded} items left out for that")
    return lines
