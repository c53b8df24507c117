"""`tunemark gold lock`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from harness.cli.options import chosen_suite, data_option, json_option, print_json, say


@click.command()
@click.argument("suite_path", metavar="SUITE", type=click.Path(path_type=Path))
@click.option("-m", "--message", required=True, help="Why: goes into the history.")
@data_option
@json_option
def lock(suite_path: Path, message: str, data: Path | None, as_json: bool) -> None:
    """Write gold.lock.json beside suite.yaml: content, version and history.

    A gold set that changed needs a new `version` in suite.yaml first, since scores from before
    cannot be compared with new ones.
    """
    from harness.errors import GoldError
    from harness.goldset.check import gold_errors
    from harness.goldset.lock import GoldChange, lock_gold, write_lock

    suite = chosen_suite(suite_path, data)
    if not message.strip():
        raise GoldError("-m needs words: say why the gold set is as it is now")
    for finding in gold_errors(suite):
        say(f"warning: {finding.text}: {finding.mend}")
    locked = lock_gold(suite, note=message.strip(), date=f"{datetime.now(UTC):%Y-%m-%d}")
    file = write_lock(suite, locked)
    entry = locked.history[-1]
    if as_json:
        print_json(entry.model_dump(mode="json"))
        return
    change = GoldChange(added=entry.added, removed=entry.removed, changed=entry.changed)
    since = f"; against {locked.history[-2].version}: {change}" if locked.history[1:] else ""
    click.echo(
        f"{file}: {suite.name} {entry.version}, {entry.n_items} items, {entry.digest[:12]}{since}"
    )
