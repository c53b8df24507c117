"""The choice confirmed, trade-offs and training seeds, in terminal and report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.advice import Confirmation, advise_confirmed
from harness.compare import Comparison
from harness.result import StudyResult, VariantResult
from harness.seeds import NoiseFloor
from harness.stats.bootstrap import Interval
from reports import charts
from reports.headline import headline
from reports.html import render_report
from reports.samples import load_samples, readable
from reports.scatter import trade_off_chart
from reports.terminal import study_tables
from reports.words import Lang
from tests.reports.support import ROLES, Stored, weighed

LANGS: tuple[Lang, Lang] = ("en", "zh")


def with_confirmation(
    result: StudyResult, chosen: str | None = "lora", *, is_confirmed: bool = True
) -> StudyResult:
    """Return the result as if `chosen` had been picked on half of the items."""
    primaries = [c for c in result.comparisons if c.is_primary]
    confirmed = [replace(c, n=6) for c in primaries if c.configuration == chosen]
    if not is_confirmed:
        confirmed = [replace(c, verdict="cannot tell") for c in confirmed]
    made = Confirmation(
        share=0.5,
        seed=0,
        n_items={"clinic": (6, 6), "general": (6, 6)},
        n_configurations=2,
        chosen=chosen,
        is_confirmed=is_confirmed and chosen is not None,
        choice=tuple(_unless(c, chosen) for c in primaries),
        confirmed=tuple(confirmed),
    )
    advice = advise_confirmed(made, result.comparisons, ROLES, baseline="base")
    return result.model_copy(update={"confirmation": made, "advice": tuple(advice)})


def _unless(c: Comparison, chosen: str | None) -> Comparison:
    return c if chosen else replace(c, verdict="cannot tell")


def with_seeds(result: StudyResult) -> StudyResult:
    """Return the result as if `lora` had two seeds with the same answers."""
    base, lora, excess = result.variants
    seeds: list[VariantResult] = [
        lora.model_copy(update={"name": f"lora.s{n}", "seed_of": "lora", "seed": n}) for n in (0, 7)
    ]
    noise = NoiseFloor(
        configuration="lora", suite="clinic", metric="token_f1", seeds=(0, 7), values=(0.9, 0.95)
    )
    other = noise.model_copy(update={"metric": "exact_match"})
    return result.model_copy(update={"variants": (base, *seeds, excess), "noise": (noise, other)})


def with_gains(result: StudyResult, **gains: tuple[float, float]) -> StudyResult:
    """Return the result with these differences on the domain's and the retention's primary."""
    found: list[Comparison] = []
    for c in result.comparisons:
        if c.is_primary:
            value = gains[c.configuration][0 if c.suite == "clinic" else 1]
            span = Interval(value=value, low=value - 0.1, high=value + 0.1)
            found.append(replace(c, difference=span))
    update = {"comparisons": tuple(found), "trade_offs": weighed(found, result.variants)}
    return result.model_copy(update=update)


def test_the_chart_puts_forgetting_below_zero(stored: Stored) -> None:
    chart = trade_off_chart(stored.result, "en")

    assert chart is not None
    points = {point.name: point for point in chart.points}
    assert points["excess"].y > chart.y_zero
    assert points["lora"].x > chart.x_zero
    assert points["lora"].x_low <= points["lora"].x <= points["lora"].x_high
    assert points["base"].x == chart.x_zero


def test_the_front_has_another_shape_than_what_is_beaten(stored: Stored) -> None:
    result = with_gains(stored.result, lora=(0.4, -0.1), excess=(0.2, -0.3))

    chart = trade_off_chart(result, "en")

    assert chart is not None
    assert {point.name: point.shape for point in chart.points} == {
        "base": "baseline",
        "lora": "front",
        "excess": "beaten",
    }


def test_steps_lead_along_the_front_and_no_point_lies_beyond(stored: Stored) -> None:
    result = with_gains(stored.result, lora=(0.2, -0.1), excess=(0.4, -0.3))

    chart = trade_off_chart(result, "en")

    assert chart is not None
    places = {point.name: (point.x, point.y) for point in chart.points}
    assert (chart.front[0].x1, chart.front[0].y1) == places["base"]
    assert (chart.front[1].x2, chart.front[1].y2) == places["lora"]
    assert (chart.front[3].x2, chart.front[3].y2) == places["excess"]
    assert all(step.x1 == step.x2 or step.y1 == step.y2 for step in chart.front)


def test_the_chart_names_the_primary_or_how_many_there_are(stored: Stored) -> None:
    both = [
        replace(c, is_primary=c.is_primary or c.metric == "exact_match")
        for c in stored.result.comparisons
    ]
    many = stored.result.model_copy(
        update={"comparisons": tuple(both), "trade_offs": weighed(both, stored.result.variants)}
    )

    charts_found = [trade_off_chart(result, "en") for result in (stored.result, many)]

    assert [chart.x_label for chart in charts_found if chart] == [
        "clinic · token_f1",
        "domain gain, mean of 2 primaries",
    ]


def test_a_study_without_retention_has_no_chart_but_a_table(stored: Stored) -> None:
    clinic = [c for c in stored.result.comparisons if c.suite == "clinic"]
    result = stored.result.model_copy(
        update={"comparisons": tuple(clinic), "trade_offs": weighed(clinic, stored.result.variants)}
    )

    assert trade_off_chart(result, "en") is None
    assert "Gain against forgetting" in render_report(result, stored.root)
    assert "Trade-offs" in study_tables(result)


def test_the_terminal_marks_the_front(stored: Stored) -> None:
    result = with_gains(stored.result, lora=(0.4, -0.1), excess=(0.2, -0.3))

    rows = study_tables(result).partition("Trade-offs")[2].splitlines()

    lora, excess = (
        next(row for row in rows if row.startswith(f" {n}")) for n in ("lora", "excess")
    )
    assert "+0.400 [+0.300, +0.500]" in lora
    assert "−0.100 [−0.200, +0.000]" in lora or "−0.100 [−0.200, 0.000]" in lora
    assert "◆" in lora
    assert "◆" not in excess


def test_the_terminal_shows_choice_and_confirmation_side_by_side(stored: Stored) -> None:
    text = study_tables(with_confirmation(stored.result))

    table = text.partition("lora, chosen among 2 and confirmed")[2]
    row = next(line for line in table.splitlines() if line.startswith(" clinic token_f1"))
    assert row.count("[+") == 2
    assert row.rstrip().endswith("▲ improved")
    assert "there the chosen one is flattered" in text


def test_the_terminal_says_loudly_what_is_not_confirmed(stored: Stored) -> None:
    text = study_tables(with_confirmation(stored.result, is_confirmed=False))

    assert "lora, chosen among 2 and NOT confirmed" in text
    assert "the other half does not confirm it" in " ".join(text.split())


def test_the_terminal_shows_seeds_of_primaries_and_no_others(stored: Stored) -> None:
    table = study_tables(with_seeds(stored.result)).partition("Training seeds")[2]

    row = next(line for line in table.splitlines() if line.startswith(" lora"))
    assert " ".join(row.split()) == (
        "lora clinic token_f1 0.925 0.035 0.900 – 0.950 0: 0.900, 7: 0.950"
    )
    assert "clinic exact_match" not in table


def test_a_study_without_sweep_shows_none_of_its_tables(stored: Stored) -> None:
    text = study_tables(stored.result)

    assert "Training seeds" not in text
    assert "chosen among" not in text


@pytest.mark.parametrize("lang", LANGS)
def test_the_report_shows_all_of_a_sweep_in_both_languages(stored: Stored, lang: Lang) -> None:
    result = with_seeds(with_confirmation(stored.result))

    page = render_report(result, stored.root, lang=lang)

    expected = {
        "en": ["Chosen on one part", "✓</i> confirmed", "Training seeds", "on the front"],
        "zh": ["一部分题选择", "✓</i> 已确认", "训练种子", "位于前沿"],
    }
    assert [text for text in expected[lang] if text not in page] == []


def test_the_report_marks_what_is_not_confirmed(stored: Stored) -> None:
    page = render_report(with_confirmation(stored.result, is_confirmed=False), stored.root)

    assert "!</i> not confirmed" in page
    assert "<h1>Keep base</h1>" in page


HEADLINES: dict[str, tuple[dict[str, Any], str, str]] = {
    "confirmed": ({}, "保留 lora", "在未用于选择的题上，提升：clinic（token_f1 "),
    "not confirmed": ({"is_confirmed": False}, "保留 base", "lora 从 2 个配置中选出，但保留的题未能确认：无法判断："),
    "nothing chosen": ({"chosen": None}, "保留 base", "在用于选择的题上，没有配置被证明在领域上更好。"),
}  # fmt: skip


@pytest.mark.parametrize(("how", "answer", "reason"), HEADLINES.values(), ids=HEADLINES)
def test_the_chinese_headline_tells_what_was_confirmed(
    stored: Stored, how: dict[str, Any], answer: str, reason: str
) -> None:
    head = headline(with_confirmation(stored.result, **how), "zh")

    assert head.answer == answer
    assert head.reason.startswith(reason)


def test_the_english_headline_cuts_the_confirmed_advice(stored: Stored) -> None:
    head = headline(with_confirmation(stored.result), "en")

    assert head.answer == "Keep lora"
    assert head.reason.startswith("On the half of the items not used for choosing it is better on")


def test_answers_are_read_seed_by_seed(stored: Stored) -> None:
    result = with_seeds(stored.result)

    samples = load_samples(result, stored.root, suite="clinic", configuration="lora.s7")

    assert readable(result) == {"lora.s0": "lora", "lora.s7": "lora", "excess": "excess"}
    assert samples[3].after is not None
    assert samples[3].after.text == "每日3毫克"


def test_the_report_shows_the_samples_of_one_seed(stored: Stored) -> None:
    page = render_report(with_seeds(stored.result), stored.root)

    assert 'data-configuration="lora.s0"' in page
    assert 'data-configuration="lora.s7"' not in page
    assert "cannot be shown" not in page


def test_seeds_share_the_colour_of_their_configuration(stored: Stored) -> None:
    result = with_seeds(stored.result)

    lines = charts.heldout_losses(result)

    assert lines is not None
    colors = {line.name: line.color for line in lines.lines}
    assert colors["lora.s0"] == colors["lora.s7"] == charts.colors(result)["lora"]
    assert colors["excess"] != colors["lora.s0"]
