"""Options that several verbs share, and the suite that they choose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from harness.store import RunFolder
    from harness.suite import Suite

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    envvar="TUNEMARK_RUNS",
    show_default=True,
    help="Folder of all runs.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
trust_option = click.option(
    "--trust-code",
    "trusts_code",
    is_flag=True,
    help="Run the Python files that the suite's metrics name.",
)
data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder or file with the public data that a recipe reads.",
)
limit_option = click.option(
    "--limit", type=click.IntRange(min=1), help="At most so many items of each task."
)
limit_seed_option = click.option(
    "--limit-seed", type=int, help="Draw them at random with this seed, not from the start."
)

format_option = click.option(
    "--format", help="Format of the data, where its fields do not tell; see docs/data.md."
)
entry_option = click.option("--name", help="Which data set of a dataset_info.json.")
gold_option = click.option(
    "--gold",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Suite whose gold items must not stand in the data; may be given several times.",
)

LM_EVAL_OPTIONS = (
    click.option(
        "--include",
        metavar="FOLDER",
        help="For lm-eval tasks: folder with task YAML files of your own.",
    ),
    click.option(
        "--num-fewshot",
        type=click.IntRange(min=0),
        help="For lm-eval tasks: solved examples; by default what the task says.",
    ),
    click.option(
        "--apply-chat-template",
        is_flag=True,
        help="For lm-eval tasks: lay prompts out by the chat template.",
    ),
    click.option("--system-instruction", metavar="TEXT", help="For lm-eval tasks: a system turn."),
)
"""Under lm-eval's own names."""


def lm_eval_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that only lm-eval tasks have."""
    for option in reversed(LM_EVAL_OPTIONS):
        command = option(command)
    return command


FORMATS = ("auto", "plain", "lm-eval", "llama-factory", "opencompass", "evalscope")
"""Tools whose files of predictions are read."""

PREDICTIONS_OPTIONS = (
    click.option(
        "--language",
        type=click.Choice(["auto", "en", "zh"]),
        default="auto",
        show_default=True,
        help="For files of predictions: decides how texts are cut into words.",
    ),
    click.option(
        "--extract",
        "steps",
        help="For files of predictions: steps that find the answer, by commas.",
    ),
    click.option(
        "--labels", help="For files of predictions: the classes of a classification, by commas."
    ),
    click.option(
        "--format",
        "kind",
        type=click.Choice(FORMATS),
        default="auto",
        show_default=True,
        help="For files of predictions: which tool wrote them.",
    ),
)


def predictions_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how files of predictions are read."""
    for option in reversed(PREDICTIONS_OPTIONS):
        command = option(command)
    return command


def say(line: str) -> None:
    """Tell the person at the terminal what is going on."""
    click.echo(line, err=True)


def print_json(value: object) -> None:
    """Print a value as JSON on stdout."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def configuration_name(folder: RunFolder) -> str:
    """Return the name of the configuration that a run belongs to."""
    return str(folder.manifest["provenance"].get("configuration", folder.path.name))


def chosen_suite(
    path: Path, data: Path | None, *, limit: int | None = None, limit_seed: int | None = None
) -> Suite:
    """Return a suite with the items that the options choose."""
    from harness.errors import InputError
    from harness.suite import Selection, load_suite

    if limit_seed is not None and limit is None:
        raise InputError("--limit-seed draws the items of --limit: give both")
    return load_suite(path, Selection(data=data, limit=limit, limit_seed=limit_seed))


def suite_of_run(path: Path, folder: RunFolder, data: Path | None = None) -> Suite:
    """Return a suite with the items that a run answered.

    A recipe's items, and a part of a suite that was chosen by --limit, are read from the copy of
    the gold set that the run kept; then its data is not needed again.

    Raises:
        IncomparableError: the run answered another version of the gold set.
    """
    from harness.scoring import refuse_other_gold
    from harness.shipped import suite_file
    from harness.suite import Selection, load_suite, suite_with_gold

    if data is None and suite_file(path).exists():
        is_part = folder.manifest["provenance"].get("selection") is not None
        if is_part and folder.kept_gold.exists():
            return suite_with_gold(path, folder.kept_gold)
    suite = load_suite(path, Selection(data=data))
    refuse_other_gold(folder, suite)
    return suite
