"""Find the studies under a runs' root and say what is wrong with those that cannot be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from harness.errors import StoreError
from harness.result import RESULT, StudyResult, load_result


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStudy:
    """One study folder."""

    name: str
    folder: Path
    result: StudyResult | None
    problem: str | None = None
    """Why there is no result to show."""


def find_studies(root: Path) -> tuple[FoundStudy, ...]:
    """Return the studies under `root`, the newest first, unreadable ones last."""
    folder = root / "studies"
    if not folder.is_dir():
        return ()
    found = [read_study(entry) for entry in sorted(folder.iterdir()) if entry.is_dir()]
    shown = [study for study in found if study.result is not None]
    shown.sort(key=lambda study: study.result.created if study.result else "", reverse=True)
    return (*shown, *(study for study in found if study.result is None))


def read_study(folder: Path) -> FoundStudy:
    """Read one study folder; a fault becomes its `problem`."""
    try:
        result = stored_result(folder)
    except StoreError as error:
        return FoundStudy(name=folder.name, folder=folder, result=None, problem=str(error))
    return FoundStudy(name=folder.name, folder=folder, result=result)


def stored_result(folder: Path) -> StudyResult:
    """Read a study's result.

    Raises:
        StoreError: there is none yet, or it is damaged or of another version.
    """
    if not (folder / RESULT).exists():
        raise StoreError(
            f"{folder}: no result yet; a study writes it when it ends "
            "(tunemark study run STUDY.yaml)"
        )
    try:
        return load_result(folder)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise StoreError(
            f"{folder / RESULT}: not a result of this version of Tunemark ({where}: "
            f"{fault['msg']}); run the study again: nothing that is done is done twice"
        ) from None
