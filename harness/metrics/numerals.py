"""Read Chinese numerals: 一千二百三十四, 三点一四, 两万五, 三分之一, 百分之十, 一半, 两个半."""

from __future__ import annotations

import re
from fractions import Fraction

DIGITS = {
    "零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7,
    "八": 8, "九": 9, "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5, "陆": 6, "柒": 7, "捌": 8,
    "玖": 9, "兩": 2, "貳": 2, "參": 3, "陸": 6,
}  # fmt: skip
SMALL_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
LARGE_UNITS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
TENS = {"廿": 20, "卅": 30}
LONGEST = 60
"""Characters of a numeral that are read at most."""

_INTEGER = f"[{''.join((*DIGITS, *SMALL_UNITS, *LARGE_UNITS, *TENS))}]+"
_AMOUNT = f"{_INTEGER}(?:点[{''.join(DIGITS)}]+[{''.join(LARGE_UNITS)}]?)?"
NUMERAL = re.compile(
    rf"(?P<only_half>一?半)|(?P<sign>[负負])?(?:(?P<whole>{_INTEGER})又)?"
    rf"(?:(?P<below>{_INTEGER})分之(?P<above>{_AMOUNT})|(?P<amount>{_AMOUNT}))"
    r"(?P<half>[个個]?半)?"
)
"""A numeral in running text; `numeral_value` reads a match."""
_HUNDREDTHS = {"百": 100, "千": 1000, "万": 10_000}


def numeral_value(match: re.Match[str]) -> tuple[Fraction, bool] | None:
    """Return a match's value, and whether it is a percentage; None when it makes no sense."""
    if len(match[0]) > LONGEST:
        return None
    if match["only_half"]:
        return Fraction(1, 2), False
    value, is_percent = _unsigned(match)
    if value is None:
        return None
    if match["half"]:
        value += Fraction(_unit_of(match), 2)
    return (-value if match["sign"] else value), is_percent


def integer_value(text: str) -> int | None:
    """Return the value of a whole numeral, or None where its parts do not fit.

    Three ways of writing are read: with units (一千二百), with the last unit left out (一万二,
    三百五) and digit by digit (二〇二四).
    """
    if all(char in DIGITS for char in text):
        digits = "".join(str(DIGITS[char]) for char in text)
        # 三五 means "three to five"; 二〇二四 and 一二三 are read out digit by digit.
        return None if len(text) == 2 and "0" not in digits else int(digits)
    total = section = 0
    digit: int | None = None
    last_unit = 1
    has_gap = False
    for char in text:
        if char in DIGITS:
            if digit:
                return None
            digit, has_gap = DIGITS[char], has_gap or DIGITS[char] == 0
            continue
        if char in TENS:
            section, last_unit = section + TENS[char], 10
        elif char in SMALL_UNITS:
            last_unit, has_gap = SMALL_UNITS[char], False
            if not digit and last_unit != 10:
                return None
            section += (digit or 1) * last_unit  # 十二 and 一百零十二: the 一 may be missing
        else:
            last_unit, has_gap = LARGE_UNITS[char], False
            section += digit or 0
            if not total + section:
                return None
            # 一万亿: a larger unit takes all before it; 三亿五千万: a smaller one its own section.
            is_larger = total < last_unit
            total = (total + section) * last_unit if is_larger else total + section * last_unit
            section = 0
        digit = None
    # 一万二 is 12,000 and 一百五 is 150, but 一万零二 is 10,002 and 二十五 is 25.
    left_out = last_unit // 10 if last_unit > 10 and not has_gap else 1
    return total + section + (digit or 0) * left_out


def _unsigned(match: re.Match[str]) -> tuple[Fraction | None, bool]:
    if match["amount"]:
        return _amount(match["amount"]), False
    above = _amount(match["above"])
    below = _HUNDREDTHS.get(match["below"]) or integer_value(match["below"])
    if above is None or not below:
        return None, False
    value = Fraction(above) / below
    if match["whole"]:
        value += integer_value(match["whole"]) or 0
    return value, match["below"] in ("百", "一百") and not match["whole"]


def _amount(text: str) -> Fraction | None:
    whole, point, decimals = text.partition("点")
    value = integer_value(whole)
    if value is None or not point:
        return None if value is None else Fraction(value)
    scale = LARGE_UNITS.get(decimals[-1], 1)
    digits = "".join(str(DIGITS[char]) for char in decimals if char in DIGITS)
    return (value + Fraction(int(digits), 10 ** len(digits))) * scale


def _unit_of(match: re.Match[str]) -> int:
    """Return what 半 is the half of: 两个半 is 2.5, 两万半 is 25,000."""
    if not match["amount"] or match["half"] != "半":
        return 1
    return {**SMALL_UNITS, **LARGE_UNITS}.get(match["amount"][-1], 1)
