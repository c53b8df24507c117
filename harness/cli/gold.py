"""`tunemark gold`: a group whose verbs are imported when they are called."""

from __future__ import annotations

import click

from harness.cli import LazyGroup

GOLD_VERBS: dict[str, tuple[str, str]] = {
    "new": ("harness.cli.gold_new:new", "Write a new suite with examples to be replaced."),
    "sample": ("harness.cli.gold_sample:sample", "Draw candidates from usage logs, by strata."),
    "check": ("harness.cli.gold_check:check", "Find duplicates, contradictions, leaks and gaps."),
    "lock": ("harness.cli.gold_lock:lock", "Record the content and its version; explain a change."),
    "power": ("harness.cli.gold_power:power", "Say how small a change this many items can show."),
    "stats": (
        "harness.cli.gold_stats:stats",
        "Count items, lengths, classes, slices and clusters.",
    ),
}


class GoldGroup(LazyGroup):
    """The verbs on gold sets."""

    verbs = GOLD_VERBS


@click.command(cls=GoldGroup)
def gold() -> None:
    """Make, check, lock and measure gold sets: before any GPU time is spent."""
