"""Find texts that are almost the same: MinHash proposes, exact overlap of shingles decides."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from datasketch import MinHash, MinHashLSH

from harness.goldset.texts import common_start, folded
from harness.metrics.normalise import CJK

THRESHOLD = 0.8
"""Jaccard similarity from which texts count as nearly the same (Lee et al. 2022 use 0.8)."""
N_PERMUTATIONS = 128
WIDTH, CJK_WIDTH = 5, 3
"""Characters in a shingle; a Chinese character says about as much as a syllable."""
LSH_MARGIN = 0.15
"""Candidates are looked for below the threshold, so that an unlucky hash loses few pairs."""
N_FOR_WORDING = 10
"""Texts from which on what all begin and end with is an instruction."""
_CJK_CHAR = re.compile(f"[{CJK}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A text that is nearly the same as an earlier one."""

    index: int
    earlier: int
    similarity: float
    """Jaccard similarity of the shingles of the least similar field; 1.0 when folded equal."""


def near_duplicates(
    texts: Sequence[Mapping[str, str]], *, threshold: float = THRESHOLD, seed: int = 1
) -> list[Near]:
    """Return the texts that nearly repeat an earlier one, each with the earlier one most like it.

    Args:
        texts: Fields by name; two texts are near when they have the same fields and every one of
            them is near, so that two questions about one long note are not.
        threshold: From 0 to 1.
        seed: Of the hash functions (Broder 1997; LSH as in Leskovec et al. 2014, chapter 3).

    Returns:
        In order; a text that repeats another is not itself offered as the earlier one.
    """
    known: dict[tuple[tuple[str, str], ...], tuple[int, float]] = {}
    index = MinHashLSH(threshold=max(threshold - LSH_MARGIN, 0.1), num_perm=N_PERMUTATIONS)
    blank = MinHash(num_perm=N_PERMUTATIONS, seed=seed, hashfunc=zlib.crc32)
    found: list[Near] = []
    plains = [{name: folded(value) for name, value in sorted(text.items())} for text in texts]
    wording = _common_wording(plains)

    # Made again for each candidate: kept for all texts they would fill the memory.
    @lru_cache(maxsize=1024)
    def shingles_at(number: int) -> Mapping[str, frozenset[bytes]]:
        return {
            name: shingles_of(value[len(wording[name][0]) : len(value) - len(wording[name][1])])
            for name, value in plains[number].items()
        }

    for number, plain in enumerate(plains):
        key = tuple(plain.items())
        if key in known:
            found.append(Near(index=number, earlier=known[key][0], similarity=known[key][1]))
            continue
        shingles = shingles_at(number)
        sketch = blank.copy()
        sketch.update_batch(frozenset[bytes]().union(*shingles.values()))
        best = max(
            (
                (_similarity(shingles, shingles_at(other)), -other)
                for other in cast("list[int]", index.query(sketch))
            ),
            default=(0.0, 0),
        )
        if best[0] >= threshold:
            known[key] = (-best[1], best[0])
            found.append(Near(index=number, earlier=-best[1], similarity=best[0]))
        else:
            known[key] = (number, 1.0)
            index.insert(number, sketch, check_duplication=False)
    return found


def shingles_of(text: str) -> frozenset[bytes]:
    """Return the overlapping stretches of characters of a folded text."""
    width = CJK_WIDTH if 3 * len(_CJK_CHAR.findall(text)) > len(text) else WIDTH
    last = max(len(text) - width, 0)
    return frozenset(text[i : i + width].encode() for i in range(last + 1))


def _common_wording(plains: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, str]]:
    """Return what every text begins and ends with, by field: an instruction, not content."""
    values: dict[str, list[str]] = {}
    for plain in plains:
        for name, value in plain.items():
            values.setdefault(name, []).append(value)
    wording: dict[str, tuple[str, str]] = {}
    for name, texts in values.items():
        start = common_start(texts)
        end = common_start([text[len(start) :][::-1] for text in texts])[::-1]
        is_wording = len(texts) >= N_FOR_WORDING and max(len(text) for text in texts) > len(
            start + end
        )
        wording[name] = (start, end) if is_wording else ("", "")
    return wording


def _similarity(
    left: Mapping[str, frozenset[bytes]], right: Mapping[str, frozenset[bytes]]
) -> float:
    if left.keys() != right.keys():
        return 0.0
    return min(len(left[name] & right[name]) / len(left[name] | right[name]) for name in left)
