"""Numbers in texts, in Arabic digits and Chinese numerals."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.numbers import find_numbers
from harness.metrics.numerals import NUMERAL, integer_value, numeral_value

READ = [
    ("#### 1,234", ["1234"]),
    ("$18.00 a day.", ["18"]),
    ("−$3.50", ["-3.5"]),
    ("$-3", ["-3"]),
    ("x=-9", ["-9"]),
    ("+7", ["7"]),
    ("16-3-4=9", ["16", "3", "4", "9"]),
    ("3-5", ["3", "5"]),
    ("3–5", ["3", "5"]),
    ("1, 2,3", ["1", "2", "3"]),
    ("12,34,567", ["1234567"]),
    ("1'000", ["1000"]),
    ("1\u202f000\u202f000", ["1000000"]),
    ("1{,}234", ["1234"]),
    ("1 1/2 cups", ["1.5"]),
    ("1/3", ["1/3"]),
    ("¾", ["0.75"]),
    ("2½", ["2.5"]),
    (r"\frac{3}{4}", ["0.75"]),
    (r"\dfrac{10}{4}", ["2.5"]),
    ("3×10⁸ m/s", ["300000000"]),
    (r"3 \times 10^{-2}", ["0.03"]),
    ("1e5", ["100000"]),
    ("2^10", ["1024"]),
    ("5 m²", ["5"]),
    ("1.5 million", ["1500000"]),
    ("2 billion people", ["2000000000"]),
    ("3 thousandths", ["3"]),
    (".5", ["0.5"]),
    ("100.", ["100"]),
    ("3rd", ["3"]),
    ("5kg", ["5"]),
    ("US$5, RMB20, ￥30", ["5", "20", "30"]),
    ("vitamin B12 and COVID-19", []),
    ("at 3:30", ["3"]),
    ("Week 3:210 pages", ["3", "210"]),
    ("1/0", []),
    ("①5 ②7", ["5", "7"]),
    ("９，８７６．５", ["9876.5"]),
    ("٣٤", ["34"]),
    ("1.2亿元", ["120000000"]),
    ("3万5千元", ["35000"]),
    ("1亿2000万", ["120000000"]),
    ("3千克", ["3"]),
    ("4分之3", ["0.75"]),
    ("一百二十三元", ["123"]),
    ("三分之一", ["1/3"]),
    ("两个半小时", ["2.5"]),
    ("一半", ["0.5"]),
    ("半小时", ["0.5"]),
    ("负三", ["-3"]),
    ("小明一共有三个苹果", ["3"]),
    ("一共有18个苹果，一起吃", ["18"]),
    ("答案是一。", ["1"]),
    ("一", ["1"]),
    ("需要一天", ["1"]),
    ("十分钟", ["10"]),
    ("十分好", []),
    ("这是一个好问题", []),
    ("第三个，星期三", []),
    ("千万不要，万一", []),
    ("", []),
    ("9" * 500, []),
    ("1e999999999", []),
    ("2^99999999", []),
]


@pytest.mark.parametrize(("text", "numbers"), READ)
def test_numbers_are_read(text: str, numbers: list[str]) -> None:
    assert [number.written for number in find_numbers(text)] == numbers


@pytest.mark.parametrize(
    ("text", "value", "bare"),
    [
        ("50%", Fraction(1, 2), 50),
        ("５０％", Fraction(1, 2), 50),
        ("12.5 percent", Fraction(1, 8), Fraction(25, 2)),
        (r"5\%", Fraction(1, 20), 5),
        ("百分之五十", Fraction(1, 2), 50),
        ("百分之50", Fraction(1, 2), 50),
        ("5‰", Fraction(1, 200), 5),
        ("3万", Fraction(30000), 3),
    ],
)
def test_a_number_has_its_value_and_its_bare_digits(
    text: str, value: Fraction, bare: Fraction
) -> None:
    (number,) = find_numbers(text)

    assert (number.value, number.bare) == (value, bare)


@given(value=st.integers(-(10**15), 10**15))
def test_every_way_of_writing_an_integer_is_read(value: int) -> None:
    for text in (f"{value}", f"{value:,}", f"so {value}.", f"${value:,}", f"{value}.0"):
        assert [number.value for number in find_numbers(text)] == [value]


@given(value=st.decimals(-(10**6), 10**6, places=3))
def test_decimals_are_read_exactly_and_written_back(value: object) -> None:
    (number,) = find_numbers(f"It is {value}")

    assert number.value == Fraction(str(value))
    assert Fraction(number.written) == number.value


@given(text=st.text(alphabet=st.sampled_from("0123456789,.-+/^eE%$ ×一二十百千万亿分之半点负又个兆"), max_size=40))  # fmt: skip
def test_no_jumble_of_digits_breaks_the_reader(text: str) -> None:
    for number in find_numbers(text):
        assert 0 <= number.start < number.end
        assert number.written


# What cn2an 0.5.24 writes for these numbers (`an2cn`, modes "low" and "up"); 200,000 random
# integers below 10^13 were read back without a difference.
CN2AN = {
    "零": 0, "十": 10, "十二": 12, "二十": 20, "一百零一": 101, "一百一十": 110, "一千零一十": 1010,
    "一万零一百": 10100, "十二万三千四百五十六": 123456, "一千万零三": 10000003,
    "九千零七亿一千九百二十五万四千七百四十": 900719254740, "三万亿零五十": 3000000000050,
    "壹佰贰拾叁": 123, "壹万贰仟零叁拾": 12030, "玖亿零伍佰": 900000500,
}  # fmt: skip
SPOKEN = {
    "两百": 200, "一百五": 150, "一万二": 12000, "一万零二": 10002, "三千六": 3600, "廿三": 23, "二〇二四": 2024,
    "一九四九": 1949, "三亿五千万": 350000000, "一百零十二": 112, "萬": None, "百": None, "三五": None, "一二百": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), {**CN2AN, **SPOKEN}.items())
def test_a_chinese_numeral_is_read(text: str, value: int | None) -> None:
    assert integer_value(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三点一四", Fraction(157, 50)),
        ("一点五亿", Fraction(150000000)),
        ("零点零五", Fraction(1, 20)),
        ("二又三分之一", Fraction(7, 3)),
        ("千分之三", Fraction(3, 1000)),
        ("万分之一", Fraction(1, 10000)),
        ("两万半", Fraction(25000)),
        ("三个半", Fraction(7, 2)),
        ("负二分之一", Fraction(-1, 2)),
    ],
)
def test_chinese_decimals_and_fractions_are_exact(text: str, value: Fraction) -> None:
    match = NUMERAL.fullmatch(text)

    assert match is not None
    read = numeral_value(match)
    assert read is not None
    assert read[0] == value


def chinese(number: int) -> str:
    """Write a number below ten thousand in the standard way."""
    digits, units = "零一二三四五六七八九", ("千", "百", "十", "")
    text = ""
    for digit, unit in zip(f"{number:04d}", units, strict=True):
        text += digits[int(digit)] + unit if digit != "0" else "零"
    while "零零" in text:
        text = text.replace("零零", "零")
    return text.strip("零") or "零"


@given(high=st.integers(0, 9999), middle=st.integers(1000, 9999), low=st.integers(1000, 9999))
def test_numerals_with_large_units_are_read(high: int, middle: int, low: int) -> None:
    assert integer_value(chinese(low)) == low
    assert integer_value(f"{chinese(middle)}万{chinese(low)}") == middle * 10**4 + low
    if high:
        text = f"{chinese(high)}亿{chinese(middle)}万{chinese(low)}"
        assert integer_value(text) == high * 10**8 + middle * 10**4 + low


LONG = ("9" * 20_000, "2^" + "9" * 5000, "1e" + "9" * 5000, "1," * 20_000, "一" * 20_000, "-" * 20_000)  # fmt: skip


@pytest.mark.parametrize("text", LONG, ids=[text[:4] for text in LONG])
def test_a_runaway_answer_is_read_to_its_end(text: str) -> None:
    assert [number.written for number in find_numbers(f"{text}; 7")][-1] == "7"
