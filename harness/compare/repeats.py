"""Several runs of one configuration that differ only in the seed, taken as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.compare.comparison import Noise
from harness.digest import canonical_json
from harness.errors import IncomparableError
from harness.scoring import Scores

SEED = "seed"

Identity = Mapping[str, object]
"""Everything that determines a run's completions."""


def repeats_of(names: Sequence[str], identities: Sequence[Identity]) -> list[list[int]]:
    """Return which runs are repeats of one another, in order of appearance.

    Runs are repeats where their identities are equal but for the seed, whatever they are called.
    Runs with one seed as well are the same run twice: they are kept apart.

    Args:
        names: Of the configurations, [n].
        identities: Of the runs, [n].

    Raises:
        IncomparableError: two runs of one name differ in the seed and in something else.
    """
    groups: dict[tuple[str, int], list[int]] = {}
    whole = [canonical_json(identity) for identity in identities]
    for number, identity in enumerate(identities):
        key = canonical_json(_but_seed(identity)), whole[:number].count(whole[number])
        groups.setdefault(key, []).append(number)
    for i, name in enumerate(names):
        for j in range(i):
            if names[j] == name:
                _refuse_unlike(name, identities[j], identities[i])
    return list(groups.values())


def pooled(repeats: Sequence[Scores]) -> Scores:
    """Return one metric on several repeats as if it were one run.

    The statistics of each item are summed over the repeats. Of a mean, an item then counts with
    the average of its scores; a corpus metric, such as BLEU, gets the statistics of all answers
    together, as if the repeats were one long run: its natural average. The item stays the unit of
    resampling, so repeats never pass for more evidence than there are items. Items that lack a
    score in one of the repeats are left out, and counted as unscored.
    """
    first = repeats[0]
    if len(repeats) == 1:
        return first
    shared = [gold_id for gold_id in first.stats if all(gold_id in r.stats for r in repeats)]
    sums = np.sum([scores.matrix(shared) for scores in repeats], axis=0) if shared else []
    return replace(
        first,
        stats=dict(zip(shared, map(tuple, np.asarray(sums).tolist()), strict=True)),
        not_extracted=frozenset(shared).intersection(*(r.not_extracted for r in repeats)),
        n_repeats=len(repeats),
    )


def noise_of(repeats: Sequence[Scores]) -> Noise | None:
    """Return how far a metric's value moves between repeats; None for a single run."""
    values = [value for scores in repeats if (value := scores.value()) is not None]
    if len(values) < 2:
        return None
    return Noise(
        n_repeats=len(values),
        deviation=float(np.std(values, ddof=1)),
        lowest=min(values),
        highest=max(values),
    )


def _but_seed(identity: Identity) -> dict[str, object]:
    return {key: value for key, value in identity.items() if key != SEED}


def _refuse_unlike(name: str, first: Identity, second: Identity) -> None:
    if first.get(SEED) == second.get(SEED):
        return
    differing = sorted(
        key for key in _but_seed({**first, **second}) if first.get(key) != second.get(key)
    )
    if differing:
        told = "; ".join(f"{key} ({first.get(key)} and {second.get(key)})" for key in differing)
        raise IncomparableError(
            f"the runs of {name!r} with seeds {first.get(SEED)} and {second.get(SEED)} also differ "
            f"in {told[:400]}; repeats may differ in nothing but the seed: give runs of other "
            "configurations other names"
        )
