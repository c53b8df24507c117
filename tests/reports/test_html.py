"""The HTML report."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

from harness.contamination.find import Leak
from harness.leaks import FoundLeak
from reports.html import render_report, write_report
from reports.render import part
from reports.samples import load_samples
from tests.reports.support import Stored


def test_report_is_one_file_beside_the_result(stored: Stored) -> None:
    file = write_report(stored.result, stored.root, stored.folder)

    assert file == stored.folder / "report.html"
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_report_loads_nothing(stored: Stored) -> None:
    page = render_report(stored.result, stored.root)

    assert re.findall(r"""(?:src|href)=|url\(|@import|https?:""", page) == []
    assert "default-src 'none'" in page


def test_policy_allows_exactly_the_scripts_and_styles_of_the_page(stored: Stored) -> None:
    page = render_report(stored.result, stored.root)

    assert page.count("<script>") == 1
    assert page.count("<style>") == 1
    assert len(re.findall(r"(?:script|style)-src 'sha256-[\w+/]{43}='", page)) == 2
    assert not re.search(r"""\s(?:style|on\w+)=["']""", page)


def test_text_of_a_model_is_never_markup(stored: Stored) -> None:
    page = render_report(stored.result, stored.root)

    assert "<script>alert" not in page
    assert "&lt;" in page
    assert "alert" in page


def test_report_shows_advice_verdicts_and_warnings(stored: Stored) -> None:
    page = render_report(stored.result, stored.root)

    assert "<h1>Keep lora</h1>" in page
    assert "</i> improved" in page
    assert "</i> regressed" in page
    assert "a warning of the study" in page


def test_a_loss_is_coloured_as_one_where_lower_is_better(stored: Stored) -> None:
    samples = load_samples(stored.result, stored.root, suite="general", configuration="excess")

    rows = part("en", "scores", samples[0])
    table = part("en", "results_table", stored.result, "general")

    assert re.search(r'<td>brier</td>.*\n\s*<td class="tm-n tm-down">\+', rows)
    assert re.search(r'<td>accuracy</td>.*\n\s*<td class="tm-n tm-down">−', rows)
    assert table.count('title="lower is better"') == 2


def test_report_names_signatures_and_provenance(stored: Stored) -> None:
    page = render_report(stored.result, stored.root)

    assert "token_f1@2|tok:zh-char|refs:max" in page
    assert "numpy 2" in page


def test_report_marks_the_settings_that_differ(stored: Stored) -> None:
    page = render_report(stored.result, stored.root)

    assert '<tr class="tm-different"><th scope="row">learning_rate' in page
    assert "epochs <code>2</code>" in page


def test_report_speaks_chinese(stored: Stored) -> None:
    page = render_report(stored.result, stored.root, lang="zh")

    assert "<h1>保留 lora</h1>" in page
    assert "决定性比较" in page
    assert "excess 退步" in page


def test_report_without_run_folders_says_so_and_keeps_the_numbers(stored: Stored) -> None:
    shutil.rmtree(stored.root / "clinic")

    page = render_report(stored.result, stored.root)

    assert "Samples cannot be shown" in page
    assert "</i> improved" in page


def test_report_without_configurations_is_written(stored: Stored) -> None:
    lonely = stored.result.model_copy(
        update={
            "comparisons": (),
            "variants": stored.result.variants[:1],
            "advice": ("Keep base: there is no finished configuration to compare with it.",),
        }
    )

    page = render_report(lonely, stored.root)

    assert "<h1>Keep base</h1>" in page


def test_failed_configuration_is_told(stored: Stored) -> None:
    failed = stored.result.variants[2].model_copy(
        update={"status": "failed", "failure": "killed by the system", "cells": ()}
    )
    result = stored.result.model_copy(
        update={
            "variants": (*stored.result.variants[:2], failed),
            "comparisons": tuple(c for c in stored.result.comparisons if c.configuration == "lora"),
        }
    )

    assert "killed by the system" in render_report(result, stored.root)


def test_report_shows_scores_with_and_without_the_items_that_training_has_seen(
    stored: Stored,
) -> None:
    leak = Leak(
        gold_id="q1",
        verdict="leaked",
        kind="contained",
        is_answer=False,
        share=1.0,
        origin="rows.jsonl:7",
        shared="what <b>is</b> xalo for",
    )
    suite = stored.result.suites[0]
    seen = suite.model_copy(update={"leaks": (FoundLeak(leak=leak, configurations=("lora",)),)})
    clean = tuple(replace(c, n=c.n - 1) for c in stored.result.comparisons if c.suite == suite.name)
    result = stored.result.model_copy(
        update={"suites": (seen, *stored.result.suites[1:]), "clean": clean}
    )

    page = render_report(result, stored.root)

    assert "Items that training has seen: 1" in page
    assert "rows.jsonl:7" in page
    assert "what &lt;b&gt;is&lt;/b&gt; xalo for" in page
    assert page.count("Without these items") == 1
    assert "Without these" not in render_report(stored.result, stored.root)
