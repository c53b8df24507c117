"""Measure stretches of items in several processes; they never outlive this one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from types import ModuleType
from typing import Any

from harness.children import follow_parent
from harness.metrics.base import Item, Metric
from harness.types import Completion, GoldRecord, Measurement

Builds = Sequence[Callable[[], Metric] | None]
"""By work; None where the metric is not measured in other processes."""
Found = Mapping[int, Sequence[Measurement | None]]
"""By work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Neighbouring items, and which of them each metric has to measure."""

    items: Sequence[Item]
    offsets: Mapping[int, Sequence[int]]
    """By work: positions within the stretch."""


def measure_stretch(stretch: Stretch, metrics: Sequence[Metric | None]) -> Found:
    """Measure a stretch in this process."""
    found: dict[int, list[Measurement | None]] = {}
    for i, offsets in stretch.offsets.items():
        metric = metrics[i]
        assert metric is not None, f"no metric for work {i}"
        found[i] = metric.measure([stretch.items[offset] for offset in offsets])
    return found


def can_start_processes() -> bool:
    """Return whether this process may have children of its own."""
    return not multiprocessing.current_process().daemon


def measure_in_processes(
    stretches: Sequence[Stretch], builds: Builds, n_workers: int
) -> Iterator[Found]:
    """Measure stretches in processes of their own; yield what was found in order.

    Ends early, without an error, when a process is lost, be it to a lack of memory or because a
    metric cannot be built there: the caller goes on by itself.
    """
    waiting: deque[Future[_Plain]] = deque()
    rest = iter(stretches)
    try:
        with _pool(builds, n_workers) as pool:
            while True:
                while len(waiting) < 2 * n_workers and (stretch := next(rest, None)):
                    waiting.append(pool.submit(_measure_plain, _plain(stretch)))
                if not waiting:
                    return
                yield _restored(waiting.popleft().result())
    except BrokenProcessPool:
        return


_Rows = Sequence[tuple[dict[str, Any], dict[str, Any]]]
_Plain = Mapping[int, Sequence[tuple[tuple[float, ...], bool] | None]]
"""`Found` as plain tuples, which are sent three times as fast."""

_metrics: list[Metric | None] = []
"""Of a worker process."""


def _plain(stretch: Stretch) -> tuple[_Rows, Mapping[int, Sequence[int]]]:
    return [(vars(i.gold), vars(i.completion)) for i in stretch.items], stretch.offsets


def _restored(found: _Plain) -> Found:
    return {
        i: [one and Measurement(stats=one[0], is_extracted=one[1]) for one in measured]
        for i, measured in found.items()
    }


@contextmanager
def _pool(builds: Builds, n_workers: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes that import this package afresh (never forked: threads may be running)."""
    pool = ProcessPoolExecutor(
        n_workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(builds, os.getpid()),
    )
    try:
        with _without_ctrl_c(), _without_main_module():
            for _ in range(n_workers):  # each call starts one
                pool.submit(os.getpid)
        yield pool
    except BaseException:
        for process in list((pool._processes or {}).values()):  # noqa: SLF001  public from 3.14
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Let processes that start now never see Ctrl-C: this one ends them itself, and quietly."""
    resource_tracker.ensure_running()  # which would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Keep processes that start now from running the program's own script once more.

    It may have no `if __name__ == "__main__"`, or import torch; the workers need neither.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _begin(builds: Builds, parent: int) -> None:
    follow_parent(parent)
    _metrics[:] = [build and build() for build in builds]


def _measure_plain(sent: tuple[_Rows, Mapping[int, Sequence[int]]]) -> _Plain:
    rows, offsets = sent
    items = [
        Item(gold=GoldRecord.model_construct(**gold), completion=Completion.model_construct(**said))
        for gold, said in rows
    ]
    found = measure_stretch(Stretch(items=items, offsets=offsets), _metrics)
    return {
        i: [one and (one.stats, one.is_extracted) for one in measured]
        for i, measured in found.items()
    }
