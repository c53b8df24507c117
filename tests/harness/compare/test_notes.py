from __future__ import annotations

from typing import Any

import pytest

from harness.compare import Noise, Unscored
from harness.compare.notes import disagreeing, notes_of
from tests.harness.compare.support import comparison

CLEAR = (0.02, 0.1, 0.2)


def test_tests_that_agree_are_not_mentioned() -> None:
    agreeing = comparison(*CLEAR, p_value=0.01, p_wilcoxon=0.04, p_sign=0.03, p_randomisation=0.01)

    assert notes_of([agreeing]) == []


DISAGREEING = {
    "one finds nothing": (
        {"p_value": 0.01, "p_sign": 0.3, "p_wilcoxon": 0.04, "verdict": "improved"},
        "token_f1 tuned: improved (p 0.01 alone), but sign test (0.3) finds nothing",
    ),
    "two find nothing": (
        {"p_value": 0.0001, "p_sign": 0.3, "p_wilcoxon": 0.06, "verdict": "improved"},
        "token_f1 tuned: improved (p <0.001 alone), but Wilcoxon (0.06) and sign test (0.3) find nothing",
    ),
    "one finds more": (
        {"p_value": 0.2, "p_sign": 0.03},
        "token_f1 tuned: cannot tell (p 0.2 alone), but sign test (0.03) finds a difference",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "note"), DISAGREEING.values(), ids=DISAGREEING)
def test_a_test_that_disagrees_is_named(fields: dict[str, Any], note: str) -> None:
    assert notes_of([comparison(*CLEAR, **fields)]) == [note]


def test_the_correction_is_no_disagreement() -> None:
    corrected = comparison(*CLEAR, p_value=0.01, p_adjusted=0.2, p_sign=0.02)

    assert disagreeing(corrected) == {}


def test_unscored_items_are_counted_with_what_they_could_change() -> None:
    bounded = comparison(*CLEAR, unscored=Unscored(n_before=1, n_after=4, worst=-0.02, best=0.12))
    boundless = comparison(*CLEAR, unscored=Unscored(n_before=0, n_after=4))

    (first,) = notes_of([bounded])
    (second,) = notes_of([boundless])

    assert first == (
        "token_f1 tuned: unscored: base 1, tuned 4 of 100; all worst or all best for tuned, the "
        "difference would be −0.02 or +0.12"
    )
    assert second.endswith("not a mean on a bounded scale, so what they could change has no bound")


def test_what_holds_of_several_metrics_is_said_once() -> None:
    missing = Unscored(n_before=0, n_after=4)

    notes = notes_of([comparison(*CLEAR, metric=m, unscored=missing) for m in ("bleu", "chrf")])

    assert [note.partition(";")[0] for note in notes] == [
        "bleu, chrf tuned: unscored: base 0, tuned 4 of 100"
    ]


def test_the_noise_floor_is_told_once_and_held_against_the_difference() -> None:
    noise = Noise(n_repeats=3, deviation=0.06, lowest=0.4, highest=0.52)
    inside = comparison(-0.1, 0.1, 0.3, noise_before=noise)
    outside = comparison(0.1, 0.2, 0.3, noise_before=noise, configuration="big")

    notes = notes_of([inside, outside])

    assert notes == [
        "token_f1 base: noise floor: standard deviation 0.06 between 3 repeats (0.4 to 0.52)",
        "token_f1 tuned: the difference is no larger than repeats of one configuration differ",
    ]


def test_few_changed_units_are_told() -> None:
    told = notes_of([comparison(*CLEAR, n_changed=4)])

    assert any("only 4 units of" in note for note in told), told


def test_an_exact_test_needs_no_caution() -> None:
    assert notes_of([comparison(*CLEAR, n_changed=None)]) == []
