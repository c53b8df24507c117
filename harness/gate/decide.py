"""Hold candidates against a policy: pass, fail, or inconclusive, each with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.compare import Comparison, Pair, compare_all
from harness.compare.sides import refuse_gauge
from harness.contamination.find import TrainingText, find_leaks
from harness.errors import InputError
from harness.gate.policy import Policy, Requirement
from harness.gate.ratings import Rating
from harness.scoring import Scores, refuse_other_gold, score_run
from harness.store import RunFolder

Answer = Literal["pass", "fail", "inconclusive"]
EXIT_CODES: Mapping[Answer, int] = {"pass": 0, "fail": 3, "inconclusive": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the policy asks for."""

    candidate: str
    name: str
    """Such as "clinic-en token_f1 improved" or "clinic-en coverage"."""
    answer: Answer
    text: str
    """What was found, with its numbers."""
    comparison: Comparison | None = None
    """Of a primary; None for limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a gate says of all its candidates."""

    policy: str
    findings: tuple[Finding, ...]
    inconclusive: Answer
    """What the policy makes of an inconclusive finding."""

    @property
    def answer(self) -> Answer:
        """Fail if anything fails; inconclusive if anything is, and the policy leaves it so."""
        answers = {f.answer for f in self.findings}
        if "fail" in answers:
            return "fail"
        return self.inconclusive if "inconclusive" in answers else "pass"

    def answer_of(self, candidate: str) -> Answer:
        """Return the answer for one candidate by itself."""
        own = tuple(f for f in self.findings if f.candidate == candidate)
        return Decision(policy=self.policy, findings=own, inconclusive=self.inconclusive).answer

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(dict.fromkeys(f.candidate for f in self.findings))


Runs = Mapping[str, RunFolder]
"""A candidate's run folders, by suite name."""


def decide(
    policy: Policy,
    candidates: Mapping[str, Runs],
    *,
    training: Sequence[TrainingText] = (),
    ratings: Sequence[Rating] | None = None,
    trusts_code: bool = False,
    n_draws: int = 10_000,
) -> Decision:
    """Compare every candidate with the pinned baseline and hold it against the limits.

    Primaries are corrected (max-T) over all candidates together, so that a gate raises a false
    alarm of regression in at most 5 % of cases however many configurations it is shown.

    Args:
        policy: What must hold.
        candidates: Runs by candidate and suite.
        training: Rows in which gold items are looked for.
        ratings: What people said of the candidates' answers; None: nobody was asked.
        trusts_code: Whether Python files that a suite names may be run.
        n_draws: Of the bootstrap.

    Raises:
        InputError: a candidate has no run for a suite that the policy needs, or one on another
            gold set, template or metric version; a primary is a gauge.
    """
    needed = dict.fromkeys(requirement.suite for requirement in policy.config.primary)
    before = {
        name: _scored(policy, name, policy.baseline[name], "baseline", trusts_code)
        for name in needed
    }
    for requirement in policy.config.primary:
        scale = before[requirement.suite][requirement.metric].metric.scale
        refuse_gauge(requirement.metric, scale, where=f"{policy.file}: primary")
    pairs: list[Pair] = []
    limits: list[Finding] = []
    for candidate, runs in candidates.items():
        scores: dict[str, dict[str, Scores]] = {}
        for name in needed:
            if name not in runs:
                raise InputError(
                    f"candidate {candidate!r} has no run on suite {name!r}; the policy needs: "
                    f"{', '.join(needed)}"
                )
            scores[name] = _scored(policy, name, runs[name], candidate, trusts_code)
            limits.extend(_limits(policy, candidate, name, runs[name], scores[name]))
        pairs.extend(
            Pair(
                before=before[requirement.suite][requirement.metric],
                after=scores[requirement.suite][requirement.metric],
                margin=requirement.margin,
            )
            for requirement in policy.config.primary
        )
    findings: list[Finding] = []
    corrected = iter(compare_all(pairs, n_draws=n_draws))
    for candidate in candidates:
        findings.extend(
            _primary(candidate, requirement, next(corrected))
            for requirement in policy.config.primary
        )
        findings.extend(f for f in limits if f.candidate == candidate)
    if training:
        findings.extend(_leaks(policy, list(needed), tuple(candidates), training))
    if ratings is not None:
        findings.extend(_ratings(policy, candidates, ratings))
    return Decision(
        policy=policy.config.name,
        findings=tuple(findings),
        inconclusive=policy.config.inconclusive,
    )


def _scored(
    policy: Policy, suite: str, folder: RunFolder, name: str, trusts_code: bool
) -> dict[str, Scores]:
    loaded = policy.suites[suite]
    refuse_other_gold(folder, loaded)
    found = score_run(
        folder, loaded, name, trusts_code=trusts_code, baseline=policy.baseline[suite]
    )
    return {scores.metric.name: scores for scores in found}


def _primary(candidate: str, requirement: Requirement, found: Comparison) -> Finding:
    accepted = {"improved"} if requirement.require == "improved" else {"improved", "no worse"}
    if found.verdict in accepted:
        answer: Answer = "pass"
    elif found.verdict == "regressed" or _is_ruled_out(requirement, found):
        answer = "fail"
    else:
        answer = "inconclusive"
    d = found.difference
    text = (
        f"{found.verdict}: {found.before.value:.4g} → {found.after.value:.4g}, "
        f"{d.value:+.3g} [{d.low:+.3g}, {d.high:+.3g}], p {found.p_adjusted:.2g}, n {found.n}"
    )
    if requirement.margin:
        text += f", margin {requirement.margin:g}"
    if answer == "inconclusive":
        text += f"; {found.n} items would show {found.minimum_detectable_effect:.3g} or more"
    return Finding(
        candidate=candidate,
        name=f"{requirement.suite} {requirement.metric} {requirement.require}",
        answer=answer,
        text=text.replace("-", "−"),
        comparison=found,
    )


def _is_ruled_out(requirement: Requirement, found: Comparison) -> bool:
    """Tell whether an improvement was asked for and even the best end of the interval has none."""
    d = found.difference
    best = -d.low if found.better == "lower" else d.high
    return requirement.require == "improved" and best <= 0


def _limits(
    policy: Policy, candidate: str, suite: str, folder: RunFolder, scores: Mapping[str, Scores]
) -> list[Finding]:
    limits = policy.config.limits
    completions = folder.completions()
    planned = policy.suites[suite].gold
    n_done = sum(record.id in completions for record in planned)
    found = [
        _limit(candidate, f"{suite} coverage", n_done / len(planned), at_least=limits.coverage)
    ]
    generated = [c for c in completions.values() if c.choice_logprobs is None]
    if generated and limits.ended_by_itself > 0:
        share = sum(c.finish == "stop" for c in generated) / len(generated)
        found.append(
            _limit(candidate, f"{suite} ended by itself", share, at_least=limits.ended_by_itself)
        )
    for requirement in policy.config.primary:
        own = scores[requirement.metric] if requirement.suite == suite else None
        if own is not None and own.stats:
            name = f"{suite} {requirement.metric}"
            found.append(
                _limit(candidate, f"{name} coverage", own.coverage, at_least=limits.coverage)
            )
            if limits.not_extracted < 1:
                missing = len(own.not_extracted) / len(own.stats)
                found.append(
                    _limit(
                        candidate, f"{name} not extracted", missing, at_most=limits.not_extracted
                    )
                )
    return found


def _limit(
    candidate: str,
    name: str,
    share: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Finding:
    if at_least is not None:
        is_kept, bound = share >= at_least, f"at least {at_least:.1%}"
    else:
        assert at_most is not None, f"{name} has no bound"
        is_kept, bound = share <= at_most, f"at most {at_most:.1%}"
    return Finding(
        candidate=candidate,
        name=name,
        answer="pass" if is_kept else "fail",
        text=f"{share:.1%}, {bound} asked",
    )


def _leaks(
    policy: Policy,
    suites: Sequence[str],
    candidates: Sequence[str],
    training: Sequence[TrainingText],
) -> list[Finding]:
    found: list[Finding] = []
    for name in suites:
        leaks = [
            leak for leak in find_leaks(policy.suites[name], training) if leak.verdict == "leaked"
        ]
        is_kept = len(leaks) <= policy.config.limits.leaked_items
        example = f", such as {leaks[0].gold_id} in {leaks[0].origin}" if leaks else ""
        found.extend(
            Finding(
                candidate=candidate,
                name=f"{name} leaks",
                answer="pass" if is_kept else "fail",
                text=f"{len(leaks)} gold items stand in the training data{example}; "
                f"at most {policy.config.limits.leaked_items} allowed",
            )
            for candidate in candidates
        )
    return found


def _ratings(
    policy: Policy, candidates: Mapping[str, Runs], ratings: Sequence[Rating]
) -> list[Finding]:
    """Hold the critical tags against their limit; a candidate nobody rated is inconclusive."""
    found: list[Finding] = []
    most = policy.config.limits.critical_items
    for candidate, runs in candidates.items():
        names = {folder.path.resolve().name for folder in runs.values()}
        own = [rating for rating in ratings if rating.run in names]
        critical = dict.fromkeys(r.item for r in own if r.severity == "critical")
        rated = len({(r.run, r.item) for r in own})
        answer: Answer = "pass" if len(critical) <= most else "fail"
        example = f", such as {next(iter(critical))}" if critical else ""
        found.append(
            Finding(
                candidate=candidate,
                name="critical items",
                answer=answer if own else "inconclusive",
                text=f"{len(critical)} of {rated} rated items have a critical tag{example}; "
                f"at most {most} allowed"
                if own
                else f"none of {', '.join(sorted(names))} was rated",
            )
        )
    return found
