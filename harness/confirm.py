"""Keep part of a gold set out of the choice, for an estimate that the choice did not touch."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.types import GoldRecord


def kept_for_confirming(gold: Iterable[GoldRecord], *, share: float, seed: int) -> frozenset[str]:
    """Return the ids of the items that must not be looked at while choosing.

    Items of one cluster stay together. Of every task (a cluster belongs to that of most of its
    items) the given share is taken, rounded up or down by chance: the clusters whose hashes of seed
    and name are lowest. So neither the order of the items nor what else there is decides, and one
    more cluster makes at most one other of its task change sides.

    Args:
        gold: All items.
        share: Of the clusters, to be kept; between 0 and 1.
        seed: Another one gives another part.
    """
    assert 0 < share < 1, f"a share between 0 and 1, got {share=}"
    clusters: dict[str, list[GoldRecord]] = {}
    for record in gold:
        clusters.setdefault(_name(record), []).append(record)
    kept: set[str] = set()
    for task, names in _by_task(clusters).items():
        n_kept = math.floor(share * len(names) + _hash(seed, f"task:{task}"))
        for name in sorted(names, key=lambda name: (_hash(seed, name), name))[:n_kept]:
            kept.update(record.id for record in clusters[name])
    return frozenset(kept)


def _name(record: GoldRecord) -> str:
    """Return what is kept or not as a whole; ids and clusters are different names."""
    return f"id:{record.id}" if record.cluster is None else f"cluster:{record.cluster}"


def _by_task(clusters: Mapping[str, Sequence[GoldRecord]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, records in clusters.items():
        counts = Counter(record.task for record in records)
        task = min(counts, key=lambda task: (-counts[task], task))
        found.setdefault(task, []).append(name)
    return found


def _hash(seed: int, name: str) -> float:
    """Return a number in [0, 1), equally likely everywhere."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
