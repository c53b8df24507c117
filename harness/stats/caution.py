"""What to say beside an interval that rests on little: limits found in docs/statistics.md."""

from __future__ import annotations

from harness.stats.bootstrap import FEW_CHANGES
from harness.stats.two_way import FEW_RATERS

FEW_CLUSTERS = 10
"""Below this many clusters an interval holds only if the clusters are much alike."""
FEW_SKEWED = 50
"""Below this many independent units the interval of very skewed scores holds less than 95 %."""
FEW_HITS = 5
"""A share with fewer right (or fewer wrong) answers than this may lie beyond Wilson's interval."""


def cautions(
    *, n_groups: int, n_items: int, n_changed: int | None = None, is_bounded: bool = True
) -> tuple[str, ...]:
    """Return what a reader of an interval must know, one sentence each.

    Args:
        n_groups: Independent units: items, or clusters of items.
        n_items: Scored items.
        n_changed: Units that differ between two systems; None for a single value.
        is_bounded: Whether the metric's range has two ends; without them scores can be very skewed.
    """
    found: list[str] = []
    if n_groups < n_items and n_groups < FEW_CLUSTERS:
        found.append(f"only {_many(n_groups, 'cluster')}: the interval rests on little")
    if n_changed is not None and 0 < n_changed < FEW_CHANGES:
        found.append(
            f"only {_many(n_changed, 'unit')} of {n_groups} changed: the interval is wide, not exact"
        )
    if not is_bounded and n_groups < FEW_SKEWED:
        found.append(
            f"{_many(n_groups, 'unit')} of a metric without bounds: if its scores are very skewed, "
            "a 95 % interval holds 91 to 94 %"
        )
    return tuple(found)


def share_cautions(*, n_right: int, n: int) -> tuple[str, ...]:
    """Return what a reader of Wilson's interval must know, one sentence each.

    Near 0 and 1 its coverage swings about 95 %, down to 84 % (Brown, Cai and DasGupta 2001).

    Args:
        n_right: Right answers.
        n: Items.
    """
    fewest = min(n_right, n - n_right)
    if 0 < fewest < FEW_HITS:
        kind = "right" if n_right <= n - n_right else "wrong"
        verb = "is" if fewest == 1 else "are"
        ending = "a 95 % interval so near the end holds 84 to 99 %"
        return (f"only {_many(fewest, 'answer')} {verb} {kind}: {ending}",)
    return ()


def rater_cautions(*, n_raters: int, n_items: int) -> tuple[str, ...]:
    """Return what a reader of a two-way interval must know, one sentence each.

    Args:
        n_raters: People who rated.
        n_items: Items that were rated.
    """
    if n_raters == 1:
        return ("one rater: the interval speaks of this person on items like these",)
    found: list[str] = []
    if n_raters < FEW_RATERS:
        found.append(f"only {n_raters} raters: the result speaks of raters much like these")
    if n_items < FEW_CHANGES:
        found.append(f"only {_many(n_items, 'item')}: the interval rests on little")
    return tuple(found)


def _many(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
