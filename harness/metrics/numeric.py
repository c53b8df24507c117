"""Is the number right? Exact arithmetic, whatever the way in which it is written."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from harness.metrics.base import BINARY, FindingMetric, Metric, Setting
from harness.metrics.marks import GSM8K_MARK, after_mark, after_phrase, last_boxed
from harness.metrics.numbers import Number, find_numbers
from harness.types import Completion, GoldRecord, Measurement

Find = Literal["last", "marked", "auto", "whole"]
Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def numeric_match(
    setting: Setting, *, find: Find = "last", tolerance: Tolerance = 0.0, relative: Tolerance = 0.0
) -> Metric:
    r"""Return the share of answers whose number equals a reference's, in [0, 1] (Cobbe et al. 2021).

    A number is read in every usual way of writing (see `find_numbers`); an answer without one
    counts as wrong and is reported as "no answer found". Units are not compared. A percentage
    equals its value and its bare number: 50% is 0.5, and 50 where the reference says 50 or 50%.

    Args:
        setting: Not used: numbers are read in both languages.
        find: Which number of the answer counts: the "last" one (GSM8K's flexible rule); the one
            "marked" by "####", \boxed{} or "the answer is" (the strict rule, widened); "auto",
            the marked one, else the last; or the "whole" answer, which must be one number.
        tolerance: Largest difference that still counts as equal.
        relative: The same as a share of the reference, such as 0.01; the larger of both holds.
    """
    del setting
    allowed = Fraction(tolerance), Fraction(relative)

    def judge(gold: GoldRecord, completion: Completion) -> Measurement | None:
        wanted = [number for ref in gold.references if (number := reference_number(ref))]
        if not wanted:
            return None
        found = answer_number(completion.text, find)
        if found is None:
            return Measurement(stats=(0.0, 1.0), is_extracted=False)
        is_right = any(_is_equal(found, reference, *allowed) for reference in wanted)
        return Measurement(stats=(float(is_right), 1.0))

    return FindingMetric(
        name="numeric_match",
        signature=f"numeric_match@1|find:{find}|abs:{tolerance:g}|rel:{relative:g}|refs:any",
        judge=judge,
        scale=BINARY,
    )


def answer_number(text: str, find: Find) -> Number | None:
    """Return the number that an answer gives, or None."""
    if find == "whole":
        numbers = find_numbers(text)
        return numbers[0] if len(numbers) == 1 else None
    if find in ("marked", "auto"):
        found = marked_number(text)
        if found is not None or find == "marked":
            return found
    return next(reversed(find_numbers(text)), None)


def reference_number(text: str) -> Number | None:
    r"""Return a reference's number: after "####", in \boxed{}, or the last one."""
    return marked_number(text) or next(reversed(find_numbers(text)), None)


def marked_number(text: str) -> Number | None:
    r"""Return the number in \boxed{}, after "####" or after "the answer is", in this order."""
    for place in (last_boxed(text), after_mark(text, GSM8K_MARK), after_phrase(text)):
        numbers = find_numbers(place) if place else ()
        if numbers:
            return numbers[0]
    return None


def _is_equal(found: Number, wanted: Number, tolerance: Fraction, relative: Fraction) -> bool:
    pairs = [(found.value, wanted.value)]
    if wanted.bare == wanted.value:
        pairs.append((found.bare, wanted.value))  # the reference counts in percent or millions
    if wanted.is_percent and found.bare == found.value:
        pairs.append((found.value, wanted.bare))
    return any(abs(a - b) <= max(tolerance, relative * abs(b)) for a, b in pairs)
