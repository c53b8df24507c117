"""What was released: every version that passed its gate, with its numbers, beside the policy.

One line a release in `<policy>.history.jsonl`, to be committed with the policy. A line holds what
was measured at the time, so that the history can be read where the runs are gone; where they are
still there, releases are compared with each other, item by item.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from harness.compare import Comparison, Verdict, compare
from harness.config import explain, telling_fault
from harness.errors import IncomparableError, InputError, StoreError
from harness.gate.decide import Decision, Runs
from harness.gate.policy import Policy, Requirement, run_digest
from harness.scoring import Scores, refuse_other_gold, score_run
from harness.stats.bootstrap import Interval
from harness.store import MANIFEST, RunFolder, append_jsonl, read_lines
from harness.types import Record


class Measured(Record):
    """One primary metric of a released version."""

    suite: str
    metric: str
    signature: str
    gold: str
    """Digest of the gold set."""
    gold_version: str
    run: str
    """Run folder, relative to the policy's file."""
    answers: str
    """Digest of what the run answered."""
    n: int
    value: Interval
    difference: Interval
    """From the baseline of the time."""
    baseline: str
    """Digest of that baseline's answers."""
    verdict: Verdict


class Release(Record):
    """One line of the history."""

    version: str
    candidate: str
    released: str
    """When, ISO 8601, UTC."""
    primary: tuple[Measured, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One metric of one release, seen from those before it."""

    release: Release
    measured: Measured
    first_version: str
    """The first release on this gold set, with this metric."""
    is_comparable: bool
    """Whether gold set and metric are those of the release before."""
    since_last: Comparison | None
    """Compared with the release before; None where that cannot be done."""
    since_first: Comparison | None
    """Compared with the first comparable release, from the third on, without a margin."""

    @property
    def has_eroded(self) -> bool:
        """Whether small losses, each of them allowed, have added up to one that is certain."""
        return self.since_first is not None and self.since_first.verdict == "regressed"


def history_file(policy_file: Path) -> Path:
    """Return where a policy's releases stand."""
    return policy_file.with_suffix(".history.jsonl")


def load_history(file: Path) -> list[Release]:
    """Read the releases, oldest first; none where there is no file.

    Raises:
        StoreError: a line is damaged.
    """
    found: list[Release] = []
    for number, row in enumerate(read_lines(file), start=1):
        try:
            found.append(Release.model_validate(row))
        except ValidationError as error:
            told = explain(telling_fault(error), Release)
            raise StoreError(f"{file}:{number}: {told}") from None
    return found


def record_release(
    policy: Policy, decision: Decision, candidates: Mapping[str, Runs], version: str
) -> Release:
    """Append the one candidate that passed as a released version; the same again changes nothing.

    Raises:
        InputError: it did not pass, is not one candidate, or the version was released already.
    """
    if decision.answer != "pass":
        raise InputError(f"{version} is not recorded: the gate says {decision.answer}")
    if len(decision.candidates) != 1:
        raise InputError(
            "a release is one candidate; choose it with --configuration: "
            + ", ".join(decision.candidates)
        )
    candidate = decision.candidates[0]
    release = Release(
        version=version,
        candidate=candidate,
        released=datetime.now(UTC).isoformat(timespec="seconds"),
        primary=tuple(
            _measured(policy, found.comparison, candidates[candidate])
            for found in decision.findings
            if found.comparison is not None
        ),
    )
    file = history_file(policy.file)
    for known in load_history(file):
        if known.version == version:
            if known.primary == release.primary:
                return known
            raise InputError(
                f"{file}: {version} was released on {known.released} with other answers; "
                "give the new one another version"
            )
    with append_jsonl(file) as writer:
        writer.write(release.model_dump(mode="json"))
    return release


def trend(policy: Policy, releases: Sequence[Release], requirement: Requirement) -> list[Point]:
    """Return one metric over the releases that have it, oldest first."""
    key = (requirement.suite, requirement.metric)
    found: list[Point] = []
    first: Measured | None = None
    first_version = ""
    for release in releases:
        measured = next((m for m in release.primary if (m.suite, m.metric) == key), None)
        if measured is None:
            continue
        last = found[-1].measured if found else None
        is_comparable = last is None or _same_question(last, measured)
        if first is None or not is_comparable:
            first, first_version = measured, release.version
        has_last = last is not None and is_comparable
        found.append(
            Point(
                release=release,
                measured=measured,
                first_version=first_version,
                is_comparable=is_comparable,
                since_last=_compared(policy, last, measured, requirement.margin)
                if has_last
                else None,
                since_first=_compared(policy, first, measured, 0.0)
                if has_last and first is not last
                else None,
            )
        )
    return found


def _measured(policy: Policy, found: Comparison, runs: Runs) -> Measured:
    suite = policy.suites[found.suite]
    folder = runs[found.suite]
    return Measured(
        suite=found.suite,
        metric=found.metric,
        signature=found.signature,
        gold=suite.gold_digest,
        gold_version=suite.config.version,
        run=_relative(folder.path, policy.file.parent),
        answers=run_digest(folder),
        n=found.n,
        value=found.after,
        difference=found.difference,
        baseline=run_digest(policy.baseline[found.suite]),
        verdict=found.verdict,
    )


def _relative(path: Path, start: Path) -> str:
    """Return a path as the policy would write it: its folder is found again after a move."""
    return os.path.relpath(path.resolve(), start.resolve())


def _same_question(one: Measured, other: Measured) -> bool:
    return (one.signature, one.gold) == (other.signature, other.gold)


def _compared(
    policy: Policy, before: Measured | None, after: Measured, margin: float
) -> Comparison | None:
    """Compare two releases, where the runs of both still lie there as they were."""
    scores = [_scores(policy, one) for one in (before, after) if one is not None]
    if len(scores) < 2 or scores[0] is None or scores[1] is None:
        return None
    try:
        return compare(scores[0], scores[1], margin=margin)
    except IncomparableError:
        return None


def _scores(policy: Policy, measured: Measured) -> Scores | None:
    folder = RunFolder(path=policy.file.parent / measured.run)
    suite = policy.suites[measured.suite]
    if not (folder.path / MANIFEST).exists() or run_digest(folder) != measured.answers:
        return None
    try:
        refuse_other_gold(folder, suite)
    except IncomparableError:
        return None
    found = score_run(folder, suite, measured.run, baseline=policy.baseline[measured.suite])
    return next((one for one in found if one.metric.name == measured.metric), None)
