"""`tunemark data augment`."""

from __future__ import annotations

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
    root_option,
)
from harness.errors import ConfigError
from harness.registry import load_object


@click.command()
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--how", required=True, help="paraphrase, expand, translate:zh or translate:en.")
@click.option("--model", required=True, help="Folder, Hugging Face id or packaged model.")
@click.option("--template", default="tokenizer", show_default=True, help="Prompt layout.")
@click.option("--engine", default="vllm", show_default=True, help="vllm, transformers or replay.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
)
@click.option("--replay", type=click.Path(path_type=Path), help="Answers for the replay engine.")
@click.option("--temperature", type=click.FloatRange(min=0), default=0.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--max-tokens", type=click.IntRange(min=1), default=512, show_default=True)
@click.option(
    "--prompt",
    type=click.Path(path_type=Path),
    help="Text file with what to ask instead: Jinja, sees {{ text }} and {{ question }}.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only so many rows from the start.")
@click.option("--to", help="Format to write; by default that of FILE.")
@gold_option
@format_option
@entry_option
@data_option
@root_option
@json_option
def augment(
    source: Path,
    out: Path,
    how: str,
    model: str,
    template: str,
    engine: str,
    dtype: Any,
    replay: Path | None,
    temperature: float,
    seed: int,
    max_tokens: int,
    prompt: Path | None,
    limit: int | None,
    to: str | None,
    gold: tuple[Path, ...],
    format: str | None,
    name: str | None,
    data: Path | None,
    root: Path,
    as_json: bool,
) -> None:
    """Make new rows of FILE with a model and write them to OUT.

    paraphrase rewords what the user says, expand makes the last answer fuller, translate:zh and
    translate:en translate every turn. Each new row says what it comes from (`origin`, `how`,
    `model`, `prompt_digest`, `seed`). What is empty, cut, copied, refused, in the wrong language
    or short of a number is left out, counted, and listed in OUT.dropped.jsonl. Answers are stored
    under the runs as they come: after an interruption the same command goes on.
    """
    from harness.cells import Serving
    from harness.config import read_text
    from harness.models import resolve_model
    from harness.progress import Bars
    from harness.templates import load_template

    refuse_own_input(source, out)
    way = load_object("finetune.data.rewording:parse_how")(how)
    rows = load_object("finetune.data.source:read_source")(source, format=format, name=name)
    rows = load_object("finetune.data.source:first_rows")(rows, limit)
    form = load_object("finetune.data.convert:target_format")(to) if to else rows.format
    suites = [chosen_suite(path, data) for path in gold]
    found_model = resolve_model(model)
    serving = Serving(
        model=found_model,
        template=load_template(template, found_model.path),
        engine=engine,
        dtype=dtype,
        temperature=temperature,
        seed=seed,
        replay_from=str(replay.resolve()) if replay else None,
    )
    with Bars() as bars:
        bar = bars.add(f"{how} {source.name}")

        def progress(label: str, done: int, planned: int) -> None:
            del label
            bars.update(bar, done, planned)

        asking = load_object("finetune.data.augment:Asking")(
            serving=serving,
            root=root,
            max_tokens=max_tokens,
            prompt=read_text(prompt, ConfigError) if prompt else None,
            progress=progress,
        )
        made: Any = load_object("finetune.data.augment:augment")(
            rows, way, asking, form, suites=suites
        )
    write = load_object("finetune.data.files:write_rows")
    write(out, made.rows)
    dropped = beside(out, "dropped.jsonl")
    dropped.unlink(missing_ok=True)
    if made.dropped:
        write(dropped, [one.as_json() for one in made.dropped])
    if as_json:
        print_json({"n_rows": len(rows.raw), "n_made": len(made.rows), "dropped": made.counts})
        return
    click.echo(
        f"{rows.file} → {out} ({form.name}): {counted(len(made.rows))} made of {len(rows.raw)}"
        f" by {found_model.name}"
    )
    for rule, n in sorted(made.counts.items(), key=lambda item: -item[1]):
        why = next(one for one in made.dropped if one.rule == rule)
        click.echo(f"    {n:>6}  {rule}: {why.where}: {why.why}")
