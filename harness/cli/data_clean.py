"""`tunemark data clean`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from harness.cli.data import beside, counted, refuse_own_input
from harness.cli.options import (
    chosen_suite,
    data_option,
    entry_option,
    format_option,
    gold_option,
    json_option,
    print_json,
    say,
)
from harness.errors import InputError, UnknownNameError
from harness.registry import load_object

CONFIG = "finetune.data.rules:CleanConfig"


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--rules", type=click.Path(path_type=Path), help="YAML file with the rules.")
@click.option("--with", "on", multiple=True, metavar="RULE", help="Switch a rule on.")
@click.option("--without", "off", multiple=True, metavar="RULE", help="Switch a rule off.")
@click.option("--languages", metavar="en,zh", help="Drop rows in other languages.")
@click.option("--min-words", type=click.IntRange(min=0), help="Drop shorter answers.")
@click.option("--max-words", type=click.IntRange(min=1), help="Drop longer rows.")
@click.option(
    "--near", type=click.FloatRange(0, 1, min_open=True), help="Likeness of near-duplicates."
)
@gold_option
@format_option
@entry_option
@data_option
@json_option
def clean(
    source: Path,
    out: Path,
    rules: Path | None,
    on: tuple[str, ...],
    off: tuple[str, ...],
    languages: str | None,
    min_words: int | None,
    max_words: int | None,
    near: float | None,
    gold: tuple[Path, ...],
    format: str | None,
    name: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """Write the rows of IN that pass every rule to OUT, in the same format.

    OUT.dropped.jsonl has each dropped row with its rule, OUT.changed.jsonl each mended one before
    and after. Cleaning what has been cleaned changes nothing. Rules that can be switched:
    fix_text, empty, roles, echo, equal_pair, mojibake, markup, repeated, refusals (off),
    duplicates, near.
    """
    refuse_own_input(source, out)
    given = {
        "languages": None if languages is None else tuple(languages.split(",")),
        "min_words": min_words,
        "max_words": max_words,
        "near": near,
    }
    config = _config(rules, _switches(on, off), {k: v for k, v in given.items() if v is not None})
    rows = load_object("finetune.data.source:read_source")(source, format=format, name=name)
    base = rules.parent if rules else Path()
    suites = [chosen_suite(path, data) for path in [*gold, *(base / one for one in config.gold)]]
    found: Any = load_object("finetune.data.clean:clean_rows")(rows, config, suites=suites)
    _write(out, found)
    counts = dict(Counter(one.rule for one in found.dropped).most_common())
    if as_json:
        print_json(
            {
                "n_rows": len(rows.raw),
                "n_kept": len(found.kept),
                "n_changed": len(found.changed),
                "dropped": counts,
                "rules": config.model_dump(mode="json"),
            }
        )
        return
    click.echo(
        f"{rows.file} ({rows.format.name}): {counted(len(rows.raw))}, {len(found.kept)} kept in "
        f"{out}, {len(found.changed)} of them mended, {len(found.dropped)} dropped"
    )
    for rule, n in counts.items():
        why = next(one for one in found.dropped if one.rule == rule)
        click.echo(f"    {n:>6}  {rule}: {why.row.where}: {why.why}")


def _write(out: Path, found: Any) -> None:
    write = load_object("finetune.data.files:write_rows")
    n_other = write(out, found.kept)
    reports = {"dropped.jsonl": found.dropped, "changed.jsonl": found.changed}
    for ending, listed in reports.items():
        file = beside(out, ending)
        if listed:
            write(file, [one.as_json() for one in listed])
        else:
            file.unlink(missing_ok=True)  # of an earlier call
    if n_other:
        say(f"{counted(n_other)} read back differently from {out}; .jsonl keeps them as they are")


def _switches(on: tuple[str, ...], off: tuple[str, ...]) -> dict[str, object]:
    fields = load_object(CONFIG).model_fields
    switches = [name for name, field in fields.items() if field.annotation is bool]
    found: dict[str, object] = {}
    for name in (*on, *off):
        if name not in (*switches, "near"):
            raise UnknownNameError("rule", name, [*switches, "near"])
        if name in on and name in off:
            raise InputError(f"rule {name!r} is switched on and off at once")
        found[name] = name in on
    if "near" in found:
        found["near"] = fields["near"].default if found["near"] else None
    return found


def _config(file: Path | None, switched: dict[str, object], given: dict[str, object]) -> Any:
    """Return the rules: those of the file, then those of the command line."""
    from pydantic import ValidationError

    from harness.config import explain, load_yaml, telling_fault

    model = load_object(CONFIG)
    base: Any = load_yaml(file, model) if file else model()
    try:
        return model.model_validate({**base.model_dump(), **switched, **given})
    except ValidationError as error:
        raise InputError(explain(telling_fault(error), model)) from None
