"""The study's answer in a few words and the reasons, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.compare import Comparison, Verdict
from harness.result import StudyResult
from reports import numbers
from reports.words import Lang, word

_KEEP = re.compile(r"Keep ([^:]+): (.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What to do, and why."""

    kept: str | None
    """The configuration (or baseline) to keep."""
    answer: str
    """A few words."""
    reason: str
    remarks: tuple[str, ...]
    """What is wrong with the others."""


def headline(result: StudyResult, lang: Lang) -> Headline:
    """Return the study's advice, cut into answer, reason and remarks."""
    if not result.advice:
        return Headline(kept=None, answer=result.name, reason="", remarks=())
    first, *rest = result.advice
    match = _KEEP.fullmatch(first)
    if match is None:
        return Headline(kept=None, answer=first, reason="", remarks=tuple(rest))
    kept, reason = match[1], match[2]
    if lang == "en":
        is_name = any(reason.startswith(name) for name in result.configurations)
        reason = reason if is_name else reason[0].upper() + reason[1:]
        return Headline(kept=kept, answer=f"Keep {kept}", reason=reason, remarks=tuple(rest))
    return Headline(
        kept=kept,
        answer=word("zh", "keep", name=kept),
        reason=_chinese_reason(result, kept),
        remarks=tuple(_chinese_remarks(result)),
    )


def _chinese_reason(result: StudyResult, kept: str) -> str:
    found = result.confirmation
    if found is not None and found.chosen is not None:
        said = _verdicts(found.confirmed)
        if found.is_confirmed:
            return (
                f"在未用于选择的题上，{said}。它从 {found.n_configurations} 个配置中选出，只有它在这些题上"
                "作比较，因此无需按配置数校正。"
            )
        return (
            f"{found.chosen} 从 {found.n_configurations} 个配置中选出，但保留的题未能确认：{said}。"
        )
    primaries = [c for c in (found.choice if found else result.comparisons) if c.is_primary]
    if kept != result.baseline:
        return _verdicts([c for c in primaries if c.configuration == kept]) + "。"
    if not primaries:
        return "没有可与之比较的已完成配置。"
    domain = {suite.name for suite in result.suites if suite.role == "domain"}
    gained = [c for c in primaries if c.suite in domain and c.verdict == "improved"]
    where = "在用于选择的题上，" if found else ""
    if gained:
        names = "、".join(dict.fromkeys(c.configuration for c in gained))
        return f"{where}{names} 在领域上有提升，但都在某个主要指标上退步。"
    return f"{where}没有配置被证明在领域上更好。"


def _verdicts(comparisons: Sequence[Comparison]) -> str:
    verdicts: tuple[Verdict, ...] = ("improved", "no worse", "cannot tell", "regressed")
    groups = [(v, [c for c in comparisons if c.verdict == v]) for v in verdicts]
    return "；".join(f"{word('zh', v)}：{_listed(group)}" for v, group in groups if group)


def _chinese_remarks(result: StudyResult) -> list[str]:
    lost: dict[str, list[Comparison]] = {}
    for comparison in result.comparisons:
        is_chosen = result.confirmation and comparison.configuration == result.confirmation.chosen
        if comparison.is_primary and comparison.verdict == "regressed" and not is_chosen:
            lost.setdefault(comparison.configuration, []).append(comparison)
    return [f"{name} 退步：{_listed(group)}。" for name, group in lost.items()]


def _listed(comparisons: Sequence[Comparison]) -> str:
    return "、".join(
        f"{c.suite}（{c.metric} {numbers.value(c.before.value, c.metric)} → "
        f"{numbers.value(c.after.value, c.metric)}，{numbers.signed(c.difference.value, c.metric)} "
        f"{numbers.signed_interval(c.difference, c.metric)}{_direction(c)}）"
        for c in comparisons
    )


def _direction(c: Comparison) -> str:
    return f"，{word('zh', 'lower_better')}" if c.better == "lower" else ""
