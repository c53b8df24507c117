"""Point at what looks like personal data; nothing is changed or removed.

Numbers count only when their check digits, ranges and dates are right, so that doses, order
numbers and years stay quiet. Names and addresses are not looked for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from phonenumbers import Leniency, PhoneNumberMatcher

Kind = Literal["email", "phone", "iban", "card", "cn_bank_card", "us_ssn", "cn_id", "ip"]
"""In the order of this list the first wins where two kinds claim the same characters."""

PHONE_REGIONS = ("CN", "US", "GB")
"""Where a number without a country code is taken to be; others need their +code."""
IBAN_LENGTH: Mapping[str, int] = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24,
    "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24,
    "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
"""Characters of an IBAN by country (SWIFT's IBAN registry)."""

_WIDE = str.maketrans(
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | {0x3000: " ", 0x2010: "-", 0x2011: "-"}
)
"""Full-width to half-width, one character for one, so that positions stay."""
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
_CN_ID = re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])")
_CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-]|\.\d)")
_SSN = re.compile(r"(?<![\d-])(\d{3})[- ](\d{2})[- ](\d{4})(?![\d-])")
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![0-9A-Za-z])")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_IPV6 = re.compile(r"(?<![A-Za-z0-9_:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![A-Za-z0-9_:])")
_NUMBERED = re.compile(r"(?:\bEC|\bversion|\bver\.?|\bv|§|\bsection|版本|第)\s*$", re.IGNORECASE)
_DIGITS = re.compile(r"\d(?:\D{0,3}\d){6}")
_NO_PHONE = re.compile(r"(?:19|20)\d\d(?:[-./]\d{1,2}){2}|\d+\.\d+(?![\d.-])|[\d\s./-]+:\d")
"""Dates, decimal numbers and times of day, which can be valid numbers of some region."""
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PROVINCES = frozenset(
    map(
        int,
        [
            "11",
            "12",
            "13",
            "14",
            "15",
            "21",
            "22",
            "23",
            "31",
            "32",
            "33",
            "34",
            "35",
            "36",
            "37",
            "41",
            "42",
            "43",
            "44",
            "45",
            "46",
            "50",
            "51",
            "52",
            "53",
            "54",
            "61",
            "62",
            "63",
            "64",
            "65",
            "71",
            "81",
            "82",
            "83",
        ],
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """A stretch of a text that looks like personal data."""

    kind: Kind
    start: int
    end: int
    """Characters of the text, end not included."""


def personal_data(text: str) -> list[Personal]:
    """Return what looks like personal data, in the order of the text."""
    plain = text.translate(_WIDE)
    taken = _apart(_by_check_digits(plain))
    for found in taken:  # an X of an identity number reads like an extension to what follows
        plain = plain[: found.start] + ";" * (found.end - found.start) + plain[found.end :]
    return sorted(_apart([*taken, *_phones(plain)]), key=lambda found: found.start)


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    doubled = [2 * int(digit) for digit in digits[-2::-2]]
    kept = sum(int(digit) for digit in digits[-1::-2])
    return (kept + sum(value - 9 * (value > 9) for value in doubled)) % 10 == 0


def is_chinese_id(number: str) -> bool:
    """Tell whether 18 characters are a resident identity number.

    Region, birth date and the check character by ISO 7064 MOD 11-2 (GB 11643-1999).
    """
    if int(number[:2]) not in _PROVINCES:
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    if not 1850 <= born.year <= 2100:
        return False
    total = sum(w * int(digit) for w, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
    return "10X98765432"[total % 11] == number[17].upper()


def is_iban(text: str) -> bool:
    """Tell whether letters and digits without spaces are an IBAN (ISO 13616: length, mod 97)."""
    if IBAN_LENGTH.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def _by_check_digits(text: str) -> Iterator[Personal]:
    yield from _spans("email", _EMAIL.finditer(text))
    yield from _spans("cn_id", (m for m in _CN_ID.finditer(text) if is_chinese_id(m[0])))
    yield from _ibans(text)
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        kind = _card_kind(digits)
        if kind is not None and luhn(digits):
            yield Personal(kind=kind, start=match.start(), end=match.end())
    yield from _spans("us_ssn", (m for m in _SSN.finditer(text) if _is_ssn(*m.groups())))
    yield from _spans("ip", (m for m in _IPV4.finditer(text) if _is_ipv4(m)))
    yield from _spans("ip", (m for m in _IPV6.finditer(text) if _is_address(m[0])))


def _phones(text: str) -> Iterator[Personal]:
    if _DIGITS.search(text):
        for region in PHONE_REGIONS:
            for number in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
                if not _NO_PHONE.match(text, number.start) and not _is_range(number.raw_string):
                    yield Personal(kind="phone", start=number.start, end=number.end)


def _is_range(text: str) -> bool:
    """Tell years, counts and months "from – to" from a number in groups."""
    ends = [end.strip() for end in re.split(r"[-–—~]", text)]
    if len(ends) != 2 or text.startswith(("+", "(", "0")):
        return "/" in text and not text.startswith("+")
    is_decimal = all(re.fullmatch(r"\d+\.\d+", end) for end in ends)
    return is_decimal or len(ends[0]) == len(ends[1]) or "/" in text


def _apart(found: Iterable[Personal]) -> list[Personal]:
    """Drop what overlaps something earlier."""
    taken: list[Personal] = []
    for one in found:
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
    return taken


def _spans(kind: Kind, matches: Iterator[re.Match[str]]) -> Iterator[Personal]:
    return (Personal(kind=kind, start=match.start(), end=match.end()) for match in matches)


def _ibans(text: str) -> Iterator[Personal]:
    """Cut each candidate to its country's length: capitals that follow are not part of it."""
    for match in _IBAN.finditer(text):
        wanted = IBAN_LENGTH.get(match[0][:2], 0)
        seen = 0
        for offset, char in enumerate(match[0]):
            seen += char != " "
            if seen == wanted:
                if is_iban(match[0][: offset + 1].replace(" ", "")):
                    end = match.start() + offset + 1
                    yield Personal(kind="iban", start=match.start(), end=end)
                break


def _card_kind(digits: str) -> Kind | None:
    """Return the kind of card by issuer and length: UnionPay 62 is how Chinese banks number."""
    if digits.startswith("62") and 16 <= len(digits) <= 19:
        return "cn_bank_card"
    if digits[0] == "4" and len(digits) in {13, 16, 19}:
        return "card"
    if len(digits) == 15 and digits[:2] in {"34", "37"}:
        return "card"
    if len(digits) == 14 and digits[:2] in {"30", "36", "38"}:
        return "card"
    head = int(digits[:4])
    is_mastercard = 5100 <= head <= 5599 or 2221 <= head <= 2720
    is_other = digits[:2] in {"35", "65"} or digits[:4] == "6011"
    return "card" if len(digits) == 16 and (is_mastercard or is_other) else None


def _is_ssn(area: str, group: str, serial: str) -> bool:
    """Tell by the ranges that are never issued (SSA, since 2011)."""
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def _is_ipv4(match: re.Match[str]) -> bool:
    """Tell an address from the number of an enzyme, a version or a section."""
    before = match.string[max(match.start() - 10, 0) : match.start()]
    return _NUMBERED.search(before) is None and _is_address(match[0])


def _is_address(text: str) -> bool:
    if ":" in text and sum(map(bool, text.split(":"))) < 3:  # "a::b" is more often code
        return False
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)
