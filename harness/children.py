"""Run a part of the work in a child process: isolated, explained when it fails, never an orphan."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from harness.errors import HarnessError, RunError
from harness.store import read_json, write_json

PR_SET_PDEATHSIG = 1
INTERRUPTED = 130
"""Exit code of a child that was stopped by Ctrl-C (128 + SIGINT)."""

NOTE = "failure.json"
TRACE = "failure.log"

SHORT_SPINS = {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "1"}
"""How long idle OpenMP threads spin (GNU: iterations, Intel: ms). By default so long that one
other busy process makes training ten times slower."""

AGAIN = "run the same command again: it goes on from what is stored"
OUT_OF_MEMORY = (
    f"out of memory; halve micro_batch (the result stays the same) or free memory, and {AGAIN}"
)


def run_child(arguments: Sequence[str], *, folder: Path, what: str) -> None:
    """Run this Python with the arguments, a module that calls `child_main`.

    Args:
        arguments: For the interpreter, such as ("-m", "harness.evaluate", …).
        folder: Where the child leaves its note when it fails.
        what: For messages, such as "training lora-r16".

    Raises:
        RunError: the child failed; the message says why, in its own words where it left some.
        KeyboardInterrupt: the child was stopped by Ctrl-C.
    """
    # A child that dies before it can leave a note must not be explained by an old one.
    (folder / NOTE).unlink(missing_ok=True)
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
    if code != 0:
        raise RunError(f"{what}: {_reason(folder, code)}")


def child_main(work: Callable[[], None], *, folder: Path) -> int:
    """Do a child's work and return its exit code; on failure leave a note for people.

    This is the child's edge: whatever happens is recorded in the folder, a traceback only in a
    log beside the note.
    """
    parent = os.environ.pop("TUNEMARK_PARENT", None)
    if parent is not None:
        follow_parent(int(parent))
    (folder / NOTE).unlink(missing_ok=True)
    try:
        work()
    except KeyboardInterrupt:
        return INTERRUPTED
    except HarnessError as error:
        _leave_note(folder, str(error))
        return error.exit_code
    except Exception as error:
        with suppress(OSError):
            (folder / TRACE).write_text(traceback.format_exc(), encoding="utf-8")
        _leave_note(folder, explain_fault(error, folder))
        return 1
    return 0


def follow_parent(parent: int) -> None:
    """End this process when its parent ends, even by kill -9 (Linux; elsewhere a no-op).

    An orphan would go on using memory and hold its folder's lock against the next call.

    Args:
        parent: Process id.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before we could ask
        sys.exit(1)


def explain_fault(error: Exception, folder: Path) -> str:
    """Say in one sentence what went wrong and what to do about it."""
    text = str(error).strip()
    first = text.splitlines()[0] if text else "no message"
    small = text.lower()
    if isinstance(error, MemoryError) or "out of memory" in small or "allocate memory" in small:
        return f"{OUT_OF_MEMORY} ({first[:120]})"
    is_full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    if is_full or "no space left" in small or "file write failed" in small:
        return f"the disk that holds {folder} is full; free some space and {AGAIN}"
    if isinstance(error, OSError) and error.strerror:
        place = error.filename or folder
        return f"{place}: {error.strerror}; mend that and {AGAIN}"
    return f"unexpected {type(error).__name__}: {first[:200]} (details: {folder / TRACE})"


def _reason(folder: Path, code: int) -> str:
    if code > 0 and (folder / NOTE).exists():
        return str(read_json(folder / NOTE)["message"])
    if code == -signal.SIGKILL:
        return f"killed by the system, most likely {OUT_OF_MEMORY}"
    if code < 0:
        return f"ended by signal {-code}; {AGAIN}"
    return f"ended with exit code {code}; {AGAIN}"


def _leave_note(folder: Path, message: str) -> None:
    try:
        write_json(folder / NOTE, {"message": message})
    except HarnessError:  # a full disk, most likely: then the terminal has to do
        print(message, file=sys.stderr)
