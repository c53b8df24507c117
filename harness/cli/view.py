"""`tunemark view`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

import click

from harness.cli.options import root_option, say
from harness.errors import InputError, MissingExtraError
from harness.registry import load_object

FLAGS = "reports.theme:streamlit_flags"


@click.command()
@root_option
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="0.0.0.0 shows it to the network."
)
@click.option("--no-browser", is_flag=True, help="Only serve; open no browser window.")
def view(root: Path, port: int, host: str, no_browser: bool) -> None:
    """Open the report viewer in the browser; Ctrl-C ends it."""
    command = _command(port, host, is_headless=no_browser)
    _refuse_taken(host, port)
    say(f"Viewer: http://{host}:{port}   (Ctrl-C ends it)")
    server = subprocess.Popen(command, env={**os.environ, "TUNEMARK_RUNS": str(root.resolve())})

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        server.terminate()

    signal.signal(signal.SIGTERM, end)
    try:
        code = server.wait()
    except KeyboardInterrupt:
        server.terminate()
        code = server.wait()
    if code > 0:
        raise click.exceptions.Exit(1)


def _command(port: int, host: str, *, is_headless: bool) -> list[str]:
    """Return the command of the serving process; Streamlit is never imported here."""
    package = find_spec("reports")
    if find_spec("streamlit") is None or package is None or package.origin is None:
        raise MissingExtraError("the viewer", "reports")
    return [
        sys.executable,
        # Without -P a folder of the user's could hide a package of ours.
        "-P",
        "-m",
        "streamlit",
        "run",
        str(Path(package.origin).parent / "views" / "app.py"),
        f"--server.port={port}",
        f"--server.address={host}",
        f"--server.headless={str(is_headless).lower()}",
        "--server.showEmailPrompt=false",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
        # Our own line says where it is; Streamlit's offers to developers are not for readers.
        "--logger.hideWelcomeMessage=true",
        *load_object(FLAGS)(),
    ]


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"{host}:{port} cannot be used ({error.strerror}); choose another with --port"
            ) from None
