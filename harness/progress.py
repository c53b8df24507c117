"""Progress on stderr: bars on a terminal, a few plain lines in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

QUARTERS = 4
LONG_SECONDS = 3.0
"""Work that may end sooner shows no bar."""


class Bars:
    """One or more progress bars; a context manager."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._labels: dict[TaskID, str] = {}
        self._said: dict[TaskID, int] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=Console(stderr=True),
            disable=not self._is_terminal,
        )

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def add(self, label: str) -> TaskID:
        """Begin a bar."""
        bar = self._progress.add_task(label, total=None, note="")
        self._labels[bar] = label
        return bar

    def update(self, bar: TaskID, done: int, planned: int, *, note: str = "") -> None:
        """Move a bar; without a terminal, print at every quarter."""
        self._progress.update(bar, completed=done, total=planned, note=note)
        quarter = QUARTERS * done // max(1, planned)
        if not self._is_terminal and quarter > self._said.get(bar, 0):
            self._said[bar] = quarter
            tail = f"  {note}" if note else ""
            print(f"  {self._labels[bar]}: {done}/{planned}{tail}", file=sys.stderr, flush=True)


class Meter:
    """One bar that appears only when the work turns out to be long; a context manager."""

    def __init__(self, label: str, planned: int) -> None:
        self._label = label
        self._planned = planned
        self._done = 0
        self._began = time.monotonic()
        self._bars: Bars | None = None
        self._bar = TaskID(0)

    def __enter__(self) -> Meter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.__exit__(kind, error, trace)

    def advance(self, n: int) -> None:
        """Count some more as done."""
        self._done += n
        if self._bars is None and time.monotonic() - self._began > LONG_SECONDS:
            self._bars = Bars().__enter__()
            self._bar = self._bars.add(self._label)
        if self._bars is not None:
            self._bars.update(self._bar, self._done, self._planned)
