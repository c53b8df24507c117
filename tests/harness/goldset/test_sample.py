from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.goldset.logs import Request
from harness.goldset.sample import Allocation, allot, draw_sample

NOUNS = [
    "table",
    "window",
    "garden",
    "river",
    "candle",
    "mirror",
    "ladder",
    "basket",
    "hammer",
    "pillow",
]


def request(text: str, number: int = 0, **more: Any) -> Request:
    return Request(place=f"log:{number}", text=text, **more)


def many(kind: str, n: int) -> list[Request]:
    return [
        request(
            f"{kind} {NOUNS[i % 10]} {NOUNS[i // 10 % 10]} {NOUNS[(3 * i + 1) % 10]} {i}",
            i,
            type=kind,
        )
        for i in range(n)
    ]


def test_every_kind_of_request_is_drawn_and_never_more_than_there_are() -> None:
    logs = [*many("common", 90), *many("rare", 2), request("请问几点开门？", 500, type="common")]

    sample = draw_sample(logs, n=30, seed=1)

    kinds = Counter(c.slices["type"] for c in sample.candidates)
    assert len(sample.candidates) == 30
    assert 1 <= kinds["rare"] <= 2
    assert any(c.slices["language"] == "zh" for c in sample.candidates)
    assert sum(stratum.n_logged for stratum in sample.strata) == 93


def test_the_same_seed_draws_the_same_whatever_the_order_of_the_rows() -> None:
    logs = many("common", 60)

    first, again, other = (
        [c.request.text for c in draw_sample(rows, n=20, seed=seed).candidates]
        for rows, seed in ((logs, 5), (logs[::-1], 5), (logs, 6))
    )

    assert first == again
    assert first != other


def test_near_duplicates_count_once_and_are_counted() -> None:
    long = "How do I renew a book that another reader has reserved for the coming week?"
    logs = [request(long, 1, time="2"), request(long.upper(), 2, time="1"), request("Who?", 3)]

    sample = draw_sample(logs, n=10, seed=0)

    by_text = {c.request.text: c.n_seen for c in sample.candidates}
    assert by_text == {long.upper(): 2, "Who?": 1}
    assert sample.n_repeats == 1


def test_what_the_gold_set_has_is_left_out() -> None:
    logs = [
        request("Where is the lift?", 1),
        request("Who are you?", 2),
        request("where is the lift", 3),
    ]

    sample = draw_sample(logs, n=10, seed=0, avoid=["Where is the lift?"])

    assert [c.request.text for c in sample.candidates] == ["Who are you?"]
    assert (sample.n_known, sample.n_repeats) == (2, 0)


def test_personal_data_is_flagged_and_left_as_it_is() -> None:
    text = "请打 13812345678 联系我，身份证11010519491231002X"

    (candidate,) = draw_sample([request(text, output="写信到 a@b.example")], n=1, seed=0).candidates

    row = candidate.row()
    assert row["input"] == text
    assert row["logged_output"] == "写信到 a@b.example"
    assert row["flags"] == ["cn_id", "email", "phone"]
    assert row["references"] == []


def test_ids_are_unique_and_name_the_kind() -> None:
    logs = [*many("how to", 5), *many("病历", 5)]

    ids = [c.id for c in draw_sample(logs, n=10, seed=0).candidates]

    assert len(set(ids)) == 10
    assert {"how-to-001", "病历-005"} <= set(ids)


def test_a_conversation_keeps_its_turns() -> None:
    turns = (("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"))

    (candidate,) = draw_sample(
        [Request(place="l:1", text="Bye", before="user: Hi", turns=turns)], n=1, seed=0
    ).candidates

    assert candidate.row()["input"] == [{"role": r, "content": t} for r, t in turns]


@pytest.mark.parametrize(
    ("allocation", "wanted"),
    [("proportional", [17, 2, 1]), ("root", [14, 5, 1]), ("equal", [10, 9, 1])],
)
def test_shares_follow_the_allocation(allocation: Allocation, wanted: list[int]) -> None:
    assert allot([100, 10, 1], 20, allocation) == wanted


@given(
    st.lists(st.integers(1, 200), max_size=12),
    st.integers(1, 500),
    st.sampled_from(["proportional", "root", "equal"]),
)
def test_all_that_can_be_given_is_given_and_no_stratum_is_overdrawn(
    sizes: Sequence[int], n: int, allocation: Allocation
) -> None:
    given_out = allot(sizes, n, allocation)

    assert sum(given_out) == min(n, sum(sizes))
    assert all(0 <= share <= size for share, size in zip(given_out, sizes, strict=True))
    assert n < len(sizes) or all(given_out)
