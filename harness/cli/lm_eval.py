"""`tunemark lm-eval suite|results`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import say

if TYPE_CHECKING:
    from harness.cells import Serving


@click.group("lm-eval")
def lm_eval() -> None:
    """Give suites and results to lm-eval in its own forms."""


@lm_eval.command("suite")
@click.argument("suite_path", metavar="SUITE", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--model", required=True, help="Whose tokenizer and template make the prompts.")
@click.option("--template", default="tokenizer", show_default=True, help="Prompt layout.")
def suite_command(suite_path: Path, out: Path, model: str, template: str) -> None:
    """Write SUITE as lm-eval tasks into OUT: YAML files, data, and Python to measure alike."""
    from harness.lmeval.export import export_suite
    from harness.machine import this_machine
    from harness.runner import load_tokenizer
    from harness.suite import load_suite

    suite = load_suite(suite_path)
    serving = _serving(model, template)
    exported = export_suite(suite, out, serving.template, load_tokenizer(serving.model))
    for line in exported.left_out:
        say(f"Left out: {line}")
    for file in exported.files:
        click.echo(str(file))
    device = "" if this_machine().gpus else " --device cpu"
    say(
        f"Run: lm_eval run --model hf --model_args pretrained={serving.model.path},dtype=float32"
        f"{device} --include_path {out} --tasks {exported.group}"
    )


@lm_eval.command("results")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder above the models'.",
)
@click.option(
    "--suite",
    "suite_path",
    type=click.Path(path_type=Path),
    help="The suite of the runs; runs on lm-eval tasks have theirs beside them.",
)
@click.option("--model", help="The model, where its name in the run does not find it.")
def results_command(
    runs: tuple[Path, ...], out: Path, suite_path: Path | None, model: str | None
) -> None:
    """Write RUNS as lm-eval's results_*.json and samples_*.jsonl; load no weights."""
    from dataclasses import replace

    from harness.lmeval.cells import reading_of
    from harness.lmeval.layout import run_of, write_results
    from harness.runner import load_tokenizer
    from harness.suite import load_suite

    suite = load_suite(suite_path) if suite_path is not None else None
    for folder in runs:
        run = run_of(folder, suite)
        manifest = run.folder.manifest
        serving = _serving(model or run.model, str(manifest["provenance"].get("template")))
        serving = replace(
            serving,
            engine=str(manifest["identity"].get("engine")),
            seed=int(manifest["identity"].get("seed", 0)),
        )
        for file in write_results(run, out, reading_of(serving, load_tokenizer(serving.model))):
            click.echo(str(file))


def _serving(model: str, template: str) -> Serving:
    from harness.cells import Serving
    from harness.models import resolve_model
    from harness.templates import load_template

    source = resolve_model(model)
    return Serving(model=source, template=load_template(template, source.path))
