"""`tunemark check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import (
    chosen_suite,
    data_option,
    json_option,
    print_json,
    root_option,
    trust_option,
)
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.suite import Suite


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@data_option
@trust_option
@root_option
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    paths: tuple[Path, ...],
    data: Path | None,
    trusts_code: bool,
    root: Path,
    as_json: bool,
) -> None:
    """Check suite folders, studies and training data before any GPU time is spent.

    A suite is a folder or its suite.yaml; a YAML file with `configurations:` is a study, one with
    `recipes:` builds training data. For a study, gold items that stand in its training data are
    named.
    """
    results = [_checked(path, root, data, trusts_code=trusts_code) for path in paths]
    if as_json:
        print_json(results)
    else:
        for result in results:
            click.echo(
                f"{'ok    ' if result['ok'] else 'FAULT '}{result['path']}: {result['text']}"
            )
    if not all(result["ok"] for result in results):
        ctx.exit(2)


def _checked(path: Path, root: Path, data: Path | None, *, trusts_code: bool) -> dict[str, Any]:
    try:
        return {
            "path": str(path),
            "ok": True,
            "text": _describe(path, root, data, trusts_code=trusts_code),
        }
    except HarnessError as error:
        return {"path": str(path), "ok": False, "text": str(error)}


def _describe(path: Path, root: Path, data: Path | None, *, trusts_code: bool) -> str:
    if path.is_file():
        text = "\n" + path.read_text(encoding="utf-8-sig", errors="replace")
        if "\nrecipes:" in text or ("\nsources:" in text and "\ntasks:" not in text):
            return _describe_recipes(path)
        if "\nsuites:" in text or "\nconfigurations:" in text:
            return _describe_study(path, root, trusts_code=trusts_code)
    from harness.preflight import check_suite

    suite = chosen_suite(path, data)
    check_suite(suite, trusts_code=trusts_code)
    _refuse_wrong(suite)
    tasks = {task: sum(r.task == task for r in suite.gold) for task in suite.config.tasks}
    counts = ", ".join(f"{task} {count}" for task, count in tasks.items())
    return f"suite {suite.name} {suite.config.version}: {len(suite.gold)} items ({counts})"


def _refuse_wrong(suite: Suite) -> None:
    """Raise GoldError for what is sure to make scores wrong; `gold check` finds the doubtful."""
    from harness.errors import GoldError
    from harness.goldset.check import gold_errors
    from harness.goldset.findings import lines_of, spelled

    errors = gold_errors(suite)
    if errors:
        lines = lines_of(suite)
        raise GoldError(
            f"{suite.file}: "
            + "; ".join(
                f"{error.text} ({spelled(error, lines, most=3)}): {error.mend}" for error in errors
            )
        )


def _describe_recipes(path: Path) -> str:
    from harness.registry import load_object

    rows = load_object("finetune.data.source:read_source")(path).examples
    return f"{len(rows)} training rows"


def _describe_study(path: Path, root: Path, *, trusts_code: bool) -> str:
    from harness.errors import DataError
    from harness.leaks import leak_sentence, study_leaks
    from harness.preflight import check_suite
    from harness.study import load_study

    study = load_study(path, root, trusts_code=trusts_code)
    for suite in study.suites:
        check_suite(suite, study.serving.model, trusts_code=trusts_code)
    suspects: list[str] = []
    for suite in study.suites:
        leaks = study_leaks(study, suite)
        if any(found.leak.verdict == "leaked" for found in leaks):
            raise DataError(leak_sentence(suite.name, leaks))
        if leaks:
            suspects.append(leak_sentence(suite.name, leaks))
    verdict = "; ".join(suspects) or "no gold item stands in the training data"
    return (
        f"study {study.config.name}: {len(study.config.configurations)} configurations × "
        f"{len(study.suites)} suites on {study.serving.model.name}; {verdict}"
    )
