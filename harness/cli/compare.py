"""`tunemark compare`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import (
    configuration_name,
    data_option,
    json_option,
    print_json,
    suite_of_run,
    trust_option,
)
from harness.registry import load_object

if TYPE_CHECKING:
    from harness.store import RunFolder
    from harness.types import Completion

SHOWN_DISAGREEMENTS = 10


@click.command()
@click.argument("baseline", type=click.Path(path_type=Path))
@click.argument("others", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--suite", "suite_path", required=True, type=click.Path(path_type=Path))
@data_option
@click.option("--margin", type=float, default=0.0, show_default=True, help="For “no worse”.")
@click.option("--disagreements", is_flag=True, help="List items whose answers differ.")
@trust_option
@json_option
def compare(
    baseline: Path,
    others: tuple[Path, ...],
    suite_path: Path,
    data: Path | None,
    margin: float,
    disagreements: bool,
    trusts_code: bool,
    as_json: bool,
) -> None:
    """Compare run folders of one suite with a BASELINE run, item by item."""
    from harness.compare import compare as compare_scores
    from harness.scoring import refuse_other_gold, score_run
    from harness.store import RunFolder

    folders = [RunFolder(path=path) for path in (baseline, *others)]
    suite = suite_of_run(suite_path, folders[0], data)
    for folder in folders:
        refuse_other_gold(folder, suite)
    names = [configuration_name(folder) for folder in folders]
    before, *after = (
        score_run(folder, suite, name, trusts_code=trusts_code, baseline=folders[0])
        for folder, name in zip(folders, names, strict=True)
    )
    found = [
        compare_scores(first, second, margin=margin)
        for scores in after
        for first, second in zip(before, scores, strict=True)
        if first.stats or second.stats
    ]
    differing = {str(folder.path): differing_items(folders[0], folder) for folder in folders[1:]}
    if as_json:
        print_json(
            {
                "comparisons": [asdict(c) for c in found],
                "disagreements": {
                    path: {"n": len(items), "of": n, "items": sorted(items)}
                    for path, (items, n) in differing.items()
                },
            }
        )
        return
    click.echo(load_object("reports.terminal:comparison_table")(found), nl=False)
    for path, (items, n) in differing.items():
        click.echo(f"{path}: {len(items)} of {n} answers differ from the baseline's")
        for gold_id, texts in list(items.items())[: SHOWN_DISAGREEMENTS if disagreements else 0]:
            click.echo(f"  {gold_id}\n    − {texts[0]!r}\n    + {texts[1]!r}")


def differing_items(first: RunFolder, second: RunFolder) -> tuple[dict[str, tuple[str, str]], int]:
    """Return the items whose answers differ, and how many items both runs have."""
    left, right = first.completions(), second.completions()
    shared = [gold_id for gold_id in left if gold_id in right]
    pairs = {gold_id: (_said(left[gold_id]), _said(right[gold_id])) for gold_id in shared}
    return {gold_id: pair for gold_id, pair in pairs.items() if pair[0] != pair[1]}, len(shared)


def _said(completion: Completion) -> str:
    logprobs = completion.choice_logprobs
    return completion.text if logprobs is None else f"choice {logprobs.index(max(logprobs))}"
