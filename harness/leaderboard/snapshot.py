"""Publish a board as an immutable snapshot with a parent, and read it back, digests checked.

    <folder>/<board>/<number>-<digest12>/board.json

The digest is that of everything in the file but itself, the parent's digest included: so the last
snapshot vouches for all before it.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from harness.config import explain, telling_fault
from harness.digest import digest_of
from harness.errors import InputError, StoreError
from harness.leaderboard.board import Board
from harness.leaderboard.changes import Change, changes
from harness.store import locked, read_json, write_json
from harness.types import Record

FILE = "board.json"
_FOLDER = re.compile(r"(\d+)-([0-9a-f]{12})")


class Snapshot(Record):
    """board.json."""

    number: int
    """From 1."""
    created: str
    """ISO 8601."""
    parent: str | None
    """Digest of the snapshot before; None for the first."""
    changes: tuple[Change, ...]
    """Against the parent."""
    board: Board
    digest: str
    """SHA-256 of all the rest."""

    @property
    def folder_name(self) -> str:
        """What its folder is called."""
        return f"{self.number}-{self.digest[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A snapshot on disk."""

    snapshot: Snapshot
    path: Path
    """Its folder."""
    is_new: bool
    """False where the board had not changed since."""


def publish(board: Board, folder: Path, *, now: datetime | None = None) -> Published:
    """Write a board as the next snapshot; nothing where the last one says the same.

    Args:
        board: What to publish.
        folder: Of all published boards.
        now: When; by default the present.

    Raises:
        StoreError: an earlier snapshot was changed, or the folder cannot be written.
    """
    home = folder / board.name
    with locked(home):
        last = latest(home)
        if last is not None and last.snapshot.board.digest == board.digest:
            return last
        fields: dict[str, object] = {
            "number": last.snapshot.number + 1 if last else 1,
            "created": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
            "parent": last.snapshot.digest if last else None,
            "changes": changes(last.snapshot.board, board) if last else (),
            "board": board,
        }
        draft = Snapshot.model_validate({**fields, "digest": ""})
        snapshot = draft.model_copy(update={"digest": _digest(draft)})
        return Published(snapshot=snapshot, path=_write(snapshot, home), is_new=True)


def latest(home: Path) -> Published | None:
    """Return a board's last snapshot, after checking the whole chain; None where there is none.

    Raises:
        StoreError: a snapshot was changed, is missing, or does not follow the one before it.
    """
    last: Published | None = None
    for number, path in _snapshots(home):
        snapshot = _read(path / FILE)
        parent = last.snapshot.digest if last else None
        if snapshot.parent != parent or number != (last.snapshot.number + 1 if last else 1):
            expected = f"snapshot {number - 1}" if number > 1 else "nothing"
            raise StoreError(
                f"{path}: does not follow {expected} in {home}: a snapshot is missing or was "
                "exchanged; restore it"
            )
        last = Published(snapshot=snapshot, path=path, is_new=False)
    return last


def is_published(path: Path) -> bool:
    """Whether a path is a snapshot, its file, or a board's folder of snapshots."""
    homes = (path, *(one for _, one in _snapshots(path)))
    return path.name == FILE or any((home / FILE).exists() for home in homes)


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot from its folder or file, or the last one from a board's folder.

    Raises:
        InputError: nothing was published there.
        StoreError: it is not what was published.
    """
    if path.is_dir() and not (path / FILE).exists():
        last = latest(path)
        if last is not None:
            return last.snapshot
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        raise InputError(
            f"{path}: no published board here; give a snapshot (FOLDER/BOARD/NUMBER-DIGEST of "
            "--publish FOLDER) or the board's folder"
        )
    return _read(file)


def _snapshots(home: Path) -> list[tuple[int, Path]]:
    """Return the folders of snapshots with their numbers, oldest first."""
    return sorted(
        (int(match[1]), path)
        for path in home.glob("*")
        if (match := _FOLDER.fullmatch(path.name)) is not None
    )


def _read(file: Path) -> Snapshot:
    value = read_json(file)
    try:
        snapshot = Snapshot.model_validate(value)
    except ValidationError as error:
        told = explain(telling_fault(error), Snapshot)
        raise StoreError(f"{file}: not a published board: {told}") from None
    # Of what stands in the file: a later version of Tunemark may know more fields.
    content = {key: one for key, one in value.items() if key != "digest"}
    if digest_of(content) != snapshot.digest:
        raise StoreError(
            f"{file}: was changed after it was published (its content has another digest than "
            f"{snapshot.digest[:12]}); restore it"
        )
    named = _FOLDER.fullmatch(file.resolve().parent.name)
    if named is not None and file.resolve().parent.name != snapshot.folder_name:
        raise StoreError(
            f"{file}: its folder should be called {snapshot.folder_name}; it was moved or exchanged"
        )
    return snapshot


def _digest(snapshot: Snapshot) -> str:
    return digest_of(snapshot.model_dump(mode="json", exclude={"digest"}))


def _write(snapshot: Snapshot, home: Path) -> Path:
    """Write a snapshot so that its folder is there whole, or not at all."""
    target = home / snapshot.folder_name
    draft = home / f".{snapshot.folder_name}.part"
    shutil.rmtree(draft, ignore_errors=True)
    write_json(draft / FILE, snapshot.model_dump(mode="json"))
    (draft / FILE).chmod(0o444)
    try:
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StoreError(f"{target}: cannot be written: {error.strerror}") from error
    return target
