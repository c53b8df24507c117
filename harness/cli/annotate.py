"""`tunemark annotate`: a group whose verbs are imported when they are called."""

from __future__ import annotations

import click

from harness.cli import LazyGroup

ANNOTATE_VERBS: dict[str, tuple[str, str]] = {
    "new": ("harness.cli.annotate_new:new", "Make a session out of runs."),
    "open": ("harness.cli.annotate_state:open_session", "Let raters begin, or go on."),
    "invite": ("harness.cli.annotate_invite:invite", "Make a link for a rater."),
    "status": ("harness.cli.annotate_status:status", "Show progress by rater, and what is odd."),
    "pause": ("harness.cli.annotate_state:pause", "Give out no items for a while."),
    "close": ("harness.cli.annotate_state:close", "Take no more ratings."),
    "unblind": (
        "harness.cli.annotate_state:unblind",
        "Name the runs, after the session is closed.",
    ),
    "report": ("harness.cli.annotate_report:report", "Show counts and how far raters agree."),
    "adjudicate": (
        "harness.cli.annotate_adjudicate:adjudicate",
        "List the items that raters disagree on, the worst first.",
    ),
    "export": ("harness.cli.annotate_export:export", "Write the ratings in the form you need."),
    "import": ("harness.cli.annotate_import:import_ratings", "Take in ratings made elsewhere."),
}


class AnnotateGroup(LazyGroup):
    """The verbs on annotation sessions."""

    verbs = ANNOTATE_VERBS


@click.command(cls=AnnotateGroup)
def annotate() -> None:
    """Have people rate answers without knowing which run they are from."""
