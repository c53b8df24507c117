"""Answers in which nothing was found are shown where there are any."""

from __future__ import annotations

from dataclasses import replace

from reports.html import render_report
from reports.terminal import study_tables
from tests.reports.support import Stored


def test_tables_and_report_say_where_no_answer_was_found(stored: Stored) -> None:
    missing = [
        replace(c, n_no_answer_before=3, n_no_answer_after=1 if c.configuration == "lora" else 0)
        if c.metric == "exact_match"
        else c
        for c in stored.result.comparisons
    ]
    result = stored.result.model_copy(update={"comparisons": tuple(missing)})

    table = study_tables(result)
    english = render_report(result, stored.root)
    chinese = render_report(result, stored.root, lang="zh")

    assert "exact_match: no answer found: base 3 of 12, lora 1 of 12 (counted as wrong)" in table
    assert english.count("no answer found: 3 of 12") == 1
    assert english.count("no answer found: 1 of 12") == 1
    assert "未找到答案：12 个中 3 个" in chinese


def test_nothing_is_said_where_every_answer_was_found(stored: Stored) -> None:
    assert "no answer found" not in study_tables(stored.result)
    assert "no answer found" not in render_report(stored.result, stored.root)
