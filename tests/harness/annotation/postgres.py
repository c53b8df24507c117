"""A PostgreSQL server of the tests' own: a fresh folder, a free port on loopback, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

OWNER = "postgres"
"""Debian's package makes this user; the server refuses to run as root."""


def programs() -> Path | None:
    """Return the folder with initdb and pg_ctl, or None."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


def why_not() -> str | None:
    """Return why no server can be started here, or None."""
    if programs() is None:
        return "PostgreSQL's initdb and pg_ctl are not installed"
    if os.geteuid() == 0 and OWNER not in {user.pw_name for user in pwd.getpwall()}:
        return f"PostgreSQL does not run as root, and there is no user {OWNER!r}"
    return None


@dataclass(frozen=True)
class Server:
    """A server in a folder of its own."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"postgresql://tunemark@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, after a crash too: then what its dead processes leave must be gone first."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        log = str(self.folder / "log")
        for attempt in range(20):
            try:
                _run("pg_ctl", "-D", self._data, "-o", f"{options} -c max_connections=200",
                     "-l", log, "-w", "start")  # fmt: skip
            except AssertionError:
                if attempt == 19:
                    raise
                time.sleep(0.5)
            else:
                return

    def stop(self) -> None:
        """Stop it at once."""
        _run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def crash(self) -> None:
        """Kill it as the system does when memory runs out."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")


@contextmanager
def server() -> Iterator[str]:
    """Start a server; give its URL; stop it and delete everything."""
    with own_server() as started:
        yield started.url


@contextmanager
def own_server() -> Iterator[Server]:
    """Do the same for who wants to stop and start it."""
    folder = Path(tempfile.mkdtemp(prefix="tunemark-postgres-"))
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(OWNER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        made = Server(folder=folder, port=_free_port())
        data = str(folder / "data")
        _run("initdb", "-D", data, "-U", "tunemark", "--auth=trust", "-E", "UTF8", "-N")
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: str) -> None:
    folder = programs()
    assert folder is not None, "PostgreSQL is not installed"
    command = [str(folder / program), *arguments]
    user = OWNER if os.geteuid() == 0 else None
    done = subprocess.run(
        command, cwd="/", user=user, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
