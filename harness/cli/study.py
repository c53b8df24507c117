"""`tunemark study run|plan|show`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import json_option, print_json, root_option, say, trust_option
from harness.registry import load_object

TERMINAL = "reports.terminal:study_tables"
HTML = "reports.html:write_report"

study_file = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def study() -> None:
    """Train, evaluate and compare configurations."""


@study.command("run")
@study_file
@trust_option
@root_option
@json_option
def run_command(file: Path, trusts_code: bool, root: Path, as_json: bool) -> None:
    """Do what is missing of a study and say which configuration to keep.

    The same command again does nothing twice: it resumes after an interruption and otherwise
    prints the same verdicts.
    """
    from harness.study import load_study
    from harness.study_run import run_study

    loaded = load_study(file, root, trusts_code=trusts_code)
    result = run_study(loaded, say=say)
    report = load_object(HTML)(result, root, loaded.folder)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        click.echo(load_object(TERMINAL)(result), nl=False)
        click.echo(f"Report: {report}")
        click.echo("Viewer: make view   (or: tunemark view)")
    if any(variant.status == "failed" for variant in result.variants):
        raise click.exceptions.Exit(1)


@study.command("plan")
@study_file
@trust_option
@root_option
@json_option
def plan_command(file: Path, trusts_code: bool, root: Path, as_json: bool) -> None:
    """Show what `run` would do, with rough times and memory; load no weights."""
    from harness.lints import training_notes
    from harness.plan import plan_study
    from harness.study import load_study

    loaded = load_study(file, root, trusts_code=trusts_code)
    steps = plan_study(loaded)
    if as_json:
        print_json([step.model_dump() for step in steps])
    else:
        click.echo(load_object("reports.terminal:plan_table")(steps), nl=False)
        for variant in loaded.variants:
            for note in training_notes(loaded, variant):
                say(note)


@study.command("show")
@study_file
@root_option
@json_option
def show_command(file: Path, root: Path, as_json: bool) -> None:
    """Print the verdicts of a study that was run; compute nothing."""
    from harness.config import load_yaml
    from harness.result import load_result
    from harness.study_config import StudyConfig

    result = load_result(root / "studies" / load_yaml(file, StudyConfig).name)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        click.echo(load_object(TERMINAL)(result), nl=False)
