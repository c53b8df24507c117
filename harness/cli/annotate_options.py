"""What the verbs on annotation sessions share."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.annotation.database import Database

FILE = "annotations.db"
"""Below the folder of all runs."""

database_option = click.option(
    "--db",
    "place",
    envvar="TUNEMARK_ANNOTATIONS",
    help="File, or postgresql://…; by default annotations.db in the folder of all runs.",
)


@contextmanager
def opened(place: str | None, root: Path, *, must_exist: bool = True) -> Iterator[Database]:
    """Open the database that the options choose, and close it.

    Raises:
        MissingExtraError: the packages for annotation are not installed.
    """
    from harness.errors import MissingExtraError

    try:
        from harness.annotation.database import open_database
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "harness":
            raise
        raise MissingExtraError("annotation", "annotate") from None
    database = open_database(place or root / FILE, must_exist=must_exist)
    try:
        yield database
    finally:
        database.close()


def actor() -> str:
    """Return under what name the audit log has what is done on the command line."""
    try:
        return f"command line ({getpass.getuser()})"
    except (KeyError, OSError):  # no such user in a container
        return "command line"
