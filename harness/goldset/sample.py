"""Draw candidates for a gold set from usage logs, so that every kind of request is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.digest import digest_of
from harness.goldset.language import language_of
from harness.goldset.logs import Request
from harness.goldset.near import near_duplicates
from harness.goldset.pii import personal_data
from harness.goldset.texts import n_words

Allocation = Literal["proportional", "equal", "root"]
""""root": by the square root of the stratum's size (Bankier 1988), between the other two."""
LENGTHS = ("short", "medium", "long")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Requests of one type, language and length."""

    type: str
    language: str
    length: str
    n_logged: int
    """Requests in the logs, repeats included."""
    n_distinct: int
    """After near-duplicates were removed."""
    n_drawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A request that an expert should answer."""

    id: str
    request: Request
    slices: Mapping[str, str]
    n_seen: int
    """How often it was asked in the logs, nearly the same wordings included."""
    flags: tuple[str, ...]
    """Kinds of personal data that it seems to hold."""

    def row(self) -> dict[str, object]:
        """Return it as a line of a candidates file: a gold row with an empty answer."""
        request = self.request
        turns = [{"role": role, "content": text} for role, text in request.turns]
        row: dict[str, object] = {
            "id": self.id,
            "task": request.type,
            "input": turns or request.text,
            "references": [],
            "slices": dict(self.slices),
            "source": request.place,
            "flags": list(self.flags),
            "n_seen": self.n_seen,
        }
        return row if request.output is None else {**row, "logged_output": request.output}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Candidates, and how they came about."""

    candidates: tuple[Candidate, ...]
    strata: tuple[Stratum, ...]
    n_logged: int
    n_repeats: int
    n_known: int
    """Left out because a text to be avoided is nearly the same."""
    length_limits: tuple[int, int]
    """Words up to which a request is short, and medium."""
    flags: Mapping[str, int]
    """Candidates by kind of personal data."""


def draw_sample(
    requests: Sequence[Request],
    *,
    n: int,
    seed: int,
    allocation: Allocation = "proportional",
    avoid: Sequence[str] = (),
    threshold: float = 0.8,
) -> Sample:
    """Draw n requests, stratified by type, language and length.

    Args:
        requests: At least one.
        n: Candidates to draw; fewer when the logs hold fewer distinct requests.
        seed: The same logs and seed draw the same candidates, whatever the order of the rows.
        allocation: How candidates are spread over the strata; each stratum gets one at least, as
            far as n reaches, the largest first.
        avoid: Texts (such as the gold set's) that no candidate may repeat.
        threshold: Similarity from which requests count as the same.
    """
    ordered = sorted(requests, key=lambda r: (r.time, digest_of([r.before, r.text]), r.place))
    texts = [{"before": "", "last": text} for text in avoid]
    texts += [{"before": request.before, "last": request.text} for request in ordered]
    repeats = {near.index: near.earlier for near in near_duplicates(texts, threshold=threshold)}
    first = len(avoid)
    seen = Counter(repeats.get(first + i, first + i) for i in range(len(ordered)))
    distinct = [i for i in range(len(ordered)) if first + i not in repeats]
    n_known = sum(count for index, count in seen.items() if index < first)
    limits = _length_limits([ordered[i].text for i in distinct])
    members: dict[tuple[str, str, str], list[int]] = {}
    for i in distinct:
        members.setdefault(_stratum_of(ordered[i], limits), []).append(i)
    keys = sorted(members)
    shares = allot([len(members[key]) for key in keys], n, allocation)
    rng = np.random.default_rng(seed)
    strata, chosen = list[Stratum](), list[Candidate]()
    for key, n_drawn in zip(keys, shares, strict=True):
        own = members[key]
        picked = sorted(rng.choice(len(own), size=n_drawn, replace=False).tolist())
        chosen += [_candidate(ordered[own[j]], key, seen[first + own[j]]) for j in picked]
        n_logged = sum(seen[first + i] for i in own)
        strata.append(
            Stratum(
                type=key[0],
                language=key[1],
                length=key[2],
                n_logged=n_logged,
                n_distinct=len(own),
                n_drawn=n_drawn,
            )
        )
    return Sample(
        candidates=_numbered(chosen),
        strata=tuple(strata),
        n_logged=len(ordered),
        n_repeats=len(ordered) - len(distinct) - n_known,
        n_known=n_known,
        length_limits=limits,
        flags=Counter(flag for candidate in chosen for flag in candidate.flags),
    )


def allot(sizes: Sequence[int], n: int, allocation: Allocation) -> list[int]:
    """Spread n over strata of the given sizes: never more than a stratum has, one at least.

    When n is less than the number of strata, the largest get one each. Whole numbers by largest
    remainders (Hamilton).
    """
    n = min(n, sum(sizes))
    by_size = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i))
    given = [0] * len(sizes)
    for i in by_size[:n]:
        given[i] = 1
    power = {"proportional": 1.0, "root": 0.5, "equal": 0.0}[allocation]
    weights = [float(size) ** power for size in sizes]
    while sum(given) < n:  # a full stratum's share goes to the others
        open_strata = [i for i in by_size if given[i] < sizes[i]]
        total = sum(weights[i] for i in open_strata)
        # What each should have of all that the open strata may hold.
        pool = n - sum(given[i] for i in range(len(sizes)) if i not in open_strata)
        ideal = {i: min(pool * weights[i] / total, sizes[i]) for i in open_strata}
        lacking = {i: ideal[i] - given[i] for i in open_strata}
        gains = {i: int(lack) for i, lack in lacking.items() if lack >= 1}
        left = n - sum(given)
        if gains and sum(gains.values()) <= left:
            for i, gain in gains.items():
                given[i] += gain
        else:
            given[max(open_strata, key=lambda i: (lacking[i], sizes[i], -i))] += 1
    return given


def _length_limits(texts: Sequence[str]) -> tuple[int, int]:
    """Return the terciles of the length in words."""
    lengths = [n_words(text) for text in texts] or [0]
    low, high = np.quantile(lengths, [1 / 3, 2 / 3], method="lower")
    return int(low), int(high)


def _stratum_of(request: Request, limits: tuple[int, int]) -> tuple[str, str, str]:
    n = n_words(request.text)
    return request.type, language_of(request.text), LENGTHS[(n > limits[0]) + (n > limits[1])]


def _candidate(request: Request, key: tuple[str, str, str], n_seen: int) -> Candidate:
    whole = "\n".join((request.before, request.text, request.output or ""))
    return Candidate(
        id="",
        request=request,
        slices=dict(zip(("type", "language", "length"), key, strict=True)),
        n_seen=n_seen,
        flags=tuple(sorted({found.kind for found in personal_data(whole)})),
    )


def _numbered(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Give each candidate an id from its type and its number within the type."""
    counts = Counter[str]()
    numbered = list[Candidate]()
    for candidate in candidates:
        name = re.sub(r"[^\w-]+", "-", candidate.request.type).strip("-") or "item"
        counts[name] += 1
        numbered.append(
            Candidate(
                id=f"{name}-{counts[name]:03d}",
                request=candidate.request,
                slices=candidate.slices,
                n_seen=candidate.n_seen,
                flags=candidate.flags,
            )
        )
    return tuple(numbered)
