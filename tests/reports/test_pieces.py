"""Diffs, numbers, charts, checks and words."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter

import pytest

from harness.advice import advise
from harness.result import StudyResult
from harness.stats.bootstrap import Interval
from reports import charts, numbers, terminal
from reports.checks import health
from reports.diff import difference, pieces
from reports.headline import headline
from reports.scatter import trade_off_chart
from reports.studies import find_studies
from reports.tables import training_table
from reports.theme import streamlit_flags
from reports.words import WORDS, Lang
from tests.reports.support import Stored, weighed


@pytest.mark.parametrize("text", ["", "The dose is 5 mg_x, né.\n", "阿莫西林每日2次。a_b 𠀀"])
def test_pieces_join_to_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_diff_of_chinese_marks_single_characters() -> None:
    found = difference("阿莫西林每日两次", "阿莫西林每日三次")

    assert [span.text for span in found.before if span.is_changed] == ["两"]
    assert [span.text for span in found.after if span.is_changed] == ["三"]


def test_diff_of_english_marks_whole_words() -> None:
    found = difference("take it daily", "take it twice")

    assert [span.text for span in found.after] == ["take it ", "twice"]


def test_very_long_texts_are_shown_unmarked() -> None:
    found = difference("a " * 3000, "b " * 3000)

    assert [span.is_changed for span in found.before] == [False]


@pytest.mark.parametrize(
    ("number", "metric", "text"),
    [(0.25, "token_f1", "+0.250"), (-3.14, "bleu", "−3.1"), (-0.0001, "token_f1", "0.000")],
)
def test_differences_have_a_true_sign(number: float, metric: str, text: str) -> None:
    assert numbers.signed(number, metric) == text


def test_a_hundred_percent_is_only_said_of_all() -> None:
    assert numbers.percent(1.0) == "100 %"
    assert numbers.percent(0.999) == "> 99 %"


@pytest.mark.parametrize(("low", "high"), [(-0.13, 0.42), (0.0, 1.0), (-40.0, 3.0)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    ticks = charts.Axis(low=low, high=high).ticks()

    assert 3 <= len(ticks) <= 11
    assert all(0 <= tick.at <= 100 for tick in ticks)


def test_forest_has_a_panel_for_each_primary(stored: Stored) -> None:
    panels = charts.forests(stored.result)

    assert [(panel.suite, panel.metric) for panel in panels] == [
        ("clinic", "token_f1"),
        ("general", "accuracy"),
    ]
    assert panels[0].margin is None
    assert panels[1].margin is not None


def with_primary(result: StudyResult, metric: str, margin: float = 0.0) -> StudyResult:
    """Return the result with another primary on the second suite."""
    found = [
        c if c.suite == "clinic" else replace(c, is_primary=c.metric == metric, margin=margin)
        for c in result.comparisons
    ]
    return result.model_copy(
        update={"comparisons": tuple(found), "trade_offs": weighed(found, result.variants)}
    )


@pytest.mark.parametrize("metric", ["accuracy", "brier", "nll"])
def test_worse_is_left_and_below_whatever_side_is_better(stored: Stored, metric: str) -> None:
    result = with_primary(stored.result, metric, margin=0.1)

    forest = next(panel for panel in charts.forests(result) if panel.suite == "general")
    scatter = trade_off_chart(result, "en")

    excess = next(row for row in forest.rows if row.name == "excess")
    assert excess.verdict == "regressed"
    assert excess.at < forest.zero
    assert forest.margin is not None
    assert forest.margin[0] < forest.margin[1] == forest.zero
    assert forest.is_reversed == (metric != "accuracy")
    assert scatter is not None
    point = next(point for point in scatter.points if point.name == "excess")
    assert point.y > scatter.y_zero
    assert scatter.margin is not None
    assert scatter.margin[0] == scatter.y_zero < scatter.margin[1]


def test_ticks_of_a_reversed_axis_keep_their_values() -> None:
    ticks = charts.Axis(low=-1.0, high=1.0, is_reversed=True).ticks(2, is_signed=True)

    assert [(tick.at, tick.label) for tick in ticks] == [(100.0, "−1"), (50.0, "0"), (0.0, "+1")]


def test_tables_say_where_lower_is_better(stored: Stored) -> None:
    text = terminal.study_tables(stored.result)

    assert "brier ↓" in text
    assert "accuracy ↓" not in text
    assert "↓: lower is better." in text


PLACES = [
    (0.4, 0.5, 1.0, "+0.100"),
    (1.9, 2.0, None, "+0.100"),
    (12.0, 12.1, None, "+0.10"),
    (250.0, 250.1, None, "+0.1"),
    (8.0, 8.1, 100.0, "+0.1"),
]


@pytest.mark.parametrize(("before", "after", "highest", "shown"), PLACES)
def test_a_difference_has_as_many_places_as_its_scale_asks_for(
    stored: Stored, before: float, after: float, highest: float | None, shown: str
) -> None:
    gap = after - before
    comparison = replace(
        stored.result.comparisons[0],
        before=Interval(value=before, low=before, high=before),
        after=Interval(value=after, low=after, high=after),
        difference=Interval(value=gap, low=gap, high=gap),
        highest=highest,
    )

    assert terminal.difference(comparison) == f"{shown} [{shown}, {shown}]"


def test_a_metric_with_parameters_has_the_places_of_its_name() -> None:
    assert numbers.value(41.25, "bleu(tokenize=intl)") == numbers.value(41.25, "bleu")


@pytest.mark.parametrize(("lang", "note"), [("en", "lower is better"), ("zh", "越低越好")])
def test_the_reasons_say_that_lower_is_better(stored: Stored, lang: Lang, note: str) -> None:
    result = with_primary(stored.result, "brier")
    advice = advise(result.comparisons, {s.name: s.role for s in result.suites}, baseline="base")
    found = headline(result.model_copy(update={"advice": tuple(advice)}), lang)

    (remark,) = found.remarks
    assert "excess" in remark
    assert note in remark
    assert "brier" in remark


def test_healthy_study_passes_every_check(stored: Stored) -> None:
    assert {check.state for check in health(stored.result, "en")} == {"fine"}


def test_missing_answers_need_attention(stored: Stored) -> None:
    variant = stored.result.variants[1]
    cell = variant.cells[0].model_copy(update={"n_done": 5})
    short = variant.model_copy(update={"cells": (cell,)})
    result = stored.result.model_copy(update={"variants": (short,)})

    coverage = health(result, "en")[0]

    assert coverage.state == "attention"
    assert "7 of 12" in coverage.text


def test_a_configuration_keeps_its_spelling_at_the_start_of_the_reason(stored: Stored) -> None:
    advice = ("Keep base: lora improved on clinic, but every one of them also regressed.",)
    result = stored.result.model_copy(update={"advice": advice})

    assert headline(result, "en").reason.startswith("lora improved")


def test_advice_of_another_form_is_shown_whole(stored: Stored) -> None:
    result = stored.result.model_copy(update={"advice": ("Something else entirely.",)})

    assert headline(result, "zh").answer == "Something else entirely."


def test_training_table_separates_differing_settings(stored: Stored) -> None:
    table = training_table(stored.result, "en")

    assert [row.name for row in table.rows if row.is_different] == ["learning_rate"]
    assert table.shared == (("epochs", "2"),)


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_fill_the_same_fields(key: str) -> None:
    english, chinese = ({name for _, name, _, _ in Formatter().parse(t)} for t in WORDS[key])

    assert english - {None} == chinese - {None}


def test_studies_that_cannot_be_read_come_last_with_their_problem(stored: Stored) -> None:
    broken = stored.root / "studies" / "a-broken"
    broken.mkdir()
    (broken / "result.json").write_text('{"name": 1}', encoding="utf-8")
    (stored.root / "studies" / "a-running").mkdir()

    names = [study.name for study in find_studies(stored.root)]
    problems = [study.problem or "" for study in find_studies(stored.root)]

    assert names == ["tiny", "a-broken", "a-running"]
    assert "not a result of this version" in problems[1]
    assert "no result yet" in problems[2]


def test_theme_follows_the_system() -> None:
    flags = " ".join(streamlit_flags())

    assert "theme.light.primaryColor" in flags
    assert "theme.dark.primaryColor" in flags
    assert "theme.base=" not in flags
