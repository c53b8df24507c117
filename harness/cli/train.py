"""`tunemark train`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import json_option, print_json, root_option, say, trust_option
from harness.errors import UnknownNameError


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1)
@trust_option
@root_option
@json_option
def train(file: Path, names: tuple[str, ...], trusts_code: bool, root: Path, as_json: bool) -> None:
    """Train configurations of the study FILE: the named ones, with all their seeds, or all.

    Each trains in a process of its own. What is trained already is not trained again; an
    interrupted training goes on from its last checkpoint and ends with the same adapter.
    """
    from harness.children import run_child
    from harness.leaks import leak_warnings
    from harness.lints import refuse_unservable, training_notes
    from harness.study import load_study

    study = load_study(file, root, trusts_code=trusts_code)
    variants = {v.name: v for v in study.variants if v.training is not None}
    trainings = {name: v.training for name, v in variants.items() if v.training is not None}
    chosen: list[str] = []
    for name in names or trainings:
        found = [v.name for v in variants.values() if name in (v.name, v.configuration)]
        if not found:
            raise UnknownNameError("configuration", name, trainings, where=str(file))
        chosen += found
    rows: list[dict[str, object]] = []
    for name in dict.fromkeys(chosen):
        training = trainings[name]
        if not training.is_complete:
            refuse_unservable(study, only=name)
            variant = variants[name]
            for warning in (*leak_warnings(study, variant), *training_notes(study, variant)):
                say(warning)
            say(f"Training {name}: {training.n_rows} rows, about {training.n_tokens:,} tokens")
            training.prepare()
            what = f"training {name}"
            run_child(training.command(), folder=training.folder.path, what=what)
        rows.append({"name": name, "adapter": str(training.adapter), **training.summary()})
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']}: {row['adapter']}")
