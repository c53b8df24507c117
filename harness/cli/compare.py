"""`tunemark compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import (
    configuration_name,
    data_option,
    json_option,
    predictions_options,
    print_json,
    say,
    suite_of_run,
    trust_option,
)
from harness.cli.score import refuse_options
from harness.errors import InputError
from harness.registry import load_object

if TYPE_CHECKING:
    from harness.compare import Comparison
    from harness.compare.sides import Side
    from harness.rows import Reading
    from harness.slices import SliceComparison
    from harness.store import RunFolder

SHOWN_DISAGREEMENTS = 10


@click.command()
@click.argument("baseline", type=click.Path(path_type=Path))
@click.argument("others", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--suite",
    "suite_path",
    type=click.Path(path_type=Path),
    help="For run folders: the suite that they answered.",
)
@data_option
@click.option("--primary", help="Metrics that decide, by commas.  [default: all but gauges]")
@click.option("--margin", type=float, default=0.0, show_default=True, help="For “no worse”.")
@click.option(
    "--simultaneous", is_flag=True, help="Intervals that hold all together, not each by itself."
)
@click.option("--by", "keys", multiple=True, metavar="SLICE", help="Compare in each subgroup too.")
@click.option("--slices", "all_slices", is_flag=True, help="The same for every slice there is.")
@click.option("--disagreements", is_flag=True, help="For run folders: list differing answers.")
@click.option("--metrics", "metric_list", help="For files of predictions: as in `score`.")
@predictions_options
@click.option(
    "--better",
    type=click.Choice(["higher", "lower", "neither"]),
    default="higher",
    show_default=True,
    help="For files of ready scores: which way they are better.",
)
@trust_option
@json_option
def compare(
    baseline: Path,
    others: tuple[Path, ...],
    suite_path: Path | None,
    data: Path | None,
    primary: str | None,
    margin: float,
    simultaneous: bool,
    keys: tuple[str, ...],
    all_slices: bool,
    disagreements: bool,
    metric_list: str | None,
    language: str,
    steps: str | None,
    labels: str | None,
    kind: str,
    better: str,
    trusts_code: bool,
    as_json: bool,
) -> None:
    """Compare configurations with a BASELINE, item by item; load no model.

    Either run folders of one suite (with --suite): runs that differ only in the seed are taken
    together. Or files, without any suite: predictions {id, prediction, references} in the formats
    that `score` reads (references may stand in the first file only), or ready scores
    {id, score}; cluster and slices where there are any.
    """
    from harness.compare.notes import notes_of
    from harness.compare.sides import compare_sides, pairs_of
    from harness.rows import Reading
    from harness.slices import compare_slices

    paths = (baseline, *others)
    if suite_path is not None or baseline.is_dir():
        given = {
            "--metrics": metric_list, "--extract": steps, "--labels": labels,
            "--language": None if language == "auto" else language,
            "--format": None if kind == "auto" else kind,
            "--better": None if better == "higher" else better,
        }  # fmt: skip
        refuse_options("is for files of rows; a run has what its suite says", given)
        found = _of_runs(paths, suite_path, data, trusts_code=trusts_code)
    else:
        refuse_options(
            "is for run folders", {"--data": data, "--disagreements": disagreements or None}
        )
        reading = Reading(
            metrics=metric_list,
            language=None if language == "auto" else language,  # pyright: ignore[reportArgumentType] - click checked it
            extract=steps or "",
            labels=_listed(labels),
            format=kind,
            better=better,  # pyright: ignore[reportArgumentType] - click checked it
            trusts_code=trusts_code,
        )
        found = _of_files(paths, reading)
    pairs = pairs_of(
        found.baseline,
        found.others,
        primary=None if primary is None else _listed(primary),
        margin=margin,
    )
    comparisons = compare_sides(found.baseline, found.others, pairs, is_simultaneous=simultaneous)
    sliced = compare_slices(pairs, keys or None) if keys or all_slices else []
    notes = [*notes_of(comparisons), *found.notes]
    if as_json:
        print_json(_as_json(comparisons, sliced, notes, found))
        return
    click.echo(
        load_object("reports.comparisons:comparison_table")(
            comparisons, notes=notes, is_chosen=primary is not None
        ),
        nl=False,
    )
    if sliced:
        click.echo(load_object("reports.comparisons:slice_table")(sliced), nl=False)
    for path, (items, n) in found.differing.items():
        click.echo(f"{path}: {len(items)} of {n} answers differ from the baseline's")
        for gold_id, texts in list(items.items())[: SHOWN_DISAGREEMENTS if disagreements else 0]:
            click.echo(f"  {gold_id}\n    − {texts[0]!r}\n    + {texts[1]!r}")


Differing = Mapping[str, tuple[dict[str, tuple[str, str]], int]]
"""By run folder: the items with other answers than the baseline's, and how many are shared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is to be compared."""

    baseline: Side
    others: Sequence[Side]
    differing: Differing
    notes: Sequence[str] = ()
    """For below the table."""


def _of_runs(
    paths: Sequence[Path], suite_path: Path | None, data: Path | None, *, trusts_code: bool
) -> _Found:
    from harness.compare.answers import differing_items
    from harness.compare.repeats import repeats_of
    from harness.compare.sides import side_of
    from harness.scoring import refuse_other_gold, score_run
    from harness.store import RunFolder

    if suite_path is None:
        raise InputError(f"{paths[0]}: run folders are compared on their suite: give --suite")
    folders = [RunFolder(path=path) for path in paths]
    suite = suite_of_run(suite_path, folders[0], data)
    for folder in folders:
        refuse_other_gold(folder, suite)
    names = [configuration_name(folder) for folder in folders]
    identities = [folder.manifest["identity"] for folder in folders]
    groups = repeats_of(names, identities)
    # A run and nothing but its own repeats: then they are compared with one another.
    is_alone = len(groups) == 1
    if is_alone:
        groups = [[number] for number in range(len(folders))]
        labels = [f"{names[0]} seed {identity['seed']}" for identity in identities]
    else:
        labels = _labels([folders[group[0]] for group in groups])
    sides = [
        side_of(
            label,
            [
                score_run(folders[i], suite, label, trusts_code=trusts_code, baseline=folders[0])
                for i in group
            ],
        )
        for label, group in zip(labels, groups, strict=True)
    ]
    for label, group in zip(labels, groups, strict=True):
        if len(group) > 1:
            say(f"{label}: {len(group)} runs that differ only in the seed, taken together")
    return _Found(
        baseline=sides[0],
        others=sides[1:],
        differing={str(folder.path): differing_items(folders[0], folder) for folder in folders[1:]},
        notes=_floors(names[0], sides) if is_alone else (),
    )


def _floors(name: str, repeats: Sequence[Side]) -> list[str]:
    """Return the noise floor of each metric between runs that are compared with one another."""
    from harness.compare.notes import floor_note
    from harness.compare.sides import side_of

    whole = side_of(name, [side.scores for side in repeats])
    return [
        floor_note(scores.metric.name, name, whole.noise[scores.metric.signature])
        for scores in whole.scores
        if scores.metric.signature in whole.noise
    ]


def _of_files(paths: Sequence[Path], reading: Reading) -> _Found:
    from harness.importers.read import STDIN
    from harness.rows import sides_of_files

    found = sides_of_files([STDIN if str(path) == "-" else path for path in paths], reading)
    for note in found.notes:
        say(note)
    return _Found(baseline=found.sides[0], others=found.sides[1:], differing={})


def _labels(folders: Sequence[RunFolder]) -> list[str]:
    """Return the configurations' names, with something to tell equal ones apart.

    That is the shortest beginning of the run's digest, or the whole path.
    """
    names = [configuration_name(folder) for folder in folders]
    for length in (4, 8, 12):
        marked = [f"{n} {f.path.name[-12:][:length]}" for n, f in zip(names, folders, strict=True)]
        if len(set(marked)) == len(folders):
            break
    else:
        marked = [str(folder.path) for folder in folders]
    return [
        longer if names.count(name) > 1 else name
        for name, longer in zip(names, marked, strict=True)
    ]


def _as_json(
    comparisons: Sequence[Comparison],
    sliced: Sequence[SliceComparison],
    notes: Sequence[str],
    found: _Found,
) -> dict[str, object]:
    return {
        "comparisons": [_row(one) for one in comparisons],
        "slices": [
            {"key": one.key, "slice": one.slice, "is_judged": one.is_judged} | _row(one.comparison)
            for one in sliced
        ],
        "notes": notes,
        "disagreements": {
            path: {"n": len(items), "of": n, "items": sorted(items)}
            for path, (items, n) in found.differing.items()
        },
    }


def _row(comparison: Comparison) -> dict[str, object]:
    return {
        **asdict(comparison),
        "n_tied": comparison.n_tied,
        "coverage": comparison.coverage,
        "gain": comparison.gain,
    }


def _listed(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())
