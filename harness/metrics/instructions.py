"""Did the answer do what a program can check? The instructions of IFEval, checked by lm-eval."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Literal

from harness.errors import GoldError, MissingExtraError
from harness.metrics.base import FindingMetric, Metric, Scale, Setting
from harness.types import Completion, GoldRecord, Measurement

EXTRA = "lm-eval"
REQUIRED = ("lm_eval", "langdetect", "immutabledict", "nltk")


def ifeval(
    setting: Setting,
    *,
    level: Literal["prompt", "instruction"] = "prompt",
    mode: Literal["strict", "loose"] = "strict",
) -> Metric:
    """Return the share of prompts whose instructions are all followed, in [0, 1] (Zhou et al. 2023).

    A gold item's references are its instructions, one JSON text each: {"id": …, "kwargs": {…}}.
    Two kinds of instruction need data of nltk (`python -m nltk.downloader punkt punkt_tab`);
    without it, prompts with one of them are not scored.

    Args:
        setting: Not used.
        level: Count prompts, or each instruction by itself.
        mode: "loose" also tries the answer without its first line, last line and asterisks.
    """
    del setting
    if any(find_spec(name) is None for name in REQUIRED):
        raise MissingExtraError("metric 'ifeval'", EXTRA)
    check = _follows_loosely if mode == "loose" else _follows

    def judge(gold: GoldRecord, completion: Completion) -> Measurement | None:
        wanted = [_instruction(gold, text) for text in gold.references]
        try:
            followed = [check(completion.text, *one, gold=gold) for one in wanted]
        except LookupError:  # nltk's data
            return None
        if level == "prompt":
            return Measurement(stats=(float(all(followed)), 1.0))
        return Measurement(stats=(float(sum(followed)), float(len(followed))))

    return FindingMetric(
        name="ifeval",
        signature=f"ifeval@1|level:{level}|mode:{mode}|lm-eval:{_version()}",
        judge=judge,
        scale=Scale(is_binary=level == "prompt"),
    )


def _instruction(gold: GoldRecord, text: str) -> tuple[str, dict[str, Any]]:
    try:
        value = json.loads(text)
        name, kwargs = str(value["id"]), dict(value["kwargs"])
    except (ValueError, TypeError, KeyError):
        raise GoldError(
            f"gold item {gold.id!r}: reference {text[:60]!r} is no instruction of IFEval, such as "
            '{"id": "punctuation:no_comma", "kwargs": {}}'
        ) from None
    if name not in _registry():
        raise GoldError(f"gold item {gold.id!r}: lm-eval knows no instruction {name!r}")
    return name, kwargs


def _follows(text: str, name: str, kwargs: dict[str, Any], *, gold: GoldRecord) -> bool:
    return _any_follows([text], name, kwargs, gold)


def _follows_loosely(text: str, name: str, kwargs: dict[str, Any], *, gold: GoldRecord) -> bool:
    """Eight forms of the answer, as the authors' own "loose" rule (Zhou et al. 2023, §3.2)."""
    lines = text.split("\n")
    cut = [lines, lines[1:], lines[:-1], lines[1:-1]]
    forms = [text, *("\n".join(part).strip() for part in cut[1:])]
    return _any_follows([*forms, *(form.replace("*", "") for form in forms)], name, kwargs, gold)


def _any_follows(texts: Sequence[str], name: str, kwargs: dict[str, Any], gold: GoldRecord) -> bool:
    checker = _registry()[name](name)
    # As lm-eval's: empty parameters are left to the checker.
    checker.build_description(**{key: value for key, value in kwargs.items() if value})
    arguments = checker.get_instruction_args()
    if arguments and "prompt" in arguments:
        checker.build_description(prompt=gold.input)
    return any(text.strip() and checker.check_following(text) for text in texts)


@cache
def _registry() -> dict[str, Any]:
    # Its import downloads nltk's data, with prints, on rank 0 only.
    rank = os.environ.get("LOCAL_RANK")
    os.environ["LOCAL_RANK"] = rank or "1"
    try:
        import langdetect
        from lm_eval.tasks.ifeval.instructions_registry import INSTRUCTION_DICT
    finally:
        if rank is None:
            del os.environ["LOCAL_RANK"]
    langdetect.DetectorFactory.seed = 0  # else the same answer gets different languages
    return dict(INSTRUCTION_DICT)


def _version() -> str:
    try:
        return version("lm_eval")
    except PackageNotFoundError:
        return "unknown"
