"""Hash values, files and folders so that equal content has an equal name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys, no spaces and no NaN: equal values give equal text."""
    return _CANONICAL.encode(value)


def digest_of(value: object) -> str:
    """Return the SHA-256 (hex) of a JSON-compatible value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_digest(folder: Path, names: list[str]) -> str:
    """Return one SHA-256 (hex) over the named files of a folder, in sorted order."""
    return digest_of([[name, file_digest(folder / name)] for name in sorted(names)])
