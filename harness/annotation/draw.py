"""Which gold items a session has, how they are grouped, and who rates how many: by its seed."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from harness.annotation.config import OverlapConfig

Key = TypeVar("Key", bound=str)

ORDER_PRIME = 2**31 - 1
"""A rater's order is (shuffle · multiplier + shift) mod this prime: another one for everybody,
and computed by the database."""
BLOCK = 20
"""Items of a block, about: stopping after any block leaves the strata balanced."""


def draw(parts: Sequence[object]) -> int:
    """Return a number below ORDER_PRIME that only depends on the parts."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % ORDER_PRIME


def key_of(*parts: object) -> str:
    """Return an opaque name of 16 characters that only depends on the parts."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]


def n_words(text: str) -> float:
    """Return the length of a text in words; a Chinese character counts as two thirds."""
    chinese = len(re.findall(r"[\u3400-\u9fff]", text))
    others = len(re.findall(r"[^\W\u3400-\u9fff]+", text))
    return others + chinese * 2 / 3


def length_class(text: str) -> str:
    """Return short, medium or long."""
    words = n_words(text)
    return "short" if words < 40 else "medium" if words < 160 else "long"


def stratified(strata: Mapping[Key, str], n: int, seed: object) -> set[Key]:
    """Return `n` keys, drawn from every stratum by its share (largest remainders).

    Args:
        strata: Stratum of each key.
        n: How many to draw; all of them if there are fewer.
        seed: Decides the draw.
    """
    if n >= len(strata):
        return set(strata)
    groups: dict[str, list[Key]] = {}
    for key in sorted(strata, key=lambda key: draw([seed, key])):
        groups.setdefault(strata[key], []).append(key)
    exact = {name: n * len(keys) / len(strata) for name, keys in groups.items()}
    quota = {name: math.floor(value) for name, value in exact.items()}
    by_remainder = sorted(groups, key=lambda name: (quota[name] - exact[name], name))
    for name in by_remainder[: n - sum(quota.values())]:
        quota[name] += 1
    return {key for name, keys in groups.items() for key in keys[: quota[name]]}


def blocks(strata: Mapping[Key, str], seed: object) -> dict[Key, int]:
    """Return the block of each key: about BLOCK keys each, every stratum spread over all."""
    n_blocks = max(1, round(len(strata) / BLOCK))
    groups: dict[str, list[Key]] = {}
    for key in sorted(strata, key=lambda key: draw([seed, "block", key])):
        groups.setdefault(strata[key], []).append(key)
    found: dict[Key, int] = {}
    for name in sorted(groups):
        keys = groups[name]
        for place, key in enumerate(keys):
            found[key] = min(n_blocks - 1, int((place + 0.5) * n_blocks / len(keys)))
    return found


def overlap_of(strata: Mapping[Key, str], plan: OverlapConfig, seed: object) -> set[Key]:
    """Return the keys that several people rate."""
    wanted = max(math.ceil(plan.share * len(strata)), min(plan.at_least, len(strata)))
    return stratified(strata, wanted if plan.share > 0 else 0, [seed, "overlap"])
