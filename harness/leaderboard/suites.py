"""Load a board's suites with the gold sets that its runs answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from harness.config import load_yaml
from harness.errors import ConfigError
from harness.leaderboard.collect import FoundRun
from harness.leaderboard.config import BoardConfig, BoardSuite
from harness.leaderboard.eligibility import most_common
from harness.shipped import suite_file
from harness.suite import Selection, Suite, SuiteConfig, load_suite, suite_with_gold

Load = Callable[[Sequence[FoundRun]], tuple[dict[str, Suite], list[str]]]


def load_suites(config: BoardConfig, base: Path) -> tuple[tuple[str, ...], Load]:
    """Return the suites' names, and what loads them once their runs are known.

    Raises:
        ConfigError: a suite's file is wrong, or two suites have one name.
    """
    named = {_config(one, base).name: one for one in config.suites}
    if len(named) < len(config.suites):
        raise ConfigError(f"board {config.name}: two of its suites have the same name")

    def load(runs: Sequence[FoundRun]) -> tuple[dict[str, Suite], list[str]]:
        notes: list[str] = []
        suites = {
            name: _load(one, base, [run for run in runs if run.suite == name], notes)
            for name, one in named.items()
        }
        return suites, notes

    return tuple(named), load


def place_of(path: str, base: Path) -> Path:
    """Return where a suite lies: relative to a folder, or a shipped one by its name."""
    near = base / path
    return near if suite_file(near).exists() else Path(path)


def suite_name(path: str, base: Path) -> str:
    """Return what the suite at a path is called."""
    return _config(BoardSuite(path=path), base).name


def _config(one: BoardSuite, base: Path) -> SuiteConfig:
    return load_yaml(suite_file(place_of(one.path, base)), SuiteConfig)


def _load(one: BoardSuite, base: Path, runs: Sequence[FoundRun], notes: list[str]) -> Suite:
    place = place_of(one.path, base)
    config = load_yaml(suite_file(place), SuiteConfig)
    if one.data is not None or one.limit is not None:
        data = None if one.data is None else base / one.data
        return load_suite(place, Selection(data=data, limit=one.limit, limit_seed=one.limit_seed))
    digests = [str(run.identity.get("gold")) for run in runs]
    if config.source is None:
        suite = load_suite(place)
        chosen = [run for run in runs if run.provenance.get("selection") is not None]
        if suite.gold_digest in digests or len(chosen) < len(runs):
            return suite
    common = most_common(digests)
    run = next((run for run in runs if run.identity.get("gold") == common), None)
    if run is None or not run.folder.kept_gold.exists():
        return load_suite(place)
    suite = suite_with_gold(place, run.folder.kept_gold)
    notes.append(f"{config.name}: the {len(suite.gold)} items that most runs answered")
    return suite
