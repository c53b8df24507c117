"""Bring a database to the tables that this version knows; keep a copy of what it was."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, text

from harness.annotation.errors import DatabaseError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_NUMBER = 7_303_014
"""Of PostgreSQL's advisory lock, any number that nothing else uses."""


def bring_up_to_date(engine: Engine, reading: Engine) -> None:
    """Make the tables, or change older ones; two processes never do so at once.

    A SQLite file that is changed is copied first, to <file>.<revision>.backup.

    Args:
        engine: For changes.
        reading: To look; it waits for no writer.

    Raises:
        DatabaseError: a newer Tunemark made the tables.
    """
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(_config())
    head = script.get_current_head()
    if _revision(reading) == head:
        return
    with _alone(engine):
        found = _revision(engine)
        if found == head:
            return
        known = {revision.revision for revision in script.walk_revisions()}
        if found is not None and found not in known:
            raise DatabaseError(
                f"{engine.url.database}: made by a newer version of Tunemark (tables {found}); "
                "install that version"
            )
        if found is not None and engine.dialect.name == "sqlite":
            _back_up(Path(str(engine.url.database)), found)
        _upgrade(engine)


def _upgrade(engine: Engine) -> None:
    from alembic import command

    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    """Return which migration the tables are at; None where there are no tables."""
    from alembic.runtime.migration import MigrationContext

    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _back_up(file: Path, revision: str) -> None:
    """Copy a SQLite database while it may be in use."""
    target = file.with_name(f"{file.name}.{revision}.backup")
    with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Let one process at a time change the tables."""
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        with file.with_name(f"{file.name}.lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield
        return
    with engine.connect() as connection:
        number = {"number": LOCK_NUMBER}
        connection.execute(text("SELECT pg_advisory_lock(:number)"), number)
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:number)"), number)
            connection.commit()


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    # A percent sign in a path would be taken for a variable.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    attributes: dict[str, Any] = config.attributes
    attributes["quiet"] = True
    return config
