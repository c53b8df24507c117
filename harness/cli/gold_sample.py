"""`tunemark gold sample`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from harness.cli.options import json_option, print_json, say

if TYPE_CHECKING:
    from harness.goldset.logs import Logs
    from harness.goldset.sample import Allocation, Sample


@click.command()
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Candidates, JSONL.")
@click.option("-n", "--count", default=200, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--input", "input_column", help="Column of what users asked; messages.0 goes inside.")
@click.option("--output", "output_column", help="Column of what was answered.")
@click.option("--type", "type_column", help="Column of the kind of request.")
@click.option("--time", "time_column", help="Column of the time; the first wording is kept.")
@click.option(
    "--spread", default="proportional", show_default=True,
    type=click.Choice(("proportional", "root", "equal")),
    help="How candidates are spread over types × languages × lengths.",
)  # fmt: skip
@click.option(
    "--not-in", "suites", multiple=True, type=click.Path(path_type=Path),
    help="Leave out what this suite's gold set has already. May be repeated.",
)  # fmt: skip
@click.option(
    "--similar", default=0.8, show_default=True, type=click.FloatRange(0.1, 1.0),
    help="Jaccard similarity of shingles from which two requests count as the same.",
)  # fmt: skip
@json_option
def sample(
    logs: tuple[Path, ...],
    out: Path,
    count: int,
    seed: int,
    input_column: str | None,
    output_column: str | None,
    type_column: str | None,
    time_column: str | None,
    spread: str,
    suites: tuple[Path, ...],
    similar: float,
    as_json: bool,
) -> None:
    """Draw candidates for a gold set from usage LOGS (JSON Lines, CSV, TSV).

    Stratified by type, language and length; requests that are nearly the same count once.
    Personal data is flagged, never changed. An expert then fills `references`.
    """
    from harness.errors import DataError
    from harness.goldset.logs import read_logs
    from harness.goldset.sample import draw_sample
    from harness.goldset.texts import input_text
    from harness.store import write_text
    from harness.suite import load_suite

    if out.exists():
        raise DataError(
            f"{out}: exists already; an expert's work may be in it: choose another name"
        )
    columns = {
        "input": input_column, "output": output_column, "type": type_column, "time": time_column,
    }  # fmt: skip
    found = read_logs(logs, columns)
    _say_columns(found, columns)
    drawn = draw_sample(
        found.requests,
        n=count,
        seed=seed,
        allocation=cast("Allocation", spread),
        avoid=[input_text(record) for path in suites for record in load_suite(path).gold],
        threshold=similar,
    )
    rows = [json.dumps(candidate.row(), ensure_ascii=False) for candidate in drawn.candidates]
    write_text(out, "".join(f"{row}\n" for row in rows))
    if as_json:
        print_json(
            {
                "out": str(out),
                "seed": seed,
                "columns": asdict(found.columns),
                "n_logged": drawn.n_logged,
                "n_repeats": drawn.n_repeats,
                "n_known": drawn.n_known,
                "n_drawn": len(drawn.candidates),
                "without_input": list(found.without_input),
                "length_limits": list(drawn.length_limits),
                "strata": [asdict(stratum) for stratum in drawn.strata],
                "flags": dict(drawn.flags),
                "flagged": {c.id: list(c.flags) for c in drawn.candidates if c.flags},
            }
        )
    else:
        _print(drawn, out)


def _say_columns(found: Logs, given: dict[str, str | None]) -> None:
    used = asdict(found.columns)
    told = (
        f"{side} = {name!r}{'' if given[side] else ' (guessed)'}" if name else f"no {side}"
        for side, name in used.items()
    )
    say(f"Columns: {', '.join(told)}")
    if found.without_input:
        first = ", ".join(found.without_input[:3])
        say(f"{len(found.without_input)} rows have no input text and are left out: {first}")


def _print(drawn: Sample, out: Path) -> None:
    from harness.cli.tables import plain_table

    short, medium = drawn.length_limits
    click.echo(
        f"{drawn.n_logged} requests, {drawn.n_repeats} of them nearly the same as an earlier one"
        + (f", {drawn.n_known} in a gold set already" if drawn.n_known else "")
        + f"; short is up to {short} words, medium up to {medium} (a Chinese character is one)"
    )
    rows = [
        {
            "type": s.type, "language": s.language, "length": s.length,
            "logged": s.n_logged, "distinct": s.n_distinct, "drawn": s.n_drawn,
        }
        for s in drawn.strata
    ]  # fmt: skip
    click.echo(plain_table(tuple(rows[0]), rows), nl=False) if rows else None
    if drawn.flags:
        kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(drawn.flags.items()))
        click.echo(f"What looks like personal data, in `flags` of each row, unchanged: {kinds}")
        flagged = [c for c in drawn.candidates if c.flags]
        for candidate in flagged[:10]:
            click.echo(
                f"  {candidate.id} ({candidate.request.place}): {', '.join(candidate.flags)}"
            )
        if len(flagged) > 10:
            click.echo(f"  … {len(flagged) - 10} more")
    click.echo(
        f"{out}: {len(drawn.candidates)} candidates. Next: an expert fills `references` and settles "
        "`flags`; rows without flags, n_seen and logged_output go into gold.jsonl."
    )
