"""Measure many items with several metrics: equal items once, in several processes where that pays.

The results and their order are the same however many processes there are.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from dataclasses import dataclass

from harness.machine import this_machine
from harness.metrics.base import Item, Metric, is_pure
from harness.processes import (
    Found,
    Stretch,
    can_start_processes,
    measure_in_processes,
    measure_stretch,
)
from harness.progress import Meter
from harness.types import Measurement

CHUNK = 512
"""Items that are measured between two writes."""
POOL_PAYS_FROM_SECONDS = 5.0
"""Estimated work from which starting processes, which takes 1 to 2 s, is worth it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A metric and the items that it has to measure."""

    metric: Metric
    build: Callable[[], Metric]
    """Makes the metric again in another process; it can be pickled."""
    wanted: Sequence[int]
    """Positions of its items, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a metric found on the next of its items."""

    work: int
    """Position of the metric's work."""
    wanted: Sequence[int]
    """Positions of the items."""
    measured: Sequence[Measurement | None]


def measure_all(
    items: Sequence[Item], works: Sequence[Work], *, n_workers: int | None = None, label: str = ""
) -> Generator[Batch]:
    """Measure the items, each metric's in their order.

    A pure metric measures items that are equal in all but their ids once.

    Args:
        items: Everything that at least one metric wants.
        works: The metrics and what each wants.
        n_workers: Processes, 1 for none but this one. By default one per core, once a few items
            have shown that there is enough work.
        label: Of the progress bar, which appears when it takes long.

    Yields:
        The next items of one of the metrics, ready to be stored.
    """
    pure = [i for i, work in enumerate(works) if is_pure(work.metric)]
    with Meter(label, sum(len(work.wanted) for work in works)) as meter:
        for batch in _measure_pure(items, works, pure, n_workers):
            yield batch
            meter.advance(len(batch.wanted))
        for i in sorted(set(range(len(works))) - set(pure)):
            for start in range(0, len(works[i].wanted), CHUNK):
                wanted = works[i].wanted[start : start + CHUNK]
                measured = works[i].metric.measure([items[position] for position in wanted])
                yield Batch(work=i, wanted=wanted, measured=measured)
                meter.advance(len(wanted))


def _measure_pure(
    items: Sequence[Item], works: Sequence[Work], pure: Sequence[int], n_workers: int | None
) -> Iterator[Batch]:
    kind = _kinds(items) if pure else []
    first = {i: _first_of_each_kind(works[i].wanted, kind) for i in pure}
    known: dict[int, dict[int, Measurement | None]] = {i: {} for i in pure}
    starts = range(0, len(items), CHUNK) if pure else range(0)
    stretches = [_stretch(items, first, start) for start in starts]
    for start, found in zip(starts, _found(stretches, works, n_workers), strict=True):
        for i, measured in found.items():
            positions = _between(first[i], start)
            known[i].update(zip((kind[p] for p in positions), measured, strict=True))
        for i in pure:
            if wanted := _between(works[i].wanted, start):
                yield Batch(work=i, wanted=wanted, measured=[known[i][kind[p]] for p in wanted])


def _found(
    stretches: Sequence[Stretch], works: Sequence[Work], n_workers: int | None
) -> Iterator[Found]:
    """Measure the stretches in order, here or in processes."""
    metrics = [work.metric for work in works]
    n_done = 0
    if n_workers is None:
        seconds = 0.0
        for stretch in stretches[:2]:  # the first one also loads libraries: the second one counts
            start = time.perf_counter()
            yield measure_stretch(stretch, metrics)
            seconds = time.perf_counter() - start
            n_done += 1
        pays = seconds * (len(stretches) - n_done) > POOL_PAYS_FROM_SECONDS
        n_workers = this_machine().cores if pays else 1
    n_workers = min(n_workers, len(stretches) - n_done)
    if n_workers > 1 and can_start_processes():
        builds = [work.build if is_pure(work.metric) else None for work in works]
        for found in measure_in_processes(stretches[n_done:], builds, n_workers):
            yield found
            n_done += 1
    for stretch in stretches[n_done:]:
        yield measure_stretch(stretch, metrics)


def _stretch(items: Sequence[Item], first: dict[int, list[int]], start: int) -> Stretch:
    """Return the items of a stretch that a metric has to measure."""
    parts = {i: part for i, wanted in first.items() if (part := _between(wanted, start))}
    positions = sorted({position for part in parts.values() for position in part})
    offset = {position: n for n, position in enumerate(positions)}
    return Stretch(
        items=[items[position] for position in positions],
        offsets={i: [offset[position] for position in part] for i, part in parts.items()},
    )


def _between(positions: Sequence[int], start: int) -> Sequence[int]:
    """Return the positions, which ascend, in the stretch that begins at `start`."""
    return positions[bisect_left(positions, start) : bisect_left(positions, start + CHUNK)]


def _first_of_each_kind(wanted: Sequence[int], kind: Sequence[int]) -> list[int]:
    seen: dict[int, int] = {}
    for position in wanted:
        seen.setdefault(kind[position], position)
    return list(seen.values())


def _kinds(items: Sequence[Item]) -> list[int]:
    """Number the items so that those which are equal in all but their ids share a number."""
    texts = Counter(item.completion.text for item in items)
    numbers: dict[Hashable, int] = {}
    kinds: list[int] = []
    for n, item in enumerate(items):
        is_alone = texts[item.completion.text] == 1
        kinds.append(n if is_alone else numbers.setdefault(_kind_of(item), n))
    return kinds


def _kind_of(item: Item) -> Hashable:
    fields = [
        *(value for name, value in vars(item.gold).items() if name != "id"),
        *(v for name, v in vars(item.completion).items() if name not in {"gold_id", "seconds"}),
    ]
    kind = tuple(tuple(f.items()) if isinstance(f, dict) else f for f in fields)
    try:
        hash(kind)
    except TypeError:  # a field of a kind that is not known here: equal to nothing else
        return (item.gold.id,)
    return kind
