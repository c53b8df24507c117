"""`tunemark run`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import (
    chosen_suite,
    data_option,
    json_option,
    limit_option,
    limit_seed_option,
    lm_eval_options,
    print_json,
    root_option,
    say,
    trust_option,
)
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.models import ModelSource
    from harness.runner import Cell, Serving
    from harness.store import RunFolder
    from harness.suite import LmEvalOptions, Selection, Suite
    from harness.types import Adapter


@click.command()
@click.argument("suites", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", required=True, help="Folder, Hugging Face id or packaged model.")
@click.option("--name", default="base", show_default=True, help="Name of the untouched model.")
@click.option(
    "--adapter",
    "adapters",
    multiple=True,
    metavar="NAME=FOLDER",
    help="A PEFT LoRA adapter to run as well; may be given several times.",
)
@click.option("--only-adapters", is_flag=True, help="Leave the untouched model out.")
@click.option("--template", default="tokenizer", show_default=True, help="Prompt layout.")
@click.option("--engine", default="vllm", show_default=True, help="vllm, transformers or replay.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
)
@click.option(
    "--lora-mode",
    type=click.Choice(["auto", "multi", "merged"]),
    default="auto",
    show_default=True,
    help="Adapters side by side, or merged one after another.",
)
@click.option("--replay", type=click.Path(path_type=Path), help="Answers for the replay engine.")
@click.option("--temperature", type=click.FloatRange(min=0), default=0.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs with seeds from --seed on; `compare` takes them together.",
)
@data_option
@limit_option
@limit_seed_option
@lm_eval_options
@trust_option
@root_option
@json_option
def run(
    suites: tuple[Path, ...],
    model: str,
    name: str,
    adapters: tuple[str, ...],
    only_adapters: bool,
    template: str,
    engine: str,
    dtype: str,
    lora_mode: str,
    replay: Path | None,
    temperature: float,
    seed: int,
    repeats: int,
    data: Path | None,
    limit: int | None,
    limit_seed: int | None,
    include: str | None,
    num_fewshot: int | None,
    apply_chat_template: bool,
    system_instruction: str | None,
    trusts_code: bool,
    root: Path,
    as_json: bool,
) -> None:
    """Answer every gold item of the SUITES and score the answers.

    A suite is a folder, a shipped name, or lm-eval/TASK for a task, tag or group of lm-eval.

    What is already stored is not run again: after an interruption the same command goes on.
    """
    from harness.engines.base import Dtype
    from harness.errors import UnknownNameError
    from harness.models import resolve_model
    from harness.preflight import check_suite, refuse_too_long
    from harness.registry import ENGINES
    from harness.runner import Cell, Serving, folder_of
    from harness.suite import LmEvalOptions, Selection
    from harness.templates import load_template

    if engine not in ENGINES:
        raise UnknownNameError("engine", engine, ENGINES)
    _refuse_equal_repeats(repeats, temperature)
    options = LmEvalOptions(
        include=include,
        limit=limit,
        num_fewshot=num_fewshot,
        apply_chat_template=apply_chat_template,
        system_instruction=system_instruction,
    )
    loaded = _suites(
        suites, root, options, Selection(data=data, limit=limit, limit_seed=limit_seed)
    )
    for suite in loaded:
        check_suite(suite, trusts_code=trusts_code)
        for why in suite.config.lm_eval.left_out if suite.config.lm_eval else ():
            say(f"Not compared: {why}")
    source = resolve_model(model)
    for suite in loaded:
        refuse_too_long(suite, source)
    checked_dtype: Dtype = dtype  # pyright: ignore[reportAssignmentType] - click checked it
    serving = Serving(
        model=source,
        template=load_template(template, source.path),
        engine=engine,
        dtype=checked_dtype,
        temperature=temperature,
        seed=seed,
        lora_mode=lora_mode,
        replay_from=str(replay) if replay else None,
    )
    variants: list[tuple[str, Adapter | None]] = [] if only_adapters else [(name, None)]
    variants += [(own, _adapter(own, folder, source)) for own, folder in map(_named, adapters)]
    if not variants:
        raise InputError("--only-adapters needs at least one --adapter NAME=FOLDER")
    _refuse_equal_or_odd("configuration", [variant for variant, _ in variants])
    _refuse_equal("suite", [suite.name for suite in loaded])
    cells = [
        Cell(name=variant, suite=suite, adapter=adapter)
        for variant, adapter in variants
        for suite in loaded
    ]
    servings = [replace(serving, seed=seed + number) for number in range(repeats)]
    for seeded in servings:
        _run_cells(cells, seeded, root, mark=f" · seed {seeded.seed}" if repeats > 1 else "")
    rows = [
        {**row, "seed": seeded.seed}
        for seeded in servings
        for cell in cells
        for row in _rows_of(cell, folder_of(cell, seeded, root), trusts_code=trusts_code)
    ]
    if as_json:
        print_json(rows)
        return
    from harness.cli.tables import NO_ANSWER, no_answer, plain_table

    seeds = ("seed",) if repeats > 1 else ()
    columns = ("configuration", *seeds, "suite", "metric", "value", "n", "coverage", NO_ANSWER)
    click.echo(plain_table(columns, no_answer(rows)), nl=False)
    for folder in dict.fromkeys(str(row["folder"]) for row in rows):
        say(f"Run: {folder}")


def _named(given: str) -> tuple[str, str]:
    name, _, folder = given.partition("=")
    if not folder:
        raise InputError(f"--adapter {given!r}: write it as NAME=FOLDER")
    return name, folder


def _adapter(name: str, folder: str, source: ModelSource) -> Adapter:
    from harness.adapters import load_adapter
    from harness.variants import MAX_RANK

    return load_adapter(name, Path(folder), source, max_rank=MAX_RANK)


def _run_cells(cells: Sequence[Cell], serving: Serving, root: Path, *, mark: str) -> None:
    """Run what is missing, with a bar for each cell; `mark` stands behind its name."""
    from harness.progress import Bars
    from harness.runner import run_cells

    with Bars() as bars:
        shown = {cell.label: bars.add(f"{cell.label}{mark}") for cell in cells}
        run_cells(
            cells,
            serving,
            root,
            progress=lambda label, done, planned: bars.update(shown[label], done, planned),
        )


def _rows_of(cell: Cell, folder: RunFolder, *, trusts_code: bool) -> list[dict[str, object]]:
    from harness.scoring import score_run

    return [
        {
            "configuration": cell.name,
            "suite": cell.suite.name,
            "metric": score.metric.name,
            "value": score.value(),
            "n": len(score.stats),
            "coverage": score.coverage,
            "not_extracted": len(score.not_extracted),
            "signature": score.metric.signature,
            "folder": str(folder.path),
        }
        for score in score_run(folder, cell.suite, cell.name, trusts_code=trusts_code)
    ]


def _suites(
    paths: Sequence[Path], root: Path, options: LmEvalOptions, selection: Selection
) -> list[Suite]:
    from harness.named_suites import is_lm_eval, lm_eval_suite, refuse_lm_eval_options

    is_theirs = {path: is_lm_eval(path.as_posix(), Path()) for path in paths}
    if not any(is_theirs.values()):
        refuse_lm_eval_options(options, where=", ".join(map(str, paths)))
    return [
        lm_eval_suite(path.as_posix(), root, options, selection, here=Path(), where=str(path))
        if is_theirs[path]
        else chosen_suite(
            path, selection.data, limit=selection.limit, limit_seed=selection.limit_seed
        )
        for path in paths
    ]


def _refuse_equal_repeats(repeats: int, temperature: float) -> None:
    if repeats > 1 and temperature == 0:
        raise InputError(
            "--repeats is for answers that vary with the seed; at temperature 0 they do not: "
            "set --temperature"
        )


def _refuse_equal(kind: str, names: list[str]) -> None:
    """Names become folders and labels."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two of the {kind}s are called {name!r}; give each its own name")


def _refuse_equal_or_odd(kind: str, names: list[str]) -> None:
    _refuse_equal(kind, names)
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise InputError(f"{kind} name {name!r}: use letters, digits, dots, - and _ only")
