"""Numbers from the standards themselves or test numbers that issuers publish; no real person's."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.goldset.pii import is_chinese_id, is_iban, luhn, personal_data

PERSONAL: dict[str, tuple[str, str]] = {
    "e-mail": ("Write to jo.bloggs+x@mail.example.co.uk.", "email:jo.bloggs+x@mail.example.co.uk"),
    "e-mail in Chinese": ("邮箱lin@example.cn，谢谢", "email:lin@example.cn"),
    "Chinese mobile": ("电话13812345678，微信同号", "phone:13812345678"),
    "Chinese mobile, full width": ("电话１３８１２３４５６７８", "phone:１３８１２３４５６７８"),
    "Chinese landline": ("请拨010-62782051咨询", "phone:010-62782051"),
    "American number": ("call (415) 555-2671 now", "phone:(415) 555-2671"),
    "British number": ("ring +44 20 7946 0958", "phone:+44 20 7946 0958"),
    # GB 11643-1999's own example.
    "Chinese identity number": ("身份证11010519491231002X。", "cn_id:11010519491231002X"),
    # SWIFT's IBAN registry.
    "IBAN": ("Pay to GB29 NWBK 6016 1331 9268 19 today", "iban:GB29 NWBK 6016 1331 9268 19"),
    "German IBAN": ("DE89370400440532013000", "iban:DE89370400440532013000"),
    # Test numbers of the card networks.
    "Visa": ("card 4111 1111 1111 1111", "card:4111 1111 1111 1111"),
    "Mastercard": ("5555-5555-5555-4444", "card:5555-5555-5555-4444"),
    "American Express": ("378282246310005", "card:378282246310005"),
    "UnionPay": ("卡号6200000000000005", "cn_bank_card:6200000000000005"),
    "UnionPay, 19 digits": ("6222021234567890128", "cn_bank_card:6222021234567890128"),
    # Never a person's: printed on a sample card in 1938 and void since.
    "US social security number": ("SSN 078-05-1120", "us_ssn:078-05-1120"),
    "IPv4": ("from 203.0.113.7.", "ip:203.0.113.7"),
    "IPv6": ("from 2001:db8:1::7 today", "ip:2001:db8:1::7"),
}  # fmt: skip

HARMLESS = (
    "Paracetamol 500 mg 3 times daily, at most 4000 mg in 24 hours.",
    "2024-05-06 12:30:45", "2021-09-2312:44:34 来源", "2019.07.1517:59",
    "订单号 202405061230456789", "tracking 1234567890123456", "ISBN 978-3-16-148410-0",
    "4111 1111 1111 1112", "身份证110105194912310021", "11010519491331002X",
    "GB29 NWBK 6016 1331 9268 18", "000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567",
    "version 1.2.3", "999.1.1.1", "127.0.0.1", "std::vector a::b", "10:30:00",
    "Europe 1600–1800", "29000-24000年", "from 01/2000 - 12/2006", "35.6-36.7/1000 children",
    "methylesterase (EC 3.1.1.11)", "version 10.2.3.4",
    "涉案金额4434.375243万元", "3.14159265358979", "user@", "@home", "ratio 1:2:3",
    "PMID 12345678", "一二三四五六七八",
)  # fmt: skip


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_data_is_found_where_it_stands(name: str) -> None:
    text, wanted = PERSONAL[name]

    assert [f"{p.kind}:{text[p.start : p.end]}" for p in personal_data(text)] == [wanted]


@pytest.mark.parametrize("text", HARMLESS)
def test_other_numbers_stay_quiet(text: str) -> None:
    assert personal_data(text) == []


def test_several_are_found_in_order_and_none_twice() -> None:
    text = "a@b.example, 11010519491231002X, 13812345678"

    assert [found.kind for found in personal_data(text)] == ["email", "cn_id", "phone"]


@given(st.text(alphabet="0123456789", min_size=2, max_size=18))
def test_luhn_knows_its_check_digit_alone(body: str) -> None:
    assert [luhn(body + digit) for digit in "0123456789"].count(True) == 1


@given(st.text(alphabet="0123456789", min_size=12, max_size=18), st.integers(0, 11))
def test_luhn_sees_every_single_wrong_digit(body: str, place: int) -> None:
    right = next(body + digit for digit in "0123456789" if luhn(body + digit))
    wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]

    assert not luhn(wrong)


@given(st.integers(0, 999))
def test_a_chinese_identity_number_has_one_check_character(serial: int) -> None:
    body = f"11010519491231{serial:03d}"

    assert [is_chinese_id(body + check) for check in "0123456789X"].count(True) == 1


def test_an_iban_has_its_country_s_length() -> None:
    assert is_iban("BE68539007547034")
    assert not is_iban("BE685390075470340")
    assert not is_iban("ZZ68539007547034")


@given(st.text(max_size=60))
def test_stretches_lie_in_the_text_and_do_not_overlap(text: str) -> None:
    found = personal_data(text)

    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
