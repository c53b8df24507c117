"""Collect what a gate decides on: candidates from run folders or a study, and training texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.contamination.find import TrainingText
from harness.contamination.read import read_training_texts
from harness.errors import InputError
from harness.gate.policy import Policy
from harness.gate.ratings import Rating, read_ratings
from harness.registry import load_object
from harness.result import load_result
from harness.store import RunFolder


def candidates_of(
    runs: Sequence[Path], study: Path | None = None
) -> dict[str, dict[str, RunFolder]]:
    """Return run folders by configuration and suite.

    Args:
        runs: Run folders; those of one configuration belong together.
        study: A study's folder, whose finished configurations are candidates too.

    Raises:
        InputError: no candidate at all, or two runs of one configuration on one suite.
    """
    found = _from_study(study) if study is not None else {}
    for path in runs:
        folder = RunFolder(path=path)
        suite = str(folder.manifest["identity"].get("suite"))
        name = str(folder.manifest["provenance"].get("configuration", path.name))
        own = found.setdefault(name, {})
        if suite in own:
            raise InputError(
                f"{path}: a second run of {name!r} on {suite!r}; the first is {own[suite].path}"
            )
        own[suite] = folder
    if not found:
        raise InputError("name the candidate: run folders, or --study FOLDER")
    return found


def training_of(policy: Policy) -> Iterator[TrainingText]:
    """Yield the rows of the policy's training files."""
    for path in policy.config.training:
        file = policy.file.parent / path
        if file.suffix in {".jsonl", ".ndjson"}:
            yield from read_training_texts(file)
        else:
            yield from load_object("finetune.data.source:training_texts")(file)


def ratings_of(policy: Policy) -> list[Rating] | None:
    """Return the ratings that the policy names; None where it names none."""
    files = [policy.file.parent / path for path in policy.config.ratings]
    return read_ratings(files) if files else None


def _from_study(folder: Path) -> dict[str, dict[str, RunFolder]]:
    result = load_result(folder)
    root = folder.parent.parent
    return {
        variant.name: {cell.suite: RunFolder(path=root / cell.folder) for cell in variant.cells}
        for variant in result.variants
        if variant.name != result.baseline and variant.status == "complete"
    }
