"""Find the numbers in a text, exactly: 1,234.5, −$3, ¾, 1 1/2, 3×10⁸, ５０％, 1.2亿, 三分之一."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from harness.metrics.numerals import NUMERAL, numeral_value

MOST_DIGITS = 400
"""Digits or powers of ten of a number; a longer run of digits is no number."""
HIGHEST_POWER = 64
"""Of a power written out, as in 2^10."""
SCALES = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "百": 10**2, "千": 10**3, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8,
    "万亿": 10**12, "千万": 10**7, "百万": 10**6,
}  # fmt: skip
CURRENCIES = frozenset({"usd", "us", "eur", "gbp", "cny", "rmb", "hk", "hkd", "jpy", "inr", "rs"})
"""Letters that may stand right before a number; others make it part of a name, as in B12."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_GROUP_SPACE = re.compile("(?<=[0-9])[\u00a0\u2009\u202f'’](?=[0-9]{3}(?![0-9]))")
_REWRITES = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"(?<=[0-9])(?:\{,\}|,\\!|\\[,!;:])(?=[0-9])"), ","),
    (re.compile(r"\\(?:times|cdot)(?![A-Za-z])"), "×"),
    (re.compile(r"\\(?=[$%])"), ""),
    (re.compile(r"百分之\s*(-?[0-9]+(?:\.[0-9]+)?)"), r"\1%"),
    (re.compile(r"(?<![0-9])([0-9]++)分之([0-9]+)"), r"\2/\1"),
)

_GROUPED = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?![0-9])"
_DECIMAL = rf"(?:(?:{_GROUPED}|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)"
_SCALE = "|".join(
    f"{word}(?![克米瓦卡焦赫帕伏分])" for word in sorted(SCALES, key=len, reverse=True)
)
NUMBER = re.compile(
    rf"""
    (?P<sign>[-+](?=[$€£¥₹.0-9]))? (?P<currency>[$€£¥₹]\ ?)? (?P<inner_sign>-(?=[.0-9]))?
    (?: (?P<whole>[0-9]+)\ +(?=[0-9]+/[0-9]) )?
    (?P<top>{_DECIMAL})
    (?: /(?P<bottom>{_DECIMAL})(?![0-9/]) )?
    (?: [eE](?P<exponent>[-+]?[0-9]+)(?![0-9a-zA-Z])
      | \ ?[×x*]\ ?10\ ?\^\ ?\{{?(?P<power>[-+]?[0-9]+)\}}?
      | \^\{{?(?P<raised>[-+]?[0-9]+)\}}? )?
    (?: \ ?(?P<percent>%|percent\b|per\ cent\b) | \ ?(?P<permille>‰)
      | \ ?(?P<scale>{_SCALE})(?![a-rt-z]) )?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAME_BEFORE = re.compile(r"[A-Za-z]-$|_$|[0-9][./]?$|\^\{?[-+]?$")
_LETTERS_BEFORE = re.compile(r"([A-Za-z]+)$")
_WORD_BEFORE = re.compile(r"[是为：:=于共有得要需剩余花达到了]\s*$")
_COUNTING_BEFORE = re.compile(r"[=共需要剩花了]\s*$")
_ORDINAL_BEFORE = re.compile(r"(?:第|星期|周|礼拜|万|统|唯|逐|初)$")
_MEASURE_WORD = re.compile(
    r"\s*(?:[个個元块角分天日年月周岁次只條条张本支颗粒片名位人件辆米里斤克吨升度秒页份台层间家种倍套双对棵头匹步组排瓶盒箱包袋杯碗]"
    r"|小时|分钟|公里|公斤|千克|毫克|毫升|厘米|平方|立方|美元|人民币|块钱)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number in a text."""

    value: Fraction
    """What it means: 50% is 1/2, 3万 is 30,000."""
    bare: Fraction
    """Without its percent sign or scale word: 50, 3."""
    is_percent: bool
    start: int
    end: int
    """Where it stands in `plain(text)`."""

    @property
    def written(self) -> str:
        """Plain digits, or p/q where the decimals do not end; a percentage without its sign."""
        return _written(self.bare if self.is_percent else self.value)


def plain(text: str) -> str:
    """Return a text with one way of writing for what numbers consist of.

    Full-width digits and signs, LaTeX fractions and thousands marks, superscripts (as ^n) and
    Unicode minus become ASCII; numbered circles such as ① are no numbers and become spaces.
    """
    text = _GROUP_SPACE.sub(",", text)
    text = _SUPERSCRIPT.sub(lambda m: "^" + m[0].translate(_SUPERSCRIPTS), text)
    text = text if text.isascii() else text.translate(_PLAIN)
    for pattern, new in _REWRITES:
        text = pattern.sub(new, text)
    return text


def find_numbers(text: str) -> tuple[Number, ...]:
    """Return the numbers of a text, in order.

    Chinese numerals count where they are surely meant as numbers: of two characters and more
    with a unit in them (三十), or before a measure word (三个; 一个 is mostly an article and does not
    count), or after a word such as 是 or 共. They all count when the text is nothing else.
    """
    text = plain(text)
    digits = list(_digit_numbers(text))
    covered = [(number.start, number.end) for number in digits]
    chinese = [
        number
        for number in _chinese_numbers(text)
        if not any(start < number.end and number.start < end for start, end in covered)
    ]
    return tuple(sorted((*digits, *chinese), key=lambda number: number.start))


def _digit_numbers(text: str) -> Iterator[Number]:
    last: Number | None = None
    for match in NUMBER.finditer(text):
        is_signed = match["sign"] is not None and not _is_joined(text, match)
        begin = match.start() if is_signed or not match["sign"] else match.start() + 1
        number = _number(match, is_negative=is_signed and match["sign"] == "-")
        is_named = match["currency"] is None and _is_part_of_a_name(text, begin)
        if number is None or is_named or _is_minutes(text, match):
            continue
        if last is not None and _continues(last, number):
            number = _sum(last, number)
        elif last is not None:
            yield last
        last = number
    if last is not None:
        yield last


def _is_joined(text: str, match: re.Match[str]) -> bool:
    """Whether the sign links two things, as in 3-5 or COVID-19, and is no minus."""
    before = text[: match.start()][-1:]
    return before.isalnum() or before in tuple(")]}%-")


def _is_part_of_a_name(text: str, begin: int) -> bool:
    before = text[max(0, begin - 12) : begin]
    letters = _LETTERS_BEFORE.search(before)
    if letters is not None:
        return letters[1].lower() not in CURRENCIES
    return _NAME_BEFORE.search(before) is not None


def _is_minutes(text: str, match: re.Match[str]) -> bool:
    """Whether it is the 30 of 3:30."""
    before = text[max(0, match.start() - 3) : match.start()]
    return len(match["top"]) == 2 and re.search(r"(?<![0-9])[0-9]{1,2}:$", before) is not None


def _continues(last: Number, number: Number) -> bool:
    """Whether two numbers are one, as in 3万5千 and 1亿2000万."""
    scale = last.value / last.bare if last.bare > 0 else 0
    return (
        last.end == number.start and scale >= 10**4 and scale > number.value >= Fraction(scale, 10)
    )


def _sum(first: Number, second: Number) -> Number:
    value = first.value + second.value
    return Number(
        value=value, bare=value, is_percent=second.is_percent, start=first.start, end=second.end
    )


def _number(match: re.Match[str], *, is_negative: bool) -> Number | None:
    bare = _bare_value(match)
    if bare is None:
        return None
    if match["inner_sign"] or is_negative:
        bare = -bare
    value, is_percent = bare, match["percent"] is not None
    if is_percent or match["permille"]:
        value = bare / (100 if is_percent else 1000)
    elif match["scale"]:
        value = bare * SCALES[match["scale"].lower()]
    return Number(
        value=value, bare=bare, is_percent=is_percent, start=match.start(), end=match.end()
    )


def _bare_value(match: re.Match[str]) -> Fraction | None:
    """Return what the digits say, without sign, percent or scale; None when it is too large."""
    if len(match[0]) > MOST_DIGITS:
        return None
    power, raised = int(match["exponent"] or match["power"] or 0), int(match["raised"] or 1)
    if abs(power) > MOST_DIGITS or abs(raised) > HIGHEST_POWER:
        return None
    bare = _fraction(match["top"])
    if raised != 1:
        if not bare:
            return None
        bare **= raised
    if match["bottom"]:
        bottom = _fraction(match["bottom"])
        if not bottom:
            return None
        bare /= bottom
    if match["whole"]:
        bare += int(match["whole"])
    return bare * Fraction(10) ** power if power else bare


def _fraction(text: str) -> Fraction:
    plain_digits = text.replace(",", "")
    return Fraction(int(plain_digits)) if plain_digits.isdigit() else Fraction(plain_digits)


def _chinese_numbers(text: str) -> Iterator[Number]:
    is_all = NUMERAL.fullmatch(text.strip(" \n。.，,！!：:答元个")) is not None
    for match in NUMERAL.finditer(text):
        read = numeral_value(match)
        if read is None or not (is_all or _is_meant(text, match)):
            continue
        value, is_percent = read
        yield Number(
            value=value,
            bare=value * 100 if is_percent else value,
            is_percent=is_percent,
            start=match.start(),
            end=match.end(),
        )


def _is_meant(text: str, match: re.Match[str]) -> bool:
    before, after = text[max(0, match.start() - 3) : match.start()], text[match.end() :][:3]
    if _ORDINAL_BEFORE.search(before):
        return False
    if len(match[0]) > 1:
        return True
    if match[0] == "十" and after.startswith("分") and not after.startswith("分钟"):
        return False  # an adverb: very
    if _WORD_BEFORE.search(before) and not after[:1].isalpha():
        return True
    is_counting = match[0] != "一" or _COUNTING_BEFORE.search(before) is not None
    return is_counting and _MEASURE_WORD.match(after) is not None


class _PlainCharacters(dict[int, str]):
    """A table for `str.translate` that is filled as characters are met."""

    def __missing__(self, code: int) -> str:
        """Return what a character becomes."""
        self[code] = _plain_character(chr(code))
        return self[code]


def _plain_character(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if unicodedata.category(char) == "No" and "FRACTION" not in unicodedata.name(char, ""):
        return " "
    normal = unicodedata.normalize("NFKC", char).translate(_MARKS)
    # ½ is written 1/2; after a digit it is the fraction of a mixed number.
    return f" {normal}" if "FRACTION" in unicodedata.name(char, "") else normal


_MARKS = str.maketrans({"−": "-", "–": "-", "\u2044": "/"})
_PLAIN = _PlainCharacters()


def _written(value: Fraction) -> str:
    denominator = value.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    if denominator > 1:
        return f"{value.numerator}/{value.denominator}"
    places = 0
    while (value * 10**places).denominator > 1:
        places += 1
    whole = str(abs((value * 10**places).numerator)).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{whole[:-places]}.{whole[-places:]}" if places else whole)
