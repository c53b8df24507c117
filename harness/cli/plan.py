"""`tunemark plan`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import json_option, print_json
from harness.registry import load_object

PLAN = "finetune.planner.command:plan_command"
HISTORY = "finetune.planner.command:history_command"


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--train", type=click.Path(path_type=Path),
              help="Training settings alone, as under `train:` in a study.")  # fmt: skip
@click.option("--model-config", type=click.Path(path_type=Path),
              help="The model's config.json, or the folder with it.")  # fmt: skip
@click.option("--gpu", metavar="NAME|SIZE", help="Such as A100-40G or 24GiB.")
@click.option("--gpus", default=1, show_default=True, type=click.IntRange(min=1),
              help="How many of them.")  # fmt: skip
@click.option("--zero", type=click.Choice(["0", "1", "2", "3"]), default=None,
              help="What they divide: nothing, optimizer, gradients too, weights too.")  # fmt: skip
@click.option("--fsdp", is_flag=True, help="Fully sharded: as --zero 3.")
@click.option("--cpu", "on_cpu", is_flag=True, help="Train on a CPU: resident memory.")
@click.option("--stack", help="Software that trains; by default Tunemark's own trainer.")
@click.option("--serve-length", type=click.IntRange(min=1),
              help="Tokens of a request to the server.")  # fmt: skip
@click.option("--history", type=click.Path(path_type=Path, file_okay=False), metavar="RUNS",
              help="Show what was predicted and measured for trainings under RUNS.")  # fmt: skip
@json_option
def plan(
    file: Path | None,
    train: Path | None,
    model_config: Path | None,
    gpu: str | None,
    gpus: int,
    zero: str | None,
    fsdp: bool,
    on_cpu: bool,
    stack: str | None,
    serve_length: int | None,
    history: Path | None,
    as_json: bool,
) -> None:
    """Tell the memory of the trainings in FILE, a study or training settings; load no weights.

    Prints each component, a range, what each single change would save, what fits a GPU, and the
    lints. Reads the model's config.json only, and fetches nothing.
    """
    if fsdp and zero not in (None, "3"):
        raise click.UsageError("--fsdp divides everything, as --zero 3: give one of them")
    if history is not None:
        _show(load_object(HISTORY)(root=history, as_json=as_json), as_json)
        return
    target = {
        "gpu": gpu,
        "n": gpus,
        "stage": 3 if fsdp else int(zero or 0),
        "on_cpu": on_cpu,
        "stack": stack,
        "serving_length": serve_length,
    }
    found = load_object(PLAN)(
        file=file, train=train, model_config=model_config, target=target, as_json=as_json
    )
    _show(found, as_json)


def _show(found: object, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(found, nl=False)
