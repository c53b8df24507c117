"""Decide which of a model's runs count, and what speaks against ranking it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.leaderboard.collect import Candidate, FoundRun
from harness.leaderboard.config import BoardConfig
from harness.leaderboard.reasons import Reason, reason
from harness.scoring import Scores
from harness.suite import Suite

PINNED = re.compile(r"(sha256:)?[0-9a-f]{40,64}|.+@[0-9a-f]{7,64}")
"""A digest of weights, or a hub id with a commit; a hub id alone may be anything tomorrow."""
OWN_TEMPLATE = "tokenizer"
"""How a run's record calls the chat template that a model brings."""
PROMPT_KEYS = ("system", "shots", "language")


def most_common(values: Iterable[str]) -> str | None:
    """Return the value that most have; of equally common ones, the first by alphabet."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def chosen_run(candidate: Candidate, suite: Suite) -> FoundRun | None:
    """Return the run that counts on a suite: the newest on its gold set, else the newest."""
    runs = candidate.runs.get(suite.name, ())
    fitting = [run for run in runs if run.identity.get("gold") == suite.gold_digest]
    return next(iter([*fitting, *runs]), None)


def asked_alike(run: FoundRun, suite: Suite) -> str | None:
    """Return which part of the prompts differs from the suite's; None when none does.

    A setting that only one of them has came with another version of Tunemark, and does not count.
    """
    ours = suite.identity()
    for key in PROMPT_KEYS:
        if key in run.identity and run.identity[key] != ours[key]:
            return key
    theirs = run.identity.get("tasks", {})
    tasks: Mapping[str, Mapping[str, Any]] = ours["tasks"]  # pyright: ignore[reportAssignmentType] - as Suite.identity makes it
    asked = {record.task for record in suite.gold}
    for name in asked:
        task = theirs.get(name)
        if task is None:
            continue
        for setting, value in tasks[name].items():
            if setting in task and task[setting] != value:
                return f"tasks.{name}.{setting}"
    return None


def model_reasons(run: FoundRun) -> list[Reason]:
    """Return what makes it unknown which model answered."""
    found: list[Reason] = []
    model = run.identity.get("model")
    if model is None:
        found.append(reason("unpinned", what=run.provenance.get("model", "none")))
    elif not PINNED.fullmatch(str(model)):
        found.append(reason("unpinned", what=model))
    adapter = run.identity.get("adapter")
    names_adapter = run.provenance.get("adapter") is not None
    if (adapter is None and names_adapter) or (
        adapter is not None and not PINNED.fullmatch(str(adapter))
    ):
        found.append(reason("adapter"))
    return found


def run_reasons(
    run: FoundRun, suite: Suite, config: BoardConfig, *, template: str | None, leaked: int | None
) -> list[Reason]:
    """Return what speaks against a run, before its answers are looked at.

    Args:
        run: The run that counts.
        suite: What all are to have answered.
        config: Of the board.
        template: Digest of the chat template that all are to have used.
        leaked: Gold items known to stand in the training data; None: not looked for.
    """
    found: list[Reason] = []
    name = suite.name
    gold = str(run.identity.get("gold"))
    if gold != suite.gold_digest:
        found.append(reason("gold", suite=name, theirs=gold[:12], ours=suite.gold_digest[:12]))
    elif (what := asked_alike(run, suite)) is not None:
        found.append(reason("prompts", suite=name, what=what))
    found.extend(_template_reasons(run, name, config, template))
    if leaked is not None and leaked > config.limits.leaked_items:
        found.append(reason("leaked", suite=name, n=leaked, limit=config.limits.leaked_items))
    return found


def score_reasons(scores: Scores, config: BoardConfig, *, signature: str | None) -> list[Reason]:
    """Return what speaks against a run's scores: items that are missing, or another metric."""
    found: list[Reason] = []
    if scores.coverage < config.limits.coverage:
        found.append(
            reason("coverage", suite=scores.suite, n=len(scores.stats), total=len(scores.planned))
        )
    if signature is not None and scores.metric.signature != signature:
        found.append(reason("signature", suite=scores.suite, theirs=scores.metric.signature))
    return found


def common_template(runs: Sequence[FoundRun], suite: Suite, config: BoardConfig) -> str | None:
    """Return the template digest that most runs on the right gold set used, if it must be one."""
    if config.template != "same":
        return None
    fitting = [run for run in runs if run.identity.get("gold") == suite.gold_digest]
    return most_common(str(run.identity.get("template")) for run in fitting)


def _template_reasons(
    run: FoundRun, suite: str, config: BoardConfig, template: str | None
) -> list[Reason]:
    theirs = str(run.identity.get("template"))
    if config.template == "same" and template is not None and theirs != template:
        shown = f"{run.provenance.get('template', '')} {theirs[:12]}".strip()
        return [reason("template", suite=suite, theirs=shown, ours=template[:12])]
    called = str(run.provenance.get("template"))
    if config.template == "own" and called != OWN_TEMPLATE:
        return [reason("own_template", suite=suite, theirs=called)]
    return []
