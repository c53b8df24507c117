"""Find the stored runs that a board names, and put those of one model together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.digest import digest_of
from harness.errors import HarnessError, InputError
from harness.result import RESULT, load_result
from harness.store import MANIFEST, RunFolder, read_json

MODEL_KEYS = ("model", "adapter", "template", "engine", "dtype", "temperature", "seed", "replay")
"""What makes a configuration, in a run's identity; the rest is the suite's."""
WILD = "*?["


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """A run folder with its manifest."""

    folder: RunFolder
    identity: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def suite(self) -> str:
        """Name of the suite that it answered."""
        return str(self.identity.get("suite"))

    @property
    def name(self) -> str:
        """Name of its configuration."""
        return str(self.provenance.get("configuration", self.folder.path.name))

    @property
    def created(self) -> str:
        """When it began, ISO 8601."""
        return str(self.provenance.get("created", ""))

    @property
    def key(self) -> str:
        """Digest of the configuration: equal for its runs on all suites."""
        own = {key: self.identity.get(key) for key in MODEL_KEYS}
        return digest_of([own, self.name if self.identity.get("model") is None else None])


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One model with its runs; the newest fitting one of each suite is taken later."""

    name: str
    runs: Mapping[str, tuple[FoundRun, ...]]
    """By suite, newest first."""

    @property
    def first(self) -> FoundRun:
        """Any of its runs, for what they share."""
        return next(iter(self.runs.values()))[0]


@dataclass(frozen=True, slots=True)
class Leaks:
    """Gold items in training data, by the runs of the studies that looked for them."""

    by_run: Mapping[Path, int] = field(default_factory=dict)
    """Leaked items by run folder."""
    notes: tuple[str, ...] = ()


def find_runs(places: Sequence[str], base: Path, suites: Iterable[str]) -> list[FoundRun]:
    """Return the runs on some suites, each once, oldest first.

    Args:
        places: Run folders, folders of runs, studies' folders, or patterns of these.
        base: Where relative paths start.
        suites: Names of the suites.

    Raises:
        InputError: a place is not there, or holds no run of these suites.
        StoreError: a manifest is damaged.
    """
    wanted = set(suites)
    found: dict[Path, FoundRun] = {}
    for place in places:
        n_before = len(found)
        n_met = 0
        for path in _expand(place, base):
            for run in _runs_in(path):
                n_met += run.suite in wanted
                if run.suite in wanted:
                    found.setdefault(run.folder.path.resolve(), run)
        if n_met == 0 and len(found) == n_before:
            raise InputError(
                f"{base / place}: no run on {' or '.join(sorted(wanted))} here; give run folders, a "
                "folder of runs, or a study's folder (runs/studies/NAME)"
            )
    return sorted(found.values(), key=lambda run: (run.created, run.folder.path.name))


def candidates(runs: Sequence[FoundRun]) -> list[Candidate]:
    """Group runs by configuration; two configurations of one name get a digest behind it."""
    groups: dict[str, list[FoundRun]] = {}
    for run in runs:
        groups.setdefault(run.key, []).append(run)
    return [
        Candidate(name=name, runs=_by_suite(group))
        for name, group in zip(_names(groups), groups.values(), strict=True)
    ]


def known_leaks(runs: Sequence[FoundRun]) -> Leaks:
    """Return how many gold items the studies beside the runs found in training data.

    Of several studies that share a run, the one that found most counts.
    """
    found: dict[Path, int] = {}
    notes: list[str] = []
    for root in dict.fromkeys(run.folder.root for run in runs):
        for file in sorted((root / "studies").glob(f"*/{RESULT}")):
            try:
                result = load_result(file.parent)
            except (HarnessError, ValueError) as error:
                notes.append(f"{file}: cannot be read, so its leaks are not known ({error})")
                continue
            suites = {suite.name: suite for suite in result.suites}
            for variant in result.variants:
                for cell in variant.cells:
                    leaks = suites[cell.suite].leaks if cell.suite in suites else ()
                    n = sum(
                        leak.leak.verdict == "leaked" and variant.name in leak.configurations
                        for leak in leaks
                    )
                    folder = (root / cell.folder).resolve()
                    found[folder] = max(n, found.get(folder, 0))
    return Leaks(found, tuple(notes))


def _expand(place: str, base: Path) -> list[Path]:
    if any(char in place for char in WILD):
        pattern = Path(place)
        start = Path(pattern.anchor) if pattern.is_absolute() else base
        relative = str(pattern.relative_to(pattern.anchor)) if pattern.is_absolute() else place
        found = sorted(path for path in start.glob(relative) if path.is_dir())
        if not found:
            raise InputError(f"{base / place}: nothing fits this pattern")
        return found
    path = base / place
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; give runs as folders or patterns of folders")
    return [path]


def _runs_in(path: Path) -> Iterator[FoundRun]:
    if (path / RESULT).exists():
        result = load_result(path)
        root = path.resolve().parent.parent
        for variant in result.variants:
            for cell in variant.cells:
                if (root / cell.folder / MANIFEST).exists():
                    yield _read(root / cell.folder)
        return
    if (path / MANIFEST).exists():
        yield _read(path)
        return
    for pattern in (f"*/{MANIFEST}", f"*/*/{MANIFEST}"):
        for file in sorted(path.glob(pattern)):
            yield _read(file.parent)


def _read(path: Path) -> FoundRun:
    manifest = read_json(path / MANIFEST)
    return FoundRun(
        folder=RunFolder(path=path),
        identity=manifest.get("identity", {}),
        provenance=manifest.get("provenance", {}),
    )


def _by_suite(group: Sequence[FoundRun]) -> dict[str, tuple[FoundRun, ...]]:
    found: dict[str, list[FoundRun]] = {}
    for run in reversed(group):
        found.setdefault(run.suite, []).append(run)
    return {suite: tuple(runs) for suite, runs in found.items()}


def _names(groups: Mapping[str, Sequence[FoundRun]]) -> list[str]:
    """Return names that are unique: the adapter's digest behind it, else that of everything."""
    plain = [group[0].name for group in groups.values()]
    adapters = [
        f"{group[0].name} ({str(group[0].identity.get('adapter'))[:8]})"
        for group in groups.values()
    ]
    return [
        name
        if plain.count(name) == 1
        else by_adapter
        if adapters.count(by_adapter) == 1
        else f"{name} ({key[:8]})"
        for name, by_adapter, key in zip(plain, adapters, groups, strict=True)
    ]
