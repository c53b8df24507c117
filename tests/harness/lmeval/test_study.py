from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import study_run
from harness.errors import ConfigError
from harness.plan import plan_study
from harness.runner import run_cells
from harness.study import Study, load_study
from harness.study_run import run_study
from tests.conftest import ROOT_FOLDER
from tests.harness.lmeval.conftest import OracleEngine

STUDY = """\
name: mixed
model: tiny-model
engine: oracle
suites:
- suite
- {path: lm-eval/choose, include: tasks, role: retention, limit: 4}
- {path: lm-eval/read, include: tasks, role: retention}
primary:
- {suite: toy, metric: exact_match}
- {suite: lm-eval/choose, metric: acc, margin: 0.5}
- {suite: lm-eval/read, metric: bits_per_byte}
configurations:
- {name: tuned, adapter: adapter}
"""


@pytest.fixture
def study(
    tmp_path: Path,
    suite_folder: Callable[..., Path],
    model_folder: Path,
    adapter_folder: Callable[..., Path],
    tasks: Path,
    oracle: OracleEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Study]:
    """Return a loader of studies beside a suite, lm-eval tasks, a model and an adapter."""
    suite_folder()
    adapter_folder()

    def here(cells: Any, serving: Any, root: Path, **_: Any) -> None:
        run_cells(cells, serving, root)

    monkeypatch.setattr(study_run, "evaluate_apart", here)

    def load(text: str = STUDY) -> Study:
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        return load_study(tmp_path / "study.yaml", tmp_path / "runs")

    return load


def test_lm_eval_tasks_stand_beside_own_suites(
    study: Callable[..., Study], oracle: OracleEngine
) -> None:
    oracle.shift = 9.0

    result = run_study(study(), say=lambda line: None)

    found = {(c.suite, c.metric): c for c in result.comparisons}
    read = found["lm-eval/read", "bits_per_byte"]
    assert [suite.name for suite in result.suites] == ["toy", "lm-eval/choose", "lm-eval/read"]
    assert found["lm-eval/choose", "acc"].n == 4
    assert (read.verdict, read.better, read.is_primary) == ("regressed", "lower", True)
    assert read.difference.low > 0


def test_the_plan_counts_documents(study: Callable[..., Study]) -> None:
    steps = plan_study(study())

    amounts = {step.suite: step.amount for step in steps if step.configuration == "base"}
    assert amounts["lm-eval/choose"] == "4 of 4 items"


def test_a_second_call_asks_nothing(study: Callable[..., Study], oracle: OracleEngine) -> None:
    first = run_study(study(), say=lambda line: None)
    n_calls = oracle.calls

    second = run_study(study(), say=lambda line: None)

    assert oracle.calls == n_calls
    assert second.comparisons == first.comparisons


def test_metrics_that_are_no_sums_are_warned_about(
    study: Callable[..., Study], tasks: Path
) -> None:
    file = tasks / "choose.yaml"
    text = (
        file.read_text("utf-8")
        + "  - {metric: acc_bytes, aggregation: median, higher_is_better: true}\n"
    )
    file.write_text(text, encoding="utf-8")

    result = run_study(study(), say=lambda line: None)

    assert any("choose acc_bytes: lm-eval aggregates it with median" in w for w in result.warnings)


def test_the_page_shows_them(study: Callable[..., Study]) -> None:
    from reports.html import write_report

    loaded = study()
    result = run_study(loaded, say=lambda line: None)

    page = write_report(result, loaded.root, loaded.folder).read_text(encoding="utf-8")

    assert "lm-eval/read" in page
    assert "bits_per_byte" in page


@pytest.mark.parametrize("suite", ["lm-eval/choose", "lm-eval/read"])
def test_the_viewer_shows_their_samples(
    study: Callable[..., Study], monkeypatch: pytest.MonkeyPatch, suite: str
) -> None:
    from streamlit.testing.v1 import AppTest

    loaded = study()
    run_study(loaded, say=lambda line: None)
    monkeypatch.setenv("TUNEMARK_RUNS", str(loaded.root))
    monkeypatch.setattr(sys, "argv", ["app.py"])
    app = AppTest.from_file(str(ROOT_FOLDER / "reports/views/app.py"), default_timeout=60)
    app.run()
    app.query_params["suite"] = suite

    page = app.switch_page("samples.py").run()

    shown = "".join(str(block.proto.body) for block in page.get("html"))
    assert not page.exception
    assert not page.error
    assert "The capital of" in shown


def test_options_of_lm_eval_are_not_for_own_suites(study: Callable[..., Study]) -> None:
    with pytest.raises(
        ConfigError, match="suite suite: num_fewshot is for suites named lm-eval/TASK"
    ):
        study(STUDY.replace("- suite\n", "- {path: suite, num_fewshot: 3}\n"))


def test_an_unknown_metric_of_a_task_offers_the_nearest(study: Callable[..., Study]) -> None:
    with pytest.raises(ConfigError, match="suite 'lm-eval/choose' does not measure 'ac'"):
        study(STUDY.replace("metric: acc,", "metric: ac,"))
