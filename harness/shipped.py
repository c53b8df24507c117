"""The suites and recipes that Tunemark brings along, by name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from harness.errors import InputError

FILE = "suite.yaml"


def shipped_folder() -> Path:
    """Return the folder of everything that is shipped as data.

    Raises:
        InputError: the package is not installed.
    """
    spec = find_spec("suites")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("the package 'suites' is not installed; reinstall tunemark")
    return Path(spec.submodule_search_locations[0])


def shipped_suites() -> dict[str, Path]:
    """Return the files of all shipped suites and recipes, by name."""
    folder = shipped_folder()
    suites = {file.parent.name: file for file in sorted(folder.glob(f"*/{FILE}"))}
    recipes = {file.stem: file for file in sorted((folder / "recipes").glob("*.yaml"))}
    return {**suites, **recipes}


def shipped_or(path: Path, name: str) -> Path:
    """Return the file of the shipped suite of that name; `path` when there is none."""
    return shipped_suites().get(name, path)


def suite_file(path: Path) -> Path:
    """Return the YAML file of a suite that is named by its folder, its file or a shipped name."""
    if path.is_dir():
        return path / FILE
    if path.suffix == ".yaml":
        return path
    if not path.exists() and len(path.parts) == 1:
        return shipped_or(path / FILE, path.name)
    return path / FILE
