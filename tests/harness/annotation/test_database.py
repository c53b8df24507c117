"""The database itself: tables, migrations, disks it refuses, many writers."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from harness.annotation.database import Database, database_url, open_database
from harness.annotation.errors import DatabaseError
from harness.annotation.filesystem import network_file_system
from harness.annotation.migrate import MIGRATIONS
from harness.annotation.schema.tables import Base, EventRow


def test_the_migrations_make_the_tables_that_the_code_has(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import create_engine

    open_database(tmp_path / "a.db").close()
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        difference = compare_metadata(context, Base.metadata)
    engine.dispose()

    assert difference == []


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    open_database(file).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(DatabaseError, match=r"newer version of Tunemark \(tables 9999\)"):
        open_database(file)


def test_an_older_database_is_copied_before_it_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.annotation import migrate

    file = tmp_path / "a.db"
    open_database(file).close()
    changed = tmp_path / "migrations"
    _with_one_more_migration(changed)
    monkeypatch.setattr(migrate, "MIGRATIONS", changed)

    open_database(file).close()

    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0999",)
    copy = tmp_path / "a.db.0001.backup"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


def _with_one_more_migration(folder: Path) -> None:
    import shutil

    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0999_more.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\n"
        "revision = '0999'\ndown_revision = '0001'\n"
        "def upgrade():\n    op.create_table('more', sa.Column('id', sa.Integer()))\n",
        encoding="utf-8",
    )


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:40 / /mnt/team rw - nfs4 server:/team rw
41 40 8:2 / /mnt/team/local rw - xfs /dev/sdb rw
42 22 0:41 / /mnt/with\\040space rw - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("/home/a.db", None),
        ("/mnt/team/a.db", "nfs4"),
        ("/mnt/team/local/a.db", None),
        ("/mnt/teams/a.db", None),
        ("/mnt/with space/a.db", "cifs"),
    ],
)
def test_a_file_on_a_network_file_system_is_known(
    tmp_path: Path, file: str, kind: str | None
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, encoding="utf-8")

    assert network_file_system(Path(file), mounts) == kind


def test_and_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.annotation import database

    monkeypatch.setattr(database, "network_file_system", lambda file: "nfs4")

    with pytest.raises(DatabaseError, match=r"network file system \(nfs4\).*PostgreSQL"):
        open_database(tmp_path / "a.db")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("mysql://a/b", "SQLite or PostgreSQL"),
        ("sqlite://", "only in memory"),
        ("sqlite:///:memory:", "only in memory"),
    ],
)
def test_other_places_are_refused(place: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message):
        database_url(place)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    file.write_text("this is a letter, and no database at all" * 50, encoding="utf-8")

    with pytest.raises(DatabaseError, match=r"a\.db: the database failed"):
        open_database(file)
    with pytest.raises(DatabaseError, match="begin with `annotate new`"):
        open_database(tmp_path / "other.db", must_exist=True)


def test_a_unit_that_fails_leaves_nothing(database: Database) -> None:
    def half(session: Session) -> None:
        session.add(event())
        session.flush()
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        database.write(half)

    assert database.read(lambda s: s.scalar(text("SELECT count(*) FROM event"))) == 0


def test_a_unit_is_done_again_from_its_start_when_the_database_was_busy(
    database: Database,
) -> None:
    tries: list[int] = []

    def work(session: Session) -> int:
        tries.append(1)
        session.add(event())
        session.flush()
        if len(tries) < 3:
            raise OperationalError("…", {}, sqlite3.OperationalError("database is locked"))
        return len(tries)

    assert database.write(work) == 3
    assert database.read(lambda s: s.scalar(text("SELECT count(*) FROM event"))) == 1


def test_a_database_that_stays_busy_is_one_message(database: Database) -> None:
    def work(session: Session) -> None:
        raise OperationalError("…", {}, sqlite3.OperationalError("database is locked"))

    with pytest.raises(DatabaseError, match="another process kept it locked; try again"):
        database.write(work)


def event() -> EventRow:
    return EventRow(actor="a", what="b", detail={}, created_at=datetime.now(UTC))


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseError, match="readonly"):
        database.read(lambda session: session.execute(text("DELETE FROM event")))


@pytest.mark.slow
def test_the_wheel_has_the_migrations_and_the_scales(ROOT: Path, tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from hatchling.builders.wheel import WheelBuilder\n"
        "print(next(WheelBuilder(sys.argv[1]).build(directory=sys.argv[2])))\n"
    )
    pytest.importorskip("hatchling")
    subprocess.run(
        [sys.executable, "-c", program, str(ROOT), str(tmp_path)], check=True, capture_output=True
    )

    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    assert "harness/annotation/migrations/env.py" in names
    assert "harness/annotation/migrations/versions/0001_the_first_tables.py" in names
    assert "harness/annotation/dimensions.yaml" in names
