"""`tunemark agreement`."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from harness.cli.options import json_option, print_json


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--unit", required=True, help="Column that says what was rated.")
@click.option("--rater", required=True, help="Column that says who rated.")
@click.option("--value", required=True, help="Column with the rating; empty: none.")
@click.option(
    "--level",
    type=click.Choice(["nominal", "ordinal", "interval"]),
    default="ordinal",
    show_default=True,
    help="What the values mean.",
)
@click.option("--categories", help="All that could be given, in order, with commas; for Gwet's AC.")
@click.option("--seed", type=int, default=12345, show_default=True, help="Of the intervals.")
@json_option
def agreement(
    file: Path,
    unit: str,
    rater: str,
    value: str,
    level: Any,
    categories: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Say how far raters agree: any CSV with one rating a line.

    Krippendorff's alpha, Gwet's AC, raw agreement, kappa of every two raters, and, unless the
    level is nominal, ICC(2,1) and ICC(2,k); intervals by drawing units.
    """
    from harness.errors import InputError
    from harness.stats.reliability import (
        gwet_ac,
        intraclass,
        krippendorff_alpha,
        pairwise_kappas,
        table_of,
        within,
    )

    is_number = level != "nominal"
    ratings = _read(file, unit, rater, value, is_number=is_number)
    known = [_value(text, is_number=is_number) for text in (categories or "").split(",") if text]
    try:
        table = table_of(ratings, level, categories=known or None)
    except ValueError as error:
        raise InputError(f"{file}: {error}") from None
    found = [
        krippendorff_alpha(table, seed=seed),
        gwet_ac(table, seed=seed),
        within(table, seed=seed),
    ]
    if is_number:
        found += [intraclass(table, of_mean=of_mean, seed=seed) for of_mean in (False, True)]
    pairs = pairwise_kappas(table)
    if as_json:
        print_json({"coefficients": list(map(asdict, found)), "pairs": list(map(asdict, pairs))})
        return
    for one in found:
        sizes = f"{one.n_units} units, {one.n_raters} raters, {one.n_pairs} pairs"
        if one.value is None:
            click.echo(f"{one.name}: undefined: {one.undefined} ({sizes})")
            continue
        interval = "" if one.low is None else f" [{one.low:.3f}, {one.high:.3f}]"
        click.echo(f"{one.name}: {one.value:.3f}{interval} ({sizes})")
    what = "kappa" if level == "nominal" else "quadratic kappa"
    for pair in pairs:
        told = "undefined" if pair.kappa is None else f"{pair.kappa:.3f}"
        click.echo(f"{what} {pair.first} – {pair.second}: {told} ({pair.n} units)")


def _read(
    file: Path, unit: str, rater: str, value: str, *, is_number: bool
) -> list[tuple[str, str, float | str]]:
    from harness.config import read_text
    from harness.errors import InputError, suggestion

    reader = csv.DictReader(io.StringIO(read_text(file, InputError)))
    columns = list(reader.fieldnames or ())
    for name in (unit, rater, value):
        if name not in columns:
            near = suggestion(name, columns)
            raise InputError(f"{file}:1: no column {name!r}{near}; there are: {', '.join(columns)}")
    ratings: list[tuple[str, str, float | str]] = []
    for row in reader:
        text = (row[value] or "").strip()
        if not text:
            continue
        try:
            ratings.append((row[unit], row[rater], _value(text, is_number=is_number)))
        except ValueError:
            raise InputError(
                f"{file}:{reader.line_num}: {text!r} is no number; use --level nominal for words"
            ) from None
    if not ratings:
        raise InputError(f"{file}: no rating in column {value!r}")
    return ratings


def _value(text: str, *, is_number: bool) -> float | str:
    if not is_number:
        return text.strip()
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
