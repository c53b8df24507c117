from __future__ import annotations

from typing import Any

import pytest

from harness.advice import Confirmation, advise, advise_confirmed, signed
from harness.compare import Comparison
from harness.stats.bootstrap import Interval
from harness.study_config import Role

ROLES: dict[str, Role] = {"clinic": "domain", "general": "retention"}


def found(name: str, suite: str, verdict: str, gain: float = 0.2, **fields: Any) -> Comparison:
    values: dict[str, Any] = {
        "suite": suite,
        "metric": "token_f1",
        "signature": "s",
        "baseline": "base",
        "configuration": name,
        "before": Interval(value=0.25, low=0.2, high=0.3),
        "after": Interval(value=0.25 + gain, low=0.4, high=0.5),
        "difference": Interval(value=gain, low=gain - 0.1, high=gain + 0.1),
        "p_value": 0.01,
        "p_adjusted": 0.01,
        "is_primary": True,
        "margin": 0.0,
        "minimum_detectable_effect": 0.1,
        "n": 100,
        "n_groups": 100,
        "n_planned": 100,
        "n_gained": 0,
        "n_lost": 0,
        "method": "m",
        "verdict": verdict,
    }
    return Comparison(**{**values, **fields})


def advice(*comparisons: Comparison) -> list[str]:
    return advise(comparisons, ROLES, baseline="base")


def test_the_one_that_improved_and_kept_the_rest_is_kept() -> None:
    sentences = advice(
        found("lora", "clinic", "improved"), found("lora", "general", "no worse", -0.01)
    )

    assert sentences == [
        (
            "Keep lora: better on clinic (token_f1 0.25 → 0.45, +0.2 [+0.1, +0.3]), "
            "no worse on general (token_f1 0.25 → 0.24, −0.01 [−0.11, +0.09])."
        )
    ]


def test_a_drop_of_a_metric_of_which_less_is_better_is_a_reason_to_keep() -> None:
    fields: dict[str, Any] = {"metric": "nll", "better": "lower"}
    sentences = advice(
        found("small", "clinic", "improved", -0.1, **fields),
        found("large", "clinic", "improved", -0.2, **fields),
        found("wrong", "clinic", "regressed", 0.2, **fields),
    )

    assert sentences == [
        "Keep large: better on clinic (nll 0.25 → 0.05, −0.2 [−0.3, −0.1]; lower is better).",
        "wrong regressed on clinic (nll 0.25 → 0.45, +0.2 [+0.1, +0.3]; lower is better).",
    ]


def test_what_cannot_be_told_is_said_with_what_would_show() -> None:
    sentences = advice(
        found("lora", "clinic", "improved"), found("lora", "general", "cannot tell", -0.01)
    )

    assert sentences == [
        (
            "Keep lora: better on clinic (token_f1 0.25 → 0.45, +0.2 [+0.1, +0.3]); cannot tell on "
            "general token_f1 (−0.01 [−0.11, +0.09], 100 items would show 0.1 or more)."
        )
    ]


def test_a_gain_paid_with_a_loss_is_not_kept() -> None:
    sentences = advice(
        found("lora", "clinic", "improved"), found("lora", "general", "regressed", -0.2)
    )

    assert sentences == [
        "Keep base: lora improved on clinic, but every one of them also regressed on a primary.",
        "lora regressed on general (token_f1 0.25 → 0.05, −0.2 [−0.3, −0.1]).",
    ]


@pytest.mark.parametrize("verdict", ["no worse", "cannot tell", "regressed"])
def test_the_baseline_is_kept_when_nothing_improved_on_the_domain(verdict: str) -> None:
    sentences = advice(found("lora", "clinic", verdict), found("lora", "general", "improved"))

    assert sentences[0] == "Keep base: no configuration is shown to be better on clinic."


def test_the_regressed_are_named_beside_the_one_to_keep() -> None:
    sentences = advice(
        found("good", "clinic", "improved"),
        found("good", "general", "no worse"),
        found("bad", "clinic", "improved", 0.5),
        found("bad", "general", "regressed", -0.3),
    )

    assert sentences[0].startswith("Keep good: ")
    assert sentences[1].startswith("bad regressed on general (")
    assert len(sentences) == 2


def test_among_good_ones_proven_retention_comes_before_the_larger_gain() -> None:
    sentences = advice(
        found("large", "clinic", "improved", 0.5),
        found("large", "general", "cannot tell"),
        found("safe", "clinic", "improved", 0.1),
        found("safe", "general", "no worse"),
    )

    assert sentences[0].startswith("Keep safe: ")


def test_among_equally_safe_ones_the_larger_gain_is_kept() -> None:
    sentences = advice(
        found("small", "clinic", "improved", 0.1),
        found("small", "general", "no worse"),
        found("large", "clinic", "improved", 0.5),
        found("large", "general", "no worse"),
    )

    assert sentences[0].startswith("Keep large: ")


def test_secondary_comparisons_do_not_decide() -> None:
    sentences = advice(
        found("lora", "clinic", "cannot tell"),
        found("lora", "clinic", "improved", is_primary=False),
        found("lora", "general", "regressed", is_primary=False),
    )

    assert sentences == ["Keep base: no configuration is shown to be better on clinic."]


def test_a_study_without_finished_configuration_keeps_the_baseline() -> None:
    assert advice() == ["Keep base: there is no finished configuration to compare with it."]


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "+0.123"), (-0.1234, "−0.123"), (0.0, "+0"), (12.34, "+12.3")]
)
def test_a_difference_is_written_with_its_sign(value: float, text: str) -> None:
    assert signed(value) == text


def confirmation(
    chosen: str | None, *confirmed: Comparison, is_confirmed: bool = False, share: float = 0.5
) -> Confirmation:
    choice = (
        found("large", "clinic", "improved" if chosen else "cannot tell", 0.3),
        found("small", "clinic", "cannot tell", 0.1),
    )
    return Confirmation(
        share=share,
        seed=0,
        n_items={"clinic": (50, 50)},
        n_configurations=2,
        chosen=chosen,
        is_confirmed=is_confirmed,
        choice=choice,
        confirmed=confirmed,
    )


def confirmed_advice(made: Confirmation, *comparisons: Comparison) -> list[str]:
    return advise_confirmed(made, comparisons, ROLES, baseline="base")


def test_what_is_confirmed_is_kept_with_the_figures_of_the_other_half() -> None:
    made = confirmation("large", found("large", "clinic", "improved", 0.21), is_confirmed=True)

    assert confirmed_advice(made) == [
        (
            "Keep large: on the half of the items not used for choosing it is better on clinic "
            "(token_f1 0.25 → 0.46, +0.21 [+0.11, +0.31]). These figures need no correction for "
            "the 2 configurations tried: only the chosen one was compared there."
        )
    ]


def test_what_is_not_confirmed_is_not_kept() -> None:
    made = confirmation("large", found("large", "clinic", "cannot tell", 0.05))

    assert confirmed_advice(made) == [
        (
            "Keep base: large was chosen among 2 configurations on one half of the items, and the "
            "other half does not confirm it: cannot tell on clinic token_f1 (+0.05 [−0.05, +0.15], "
            "100 items would show 0.1 or more)."
        )
    ]


def test_a_loss_on_the_other_half_is_said() -> None:
    made = confirmation(
        "large",
        found("large", "clinic", "improved", 0.2),
        found("large", "general", "regressed", -0.3),
    )

    assert "worse on general (token_f1 0.25 → −0.05, −0.3 [−0.4, −0.2])." in (
        confirmed_advice(made)[0].replace("-0.05", "−0.05")
    )


def test_another_share_than_a_half_is_named() -> None:
    made = confirmation(
        "large", found("large", "clinic", "improved", 0.2), is_confirmed=True, share=0.3
    )

    assert "on the 30% of the items not used for choosing" in confirmed_advice(made)[0]


def test_what_nothing_confirms_because_nothing_is_scored_is_said() -> None:
    assert confirmed_advice(confirmation("large"))[0].endswith("nothing is scored there.")


def test_regressions_are_named_of_the_others_and_on_all_items() -> None:
    made = confirmation("large", found("large", "clinic", "improved", 0.2), is_confirmed=True)
    lost = [found(name, "general", "regressed", -0.2) for name in ("large", "small")]

    assert confirmed_advice(made, *lost)[1:] == [
        "small regressed on general (token_f1 0.25 → 0.05, −0.2 [−0.3, −0.1])."
    ]


def test_nothing_finished_is_nothing_to_confirm() -> None:
    made = confirmation(None).model_copy(update={"choice": ()})

    assert confirmed_advice(made) == [
        "Keep base: there is no finished configuration to compare with it."
    ]
