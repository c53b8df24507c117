"""Equality, containment and patterns: is the answer a reference, or is a reference in it?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import ConfigError, GoldError
from harness.metrics.base import BINARY, Answers, MeanMetric, Metric, Setting
from harness.metrics.normalise import bare, chinese, find_word, squad, tokens
from harness.types import Completion, GoldRecord

Normalise = Literal["auto", "squad", "zh", "lower", "none"]
"""squad: lower case, no ASCII punctuation, no articles. zh: half-width, lower case, no
punctuation or spaces. lower: lower case, single spaces. none: as it stands. auto: by language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """A way to make texts comparable."""

    name: str
    """In signatures."""
    apply: Callable[[str], str]
    cut: Callable[[str], list[str]] | None = None
    """Into tokens; None where texts are searched as they are."""


def exact_match(setting: Setting, *, normalise: Normalise = "auto") -> Metric:
    """Return the share of answers that equal a reference once normalised (Rajpurkar et al. 2016).

    Args:
        setting: Its language decides what "auto" means.
        normalise: Which differences are forgiven.
    """
    form = _form(normalise, setting.language)

    def score(answer: str, references: tuple[str, ...]) -> float:
        said = form.apply(answer)
        if not references:
            return float(not said)
        return float(any(_equal(form, answer, said, reference) for reference in references))

    return _binary("exact_match@2", setting, form, "refs:any", score)


def contains(
    setting: Setting, *, normalise: Normalise = "auto", refs: Literal["any", "all"] = "any"
) -> Metric:
    """Return the share of answers in which a reference stands as whole words.

    Args:
        setting: Its language decides what "auto" means.
        normalise: Which differences are forgiven.
        refs: Whether one of the references is enough or each must be there.
    """
    form = _form(normalise, setting.language)
    enough = any if refs == "any" else all

    def score(answer: str, references: tuple[str, ...]) -> float:
        if not references:
            return float(not form.apply(answer))
        return float(enough(_is_in(form, answer, reference) for reference in references))

    return _binary("contains@2", setting, form, f"refs:{refs}", score)


def starts_with(setting: Setting, *, normalise: Normalise = "auto") -> Metric:
    """Return the share of answers that begin with a reference (after HELM's prefix match).

    For models that answer first and explain then.

    Args:
        setting: Its language decides what "auto" means.
        normalise: Which differences are forgiven.
    """
    form = _form(normalise, setting.language)

    def score(answer: str, references: tuple[str, ...]) -> float:
        if not references:
            return float(not form.apply(answer))
        return float(any(_is_first(form, answer, reference) for reference in references))

    return _binary("starts_with@1", setting, form, "refs:any", score)


def regex(
    setting: Setting,
    *,
    value: str | None = None,
    whole: bool = False,
    ignore_case: bool = False,
) -> Metric:
    """Return the share of answers that match a regular expression (Python's `re`).

    Args:
        setting: Not used.
        value: The pattern for all items; without it each reference is one, and any may match.
        whole: Whether the pattern must match the whole answer (white space around it aside).
        ignore_case: Whether capitals count as small letters.

    Raises:
        ConfigError: the pattern cannot be read.
    """
    del setting
    flags = re.IGNORECASE if ignore_case else 0
    try:
        common = None if value is None else re.compile(value, flags)
    except re.error as error:
        raise ConfigError(f"metric 'regex': {value!r} is not a pattern: {error}") from None

    def score(gold: GoldRecord, completion: Completion) -> float | None:
        if gold.choices:
            return None
        own = [_pattern(reference, flags, gold.id) for reference in gold.references]
        text = completion.text.strip()
        found = (
            p.fullmatch(text) if whole else p.search(text) for p in ([common] if common else own)
        )
        return float(any(found))

    source = "references" if value is None else json.dumps(value, ensure_ascii=False)
    where = "whole" if whole else "search"
    case = "ignored" if ignore_case else "kept"
    return MeanMetric(
        name="regex",
        signature=f"regex@1|pattern:{source}|at:{where}|case:{case}",
        score=score,
        scale=BINARY,
    )


def _binary(
    name: str,
    setting: Setting,
    form: _Form,
    rule: str,
    score: Callable[[str, tuple[str, ...]], float],
) -> Metric:
    answers = Answers(setting.no_answer)
    return MeanMetric(
        name=name.split("@")[0],
        signature=f"{name}|norm:{form.name}|{rule}{answers.signature}",
        score=answers.scored_by(score),
        scale=BINARY,
    )


def _form(kind: Normalise, language: str) -> _Form:
    if kind == "auto":
        kind = "zh" if language == "zh" else "squad"
    if kind == "squad":
        return _Form(name="squad1", apply=squad, cut=lambda text: tokens(text, "en"))
    if kind == "zh":
        return _Form(
            name="zh-nfkc-nopunct",
            apply=lambda text: chinese(text).replace(" ", ""),
            cut=lambda text: tokens(text, "zh"),
        )
    if kind == "lower":
        return _Form(name="lower", apply=lambda text: " ".join(text.lower().split()))
    return _Form(name="none", apply=str)


def _equal(form: _Form, answer: str, said: str, reference: str) -> bool:
    wanted = form.apply(reference)
    if wanted:
        return said == wanted
    said, wanted = bare(answer, reference)
    return said == wanted


def _is_in(form: _Form, answer: str, reference: str) -> bool:
    if form.cut is None:
        return find_word(form.apply(reference).strip(), form.apply(answer)) >= 0
    if wanted := form.cut(reference):
        return f" {' '.join(wanted)} " in f" {' '.join(form.cut(answer))} "
    # Articles or punctuation only: no normalised text has them, so look for them as they stand.
    return find_word(reference.strip(), answer) >= 0


def _is_first(form: _Form, answer: str, reference: str) -> bool:
    if form.cut is None:
        return find_word(form.apply(reference).strip(), form.apply(answer).lstrip()) == 0
    if wanted := form.cut(reference):
        return form.cut(answer)[: len(wanted)] == wanted
    return find_word(reference.strip(), answer.lstrip()) == 0


def refuse_bad_patterns(records: Sequence[GoldRecord]) -> None:
    """Check that every reference can be read as a pattern, for `regex` without one of its own.

    Raises:
        GoldError: naming the gold item.
    """
    for record in records:
        for reference in record.references:
            _pattern(reference, 0, record.id)


def _pattern(text: str, flags: int, gold_id: str) -> re.Pattern[str]:
    try:
        return re.compile(text, flags)
    except re.error as error:
        raise GoldError(
            f"{gold_id!r}: the reference {text!r} is not a pattern for the metric 'regex': {error}; "
            "write a regular expression, or use `contains`"
        ) from None
