"""The database: SQLite in one file, or PostgreSQL by URL; units of work, whole or not at all.

On SQLite every unit that writes begins with BEGIN IMMEDIATE. Write-ahead logging alone is not
enough: a transaction that first reads and then writes decides on what it saw before others
wrote. On PostgreSQL the rows that a unit decides on are locked.
"""

from __future__ import annotations

import fcntl
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from harness.annotation.errors import DatabaseError
from harness.annotation.filesystem import network_file_system
from harness.annotation.migrate import bring_up_to_date
from harness.errors import MissingExtraError

Result = TypeVar("Result")

TRIES = 3
"""How often a unit of work is tried when the database is busy."""
BUSY_SECONDS = 30.0
"""How long SQLite waits for another writer before that."""
TRANSIENT = {"40001", "40P01", "55P03", "57P01", "08006", "08003"}
"""PostgreSQL's codes for: not serialisable, deadlock, lock not available, connection lost."""
DRIVER = "postgresql+pg8000"
"""Used where a URL names none: BSD-licensed and pure Python."""


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class Database:
    """Runs units of work. One object serves all threads of a process."""

    def __init__(self, engines: tuple[Engine, Engine], clock: Callable[[], datetime]) -> None:
        self._writing, self._reading = engines
        self._clock = clock

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file, where writers wait for one another."""
        return self._writing.dialect.name == "sqlite"

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return self._clock()

    def write(self, work: Callable[[Session], Result]) -> Result:
        """Do a unit of work and store all of it; when it fails, nothing of it.

        It is done again from its start when the database was busy, so it must have no effect but
        on the session.

        Raises:
            DatabaseError: the database stayed busy, or is damaged, full or gone.
        """
        for attempt in range(1, TRIES + 1):
            try:
                with (
                    self._turn(),
                    Session(self._writing, expire_on_commit=False) as session,
                    session.begin(),
                ):
                    return work(session)
            except DBAPIError as error:
                if attempt == TRIES or not _is_transient(error):
                    raise _told(error, self._writing.url) from error
                # Not for security: two processes must not wait equally long.
                time.sleep(random.uniform(0.02, 0.1) * attempt)
        raise AssertionError("a try ends with a result or an error")

    def read(self, work: Callable[[Session], Result]) -> Result:
        """Do a unit of work that only reads, on one consistent state.

        Raises:
            DatabaseError: the database is damaged or gone.
        """
        try:
            with Session(self._reading, expire_on_commit=False) as session, session.begin():
                return work(session)
        except DBAPIError as error:
            raise _told(error, self._reading.url) from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for one's turn to write into a file.

        SQLite's own waiting is polling, in which an unlucky process starves when many write all
        the time. The system's lock serves them in the order they came, and ends with its process.
        """
        if not self.is_sqlite:
            yield
            return
        with Path(f"{self._writing.url.database}.turn").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def close(self) -> None:
        """Close all connections."""
        self._writing.dispose()
        self._reading.dispose()


def open_database(
    place: str | Path,
    *,
    clock: Callable[[], datetime] = utc_now,
    synchronous: str = "FULL",
    must_exist: bool = False,
) -> Database:
    """Open a database of annotations, made or brought up to date where needed.

    Args:
        place: A file, or a URL such as postgresql://user:password@host/name.
        clock: Tells the time, in UTC.
        synchronous: SQLite's setting. FULL: a rating that was confirmed survives a power cut;
            NORMAL is faster and survives only the death of the process.
        must_exist: Whether a file that is not there is an error.

    Raises:
        DatabaseError: it lies on a network file system, was made by a newer Tunemark, or cannot
            be reached.
        MissingExtraError: the driver of PostgreSQL is not installed.
    """
    url = database_url(place)
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "")
        if must_exist and not file.exists():
            raise DatabaseError(f"{file}: no annotations here yet; begin with `annotate new`")
        file.parent.mkdir(parents=True, exist_ok=True)
        refuse_network_file_system(file)
    try:
        engines = _sqlite_engines(url, synchronous) if _is_file(url) else _server_engines(url)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise MissingExtraError("PostgreSQL", "postgres") from None
    try:
        bring_up_to_date(*engines)
    except DBAPIError as error:
        raise _told(error, url) from error
    return Database(engines, clock)


def database_url(place: str | Path) -> URL:
    """Return the URL of a file or of a server.

    Raises:
        DatabaseError: it is neither, or another kind of server.
    """
    text = str(place)
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).resolve()))
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise DatabaseError(f"{text}: not a database URL: {error}") from None
    backend = url.get_backend_name()
    if backend not in {"sqlite", "postgresql"}:
        raise DatabaseError(f"{backend}: annotations are kept in SQLite or PostgreSQL")
    if backend == "sqlite":
        if url.database in {None, "", ":memory:"}:
            raise DatabaseError(f"{text}: name a file; what is only in memory would be lost")
        return url.set(database=str(Path(str(url.database)).resolve()))
    return url.set(drivername=DRIVER) if url.drivername == "postgresql" else url


def refuse_network_file_system(file: Path) -> None:
    """Check that SQLite's locks work where the file is to lie.

    Raises:
        DatabaseError: naming the kind of file system.
    """
    kind = network_file_system(file)
    if kind is not None:
        raise DatabaseError(
            f"{file}: lies on a network file system ({kind}), where SQLite's locks and shared "
            "memory cannot be relied on and ratings could be lost; choose a local disk, or "
            "PostgreSQL by --db postgresql://…"
        )


def _is_file(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _sqlite_engines(url: URL, synchronous: str) -> tuple[Engine, Engine]:
    if synchronous.upper() not in {"FULL", "NORMAL"}:
        raise DatabaseError(f"synchronous must be FULL or NORMAL, not {synchronous!r}")
    writing = _sqlite_engine(url, "BEGIN IMMEDIATE", f"PRAGMA synchronous={synchronous.upper()}")
    reading = _sqlite_engine(url, "BEGIN", "PRAGMA query_only=ON")
    return writing, reading


def _sqlite_engine(url: URL, begin: str, *pragmas: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: object) -> None:  # pyright: ignore[reportUnusedFunction] - called by the engine
        del record
        connection.isolation_level = None  # the driver begins nothing by itself
        for pragma in ("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON", *pragmas):
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:  # pyright: ignore[reportUnusedFunction] - called by the engine
        connection.exec_driver_sql(begin)

    return engine


def _server_engines(url: URL) -> tuple[Engine, Engine]:
    engine = create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED")
    return engine, engine


def _is_transient(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    original = error.orig
    if isinstance(original, sqlite3.OperationalError):
        return "locked" in str(original) or "busy" in str(original)
    return _server_code(original) in TRANSIENT


def _server_code(error: BaseException | None) -> str | None:
    """Return PostgreSQL's five characters for what went wrong."""
    details: Any = error.args[0] if error is not None and error.args else None
    if isinstance(details, dict):
        return str(details.get("C"))
    return getattr(error, "sqlstate", None)


def _told(error: DBAPIError, url: URL) -> DatabaseError:
    place = url.database if _is_file(url) else url.render_as_string(hide_password=True)
    original: Any = error.orig
    details: Any = original.args[0] if original is not None and original.args else original
    said = details.get("M", details) if isinstance(details, dict) else original
    if _is_file(url) and "locked" in str(said):
        return DatabaseError(f"{place}: another process kept it locked; try again")
    return DatabaseError(f"{place}: the database failed: {said}")
