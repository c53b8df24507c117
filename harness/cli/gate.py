"""`tunemark gate`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import json_option, print_json, say
from harness.errors import InputError


@click.command()
@click.argument("policy_file", metavar="POLICY", type=click.Path(path_type=Path))
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]…")
@click.option(
    "--study",
    "study_folder",
    type=click.Path(path_type=Path),
    help="A study's folder (runs/studies/NAME): its configurations are the candidates.",
)
@click.option("--configuration", "names", multiple=True, help="Only these; may be repeated.")
@click.option("--pin", is_flag=True, help="Pin the baseline's answers by digest, and stop.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write a summary in Markdown.")
@click.option("--json-file", type=click.Path(path_type=Path), help="Write the decision as JSON.")
@click.option("--release", "version", help="Record the candidate, if it passes, as this version.")
@json_option
@click.pass_context
def gate(
    ctx: click.Context,
    policy_file: Path,
    runs: tuple[Path, ...],
    study_folder: Path | None,
    names: tuple[str, ...],
    pin: bool,
    junit: Path | None,
    markdown: Path | None,
    json_file: Path | None,
    version: str | None,
    as_json: bool,
) -> None:
    """Hold candidate RUNs against a POLICY and its pinned baseline; load no model.

    RUNs are run folders; those of one configuration belong together. Exit codes: 0 pass, 3 fail,
    4 inconclusive (unless the policy maps it), 1 something broke, 2 wrong usage.
    """
    from harness.gate.candidates import candidates_of, ratings_of, training_of
    from harness.gate.decide import EXIT_CODES, decide
    from harness.gate.history import history_file, record_release
    from harness.gate.policy import load_policy, pin_baseline
    from harness.gate.write import as_json as as_values
    from harness.gate.write import as_text, write_files

    policy = load_policy(policy_file, checks_digest=not pin)
    if pin:
        for suite, digest in pin_baseline(policy).items():
            say(f"{suite}: {digest}")
        return
    if not policy.is_pinned:
        say(f"WARNING the baseline is not pinned; `tunemark gate {policy_file} --pin` does it")
    candidates = candidates_of(runs, study_folder)
    for name in names:
        if name not in candidates:
            raise InputError(f"no configuration {name!r}; there are: {', '.join(candidates)}")
    chosen = {name: own for name, own in candidates.items() if not names or name in names}
    decision = decide(
        policy, chosen, training=tuple(training_of(policy)), ratings=ratings_of(policy)
    )
    write_files(decision, junit=junit, markdown=markdown, json=json_file)
    if as_json:
        print_json(as_values(decision))
    else:
        click.echo(as_text(decision))
    if version is not None and decision.answer == "pass":
        record_release(policy, decision, chosen, version)
        say(f"released as {version}: commit {history_file(policy_file)}")
    elif version is not None:
        say(f"{version} is not released")
    ctx.exit(EXIT_CODES[decision.answer])
