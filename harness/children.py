"""Run a part of the work in a child process that never outlives its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
INTERRUPTED = 130
"""Exit code of a child that was stopped by Ctrl-C (128 + SIGINT)."""
SHORT_SPINS = {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "1"}
"""How long idle OpenMP threads spin (GNU: iterations, Intel: ms). By default so long that one
other busy process makes training ten times slower."""


def run_child(arguments: Sequence[str]) -> int:
    """Run this Python with the arguments and return the exit code; negative is a signal.

    Raises:
        KeyboardInterrupt: the child was stopped by Ctrl-C.
    """
    environment = {**SHORT_SPINS, **os.environ, "TUNEMARK_PARENT": str(os.getpid())}
    with subprocess.Popen([sys.executable, *arguments], env=environment) as child:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            # The terminal sent Ctrl-C to the child as well: let it close its files.
            child.wait()
            raise
    if code in {INTERRUPTED, -signal.SIGINT}:
        raise KeyboardInterrupt
    return code


def follow_parent() -> None:
    """End this process when its parent ends, even by kill -9 (Linux; elsewhere a no-op).

    An orphan would go on using memory and hold its folder's lock against the next call.
    """
    parent = os.environ.pop("TUNEMARK_PARENT", None)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it ended before we could ask
        sys.exit(1)
