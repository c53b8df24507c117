"""Run folders on disk: append-only completions, and everything derived beside them.

    runs/<suite>/<name>-<digest12>/
        manifest.json        identity (decides the folder's name) and provenance; written first
        completions.jsonl    one line per answered gold item, appended as they finish
        scores/<metric>@<version>-<digest8>.jsonl
        events.jsonl         what happened when: sessions, seconds, peak memory
    runs/gold/<digest>.jsonl the gold set as it was

A run is complete when every planned item has its line; nothing else says so. A line torn by a
crash is cut off when the file is next opened for writing, and its item done again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast

from pydantic import ValidationError

from harness.digest import canonical_json, digest_of
from harness.errors import StoreError
from harness.types import Completion, GoldRecord

MANIFEST = "manifest.json"
COMPLETIONS = "completions.jsonl"
EVENTS = "events.jsonl"
SCORES_FORMAT = 2
"""Version of the rows in scores/; part of the files' names, so older ones are measured again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """One run on disk."""

    path: Path

    @property
    def root(self) -> Path:
        """Folder of all runs, which holds <suite>/<run>/."""
        return self.path.resolve().parent.parent

    @property
    def manifest(self) -> dict[str, Any]:
        """Identity and provenance."""
        return read_json(self.path / MANIFEST)

    @property
    def kept_gold(self) -> Path:
        """The copy of the gold set that this run answered."""
        digest = str(self.manifest["identity"].get("gold"))
        return self.path.parent.parent / "gold" / f"{digest}.jsonl"

    def create(self, identity: Mapping[str, object], provenance: Mapping[str, object]) -> None:
        """Make the folder; an existing one is left as it is."""
        self.path.mkdir(parents=True, exist_ok=True)
        file = self.path / MANIFEST
        if not file.exists():
            write_json(file, {"identity": dict(identity), "provenance": dict(provenance)})

    def completions(self) -> dict[str, Completion]:
        """Return the stored completions by gold id; a torn last line is ignored.

        Raises:
            StoreError: a line before the last is broken, or an item stands there twice.
        """
        file = self.path / COMPLETIONS
        found: dict[str, Completion] = {}
        for number, value in enumerate(read_lines(file), start=1):
            try:
                completion = Completion.model_validate(value)
            except ValidationError:
                raise StoreError(
                    f"{file}:{number}: not a completion; move the file away to run again"
                ) from None
            if completion.finish != "error":
                found[completion.gold_id] = completion
        return found

    @contextmanager
    def append_completions(self) -> Iterator[JsonlWriter]:
        """Open the completions for appending, alone."""
        with locked(self.path), append_jsonl(self.path / COMPLETIONS) as writer:
            yield writer

    def scores_file(self, signature: str, gold_digest: str) -> Path:
        """Return where one metric's measurements lie, named by all that decides them."""
        key = digest_of([signature, gold_digest, SCORES_FORMAT])
        return self.path / "scores" / f"{signature.split('|')[0]}-{key[:8]}.jsonl"

    def log(self, kind: str, **fields: object) -> None:
        """Append an event."""
        with append_jsonl(self.path / EVENTS) as writer:
            writer.write({"event": kind, **fields})

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind, oldest first."""
        return [row for row in read_lines(self.path / EVENTS) if row.get("event") == kind]


class JsonlWriter:
    """Appends JSON lines; each reaches the operating system before `write` returns."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, value: Mapping[str, object]) -> None:
        """Append one line.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        self.write_all([value])

    def write_all(self, values: Iterable[Mapping[str, object]]) -> None:
        """Append lines at once.

        Raises:
            StoreError: the disk is full or the file cannot be written.
        """
        try:
            self._stream.write("".join([canonical_json(value) + "\n" for value in values]))
            self._stream.flush()
        except OSError as error:
            raise StoreError(
                f"{self._stream.name}: cannot be written: {error.strerror}; what was stored "
                "before is safe: free some space and run the same command again"
            ) from error


def run_folder(root: Path, suite: str, name: str, identity: Mapping[str, object]) -> RunFolder:
    """Return the folder that belongs to an identity."""
    return RunFolder(path=root / suite / f"{name}-{digest_of(identity)[:12]}")


def keep_gold(root: Path, digest: str, records: Iterable[GoldRecord]) -> Path:
    """Store a copy of the gold set under its hash, so that old runs can always be read."""
    file = root / "gold" / f"{digest}.jsonl"
    if not file.exists():
        lines = [canonical_json(record.model_dump(mode="json")) for record in records]
        write_text(file, "\n".join(lines) + "\n")
    return file


@contextmanager
def append_jsonl(file: Path) -> Iterator[JsonlWriter]:
    """Open a JSON Lines file for appending; a torn last line is cut off first."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _cut_torn_line(file)
        stream = file.open("a", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{file}: cannot be written: {error.strerror}") from error
    try:
        yield JsonlWriter(stream)  # an OSError of the caller is not the store's
        try:
            os.fsync(stream.fileno())
        except OSError as error:
            raise StoreError(f"{file}: cannot be written: {error.strerror}") from error
    finally:
        # On a full disk `close` tries the failed write once more; it has been reported already.
        with suppress(OSError):
            stream.close()


def read_lines(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines of a JSON Lines file; nothing when it does not exist.

    Raises:
        StoreError: a line before the last is not JSON (a last one is a torn write: ignored).
    """
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines[:-1], start=1):
        try:
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError
        except ValueError:
            raise StoreError(
                f"{file}:{number}: this line is damaged; delete the line to have it redone"
            ) from None
        yield cast("dict[str, Any]", value)


def read_json(file: Path) -> dict[str, Any]:
    """Return a JSON file's object.

    Raises:
        StoreError: it is missing or damaged.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{file}: missing; is this a run folder?") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: cannot be read: {error}") from None


def write_json(file: Path, value: object) -> None:
    """Write JSON so that the file is either the old or the new one, never half."""
    write_text(file, json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def write_text(file: Path, text: str) -> None:
    """Write a text file atomically."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file atomically."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StoreError(f"{file}: cannot be written: {error.strerror}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the lock ends with the process, however it ends.

    Raises:
        StoreError: another process is at work in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{folder}: another process is working on this; wait for it or stop it"
            ) from None
        yield


def _cut_torn_line(file: Path) -> None:
    """Remove what follows the last newline: the unfinished line of a killed process."""
    if not file.exists():
        return
    with file.open("rb+") as stream:
        content = stream.read()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            stream.truncate(whole)
