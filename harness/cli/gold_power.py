"""`tunemark gold power`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import chosen_suite, data_option, json_option, print_json

if TYPE_CHECKING:
    from harness.goldset.power import Assumptions, Evidence, MetricPower
    from harness.suite import Suite

share = click.FloatRange(0.0, 1.0)
inner_share = click.FloatRange(0.0, 1.0, min_open=True, max_open=True)


@click.command()
@click.argument("suite_path", metavar="SUITE", type=click.Path(path_type=Path))
@click.option("--metric", "metrics", multiple=True, help="Only this one; may be repeated.")
@click.option(
    "--baseline", type=click.Path(path_type=Path),
    help="A run of the suite: measures how much items vary.",
)  # fmt: skip
@click.option(
    "--other", type=click.Path(path_type=Path),
    help="A second run, with --baseline: measures the differences themselves.",
)  # fmt: skip
@click.option(
    "--effect", type=click.FloatRange(min=0.0, min_open=True),
    help="Difference to find, as a part of the metric's range: 0.05 is 5 points of 100. Gives the "
    "items needed, and the chance to find it with the items there are.",
)  # fmt: skip
@click.option(
    "--comparisons", default=1, show_default=True, type=click.IntRange(min=1),
    help="Comparisons that decide in a study; each is tested at alpha / comparisons.",
)  # fmt: skip
@click.option("--power", "wanted", default=0.8, show_default=True, type=inner_share)
@click.option("--alpha", default=0.05, show_default=True, type=inner_share)
@click.option("--correlation", default=0.5, show_default=True, type=click.FloatRange(-1.0, 1.0),
              help="Assumed between the two models' item scores.")  # fmt: skip
@click.option("--deviation", default=0.35, show_default=True,
              type=click.FloatRange(min=0.0, min_open=True),
              help="Assumed SD of item scores, as a part of the range.")  # fmt: skip
@click.option("--cluster-correlation", default=0.3, show_default=True, type=share,
              help="Assumed between items of one cluster.")  # fmt: skip
@click.option("--discordance", type=share,
              help="Share of items on which the models differ, for binary metrics.")  # fmt: skip
@data_option
@json_option
def power(
    suite_path: Path,
    metrics: tuple[str, ...],
    baseline: Path | None,
    other: Path | None,
    effect: float | None,
    comparisons: int,
    wanted: float,
    alpha: float,
    correlation: float,
    deviation: float,
    cluster_correlation: float,
    discordance: float | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Say how small a change each metric of SUITE could show with this many items.

    Binary metrics on independent items by the exact McNemar test (sample sizes as Connor 1987),
    the others by the standard error of paired differences (Card et al. 2020; Miller 2024), times
    the design effect where items come in clusters (Kish 1965).
    """
    from harness.goldset.power import Assumptions, plan_power

    suite = chosen_suite(suite_path, data)
    assumed = Assumptions(
        correlation=correlation,
        deviation=deviation,
        cluster_correlation=cluster_correlation,
        discordance=discordance,
        alpha=alpha,
        power=wanted,
        n_comparisons=comparisons,
    )
    evidence = _evidence(suite, baseline, other)
    plans = plan_power(suite, assumed, evidence=evidence, effect=effect, only=metrics)
    if as_json:
        print_json({"assumptions": asdict(assumed), "metrics": [asdict(plan) for plan in plans]})
    else:
        _print(suite, plans, assumed)


def _evidence(suite: Suite, baseline: Path | None, other: Path | None) -> dict[str, Evidence]:
    """Measure the spread of every metric on the runs that were given."""
    from harness.errors import InputError
    from harness.goldset.power import evidence_from
    from harness.scoring import refuse_other_gold, score_run
    from harness.stats.resample import group_numbers
    from harness.store import RunFolder

    if other is not None and baseline is None:
        raise InputError("--other needs --baseline: the run that it is compared with")
    if baseline is None:
        return {}
    folders = [RunFolder(path=path) for path in (baseline, other) if path is not None]
    for folder in folders:
        refuse_other_gold(folder, suite)
    scored = [score_run(folder, suite, folder.path.name) for folder in folders]
    evidence: dict[str, Evidence] = {}
    for found in zip(*scored, strict=True):
        ids = [r.id for r in found[0].planned if all(r.id in one.stats for one in found)]
        clusters = {record.id: record.cluster for record in found[0].planned}
        if len(ids) < 2:
            continue
        matrices = [one.matrix(ids) for one in found]
        evidence[found[0].metric.name] = evidence_from(
            matrices[0],
            matrices[1] if len(matrices) > 1 else None,
            found[0].metric.reduce,
            groups=group_numbers([clusters[gold_id] for gold_id in ids]),
            scale=found[0].metric.scale,
        )
    return evidence


def _print(suite: Suite, plans: tuple[MetricPower, ...], assumed: Assumptions) -> None:
    from harness.cli.tables import plain_table

    rows = [
        {
            "metric": plan.metric,
            "items": plan.n_items,
            "groups": plan.n_groups,
            "detectable": "—" if (mde := plan.minimum_detectable_effect) is None else f"±{mde:.3g}",
            **(
                {
                    "wanted": f"{plan.effect:.3g}",
                    "chance": "—"
                    if plan.power_at_effect is None
                    else f"{plan.power_at_effect:.0%}",
                    "items needed": "—" if plan.items_needed is None else f"{plan.items_needed:,}",
                }
                if plan.effect is not None
                else {}
            ),
            "by": plan.method,
            "differences": plan.basis,
        }
        for plan in plans
    ]
    click.echo(f"{suite.name} {suite.config.version}: {len(suite.gold)} items")
    if rows:
        click.echo(plain_table(tuple(rows[0]), rows), nl=False)
    level = f"{assumed.level:.3g}" + (
        f" ({assumed.alpha:g} over {assumed.n_comparisons} comparisons)"
        if assumed.n_comparisons > 1
        else ""
    )
    click.echo(
        f"detectable: the true difference that a two-sided test at {level} finds with "
        f"{assumed.power:.0%} probability, both models on the same items."
    )
    if any("assumed" in plan.basis or "from" in plan.basis for plan in plans):
        click.echo(
            f"assumed where no runs tell: item scores of the two models correlate by "
            f"{assumed.correlation:g}, {assumed.share_right:.0%} of binary scores are right, other "
            f"scores have an SD of {assumed.deviation:g} of the range, items of one cluster "
            f"correlate by {assumed.cluster_correlation:g}. Two runs (--baseline, --other) measure "
            "it."
        )
