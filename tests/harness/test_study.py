from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finetune.config import TrainConfig
from harness import judge, study_run
from harness.errors import ConfigError, HarnessError, InputError, RunError
from harness.leaks import study_leaks
from harness.plan import plan_study
from harness.result import load_result
from harness.runner import Cell, Serving, run_cells
from harness.study import Study, load_study
from harness.study_run import missing_cells, run_study

STUDY = """\
name: tiny-study
model: tiny-model
engine: echo
suites:
- suite
- {path: general, role: retention}
primary:
- {suite: toy, metric: exact_match}
- {suite: general, metric: token_f1, margin: 0.1}
train:
  data: rows.jsonl
  heldout: 0
configurations:
- name: small
  train: {lora: {r: 4}}
- name: large
  train: {lora: {r: 8}, epochs: 1}
"""
UNMERGED = ", merge: false" if "merge" in TrainConfig.model_fields else ""
"""A trainer that can merge does so where serving needs it, unless told not to."""
GENERAL = 'name: general\nversion: "1"\nlanguage: en\ndescription: d\ntasks: {qa: {metrics: [token_f1]}}\n'
ROW = '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]}\n'


@pytest.fixture
def study_file(
    tmp_path: Path, suite_folder: Callable[..., Path], model_folder: Path, echo: Any
) -> Callable[[str], Path]:
    """Return a writer of studies beside two suites, a model, an adapter's place and rows."""
    suite_folder()
    gold = [
        {"id": f"g{i}", "task": "qa", "input": f"Q{i}?", "references": ["right"]} for i in range(8)
    ]
    suite_folder(GENERAL, gold, folder="general")
    (tmp_path / "rows.jsonl").write_text(ROW, encoding="utf-8")

    def write(text: str = STUDY) -> Path:
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        return tmp_path / "study.yaml"

    return write


@pytest.fixture
def work(
    monkeypatch: pytest.MonkeyPatch, adapter_folder: Callable[..., Path], echo: Any
) -> dict[str, Any]:
    """Train and evaluate in this process; {"broken": names, "trained": names, …}."""
    state: dict[str, Any] = {"broken": set(), "trained": [], "evaluated": []}

    def train(arguments: list[str], *, folder: Path, what: str) -> None:
        name = folder.name.rpartition("-")[0]
        state["trained"].append(name)
        if name in state["broken"]:
            raise RunError(f"{what}: out of luck")
        made = adapter_folder(f"made-{name}", rank=4 if name == "small" else 8)
        made.rename(folder / "adapter")
        (folder / "summary.json").write_text(json.dumps({"seconds": 1.0}), encoding="utf-8")

    def evaluate(
        cells: list[Cell], serving: Serving, root: Path, *, folder: Path, what: str
    ) -> None:
        state["evaluated"].append(sorted({cell.name for cell in cells}))
        try:
            run_cells(cells, serving, root)
        except HarnessError as error:
            raise RunError(f"{what}: {error}") from None

    monkeypatch.setattr(study_run, "run_child", train)
    monkeypatch.setattr(study_run, "evaluate_apart", evaluate)
    return state


FAULTS = {
    "unknown suite in primary": ("suite: toy,", "suite: toi,", "primary: unknown suite 'toi' (did you mean 'toy'?); this study has: toy, general"),
    "unknown metric in primary": ("metric: exact_match", "metric: exact_mach", "primary: suite 'toy' does not measure 'exact_mach' (did you mean 'exact_match'?)"),
    "a metric of another suite": ("{suite: general, metric: token_f1", "{suite: general, metric: accuracy", "suite 'general' does not measure 'accuracy'"),
    "one name twice": ("name: large", "name: small", "two configurations are called 'small'"),
    "the baseline's name": ("name: large", "name: base", "two configurations are called 'base'"),
    "one suite twice": ("{path: general, role: retention}", "suite", "two suites have the same name"),
    "adapter and training": ("train: {lora: {r: 4}}", "train: {lora: {r: 4}}\n  adapter: a", "configuration 'small': give either `train` or `adapter`, not both"),
    "an adapter that is not there": ("train: {lora: {r: 4}}", "adapter: nowhere", "no adapter_config.json"),
    "unknown engine": ("engine: echo", "engine: ecko", "unknown engine 'ecko' (did you mean 'echo'?)"),
    "unknown model": ("model: tiny-model", "model: tiny-modell", "'tiny-modell': no such folder"),
    "unknown template": ("engine: echo", "engine: echo\ntemplate: chatlm", "unknown template 'chatlm'"),
    "unknown key": ("engine: echo", "engin: echo", ":3: unknown key 'engin' (did you mean 'engine'?)"),
    "unknown training key": ("{lora: {r: 4}}", "{lora: {rr: 4}}", "configuration 'small': train: unknown key 'lora.rr' (did you mean 'r'?)"),
    "unknown role": ("role: retention", "role: retain", "suites.1.role: input should be 'domain' or 'retention'"),
    "a negative margin": ("margin: 0.1", "margin: -0.1", "primary.1.margin: input should be greater than or equal to 0"),
    "a name with a slash": ("name: large", "name: a/b", "configurations.1.name: "),
    "missing rows": ("rows.jsonl", "row.jsonl", "no such file (did you mean 'rows.jsonl'?)"),
    "a missing suite": ("- suite\n", "- suit\n", "suite.yaml: no such file"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), FAULTS.values(), ids=FAULTS)
def test_a_study_fault_is_told_with_its_mend(
    study_file: Any, tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = study_file(STUDY.replace(old, new))

    with pytest.raises(InputError) as caught:
        load_study(file, tmp_path / "runs")

    assert message in str(caught.value)


def test_a_study_is_read_with_its_suites_roles_and_variants(
    study_file: Any, tmp_path: Path
) -> None:
    study = load_study(study_file(), tmp_path / "runs")

    assert study.roles == {"toy": "domain", "general": "retention"}
    assert [variant.name for variant in study.variants] == ["small", "large"]
    assert study.serving.model.path == tmp_path / "tiny-model"


def test_a_configuration_overlays_the_shared_training(study_file: Any, tmp_path: Path) -> None:
    study = load_study(
        study_file(STUDY.replace("  heldout: 0", "  heldout: 0\n  lora: {alpha: 7}")), tmp_path
    )

    configs = [
        variant.training.identity["config"] for variant in study.variants if variant.training
    ]
    assert [(c["lora"]["r"], c["lora"]["alpha"]) for c in configs] == [(4, 7), (8, 7)]
    assert configs[1]["epochs"] == 1


def test_a_study_runs_and_keeps_its_result(study_file: Any, work: Any, tmp_path: Path) -> None:
    study = load_study(study_file(), tmp_path / "runs")
    said: list[str] = []

    result = run_study(study, say=said.append)

    assert [variant.name for variant in result.variants] == ["base", "small", "large"]
    assert all(variant.status == "complete" for variant in result.variants)
    assert work["trained"] == ["small", "large"]
    assert work["evaluated"] == [["base", "large", "small"]]
    assert {(c.suite, c.metric) for c in result.comparisons if c.is_primary} == {
        ("toy", "exact_match"),
        ("general", "token_f1"),
    }
    assert result.advice[0].startswith("Keep base: no configuration is shown to be better on toy")
    assert load_result(study.folder) == result
    first = next(i for i, line in enumerate(said) if line.startswith("Training small: 1 rows"))
    assert all(line.startswith("small: note: ") for line in said[:first])
    assert "no general data in the mix" in said[0]


def test_an_adapter_that_cannot_be_served_is_refused_before_anything_is_trained(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    study = load_study(
        study_file(STUDY.replace("{lora: {r: 4}", "{lora: {r: 600}" + UNMERGED)), tmp_path / "runs"
    )
    served_by_vllm = replace(study, config=study.config.model_copy(update={"engine": "vllm"}))

    with pytest.raises(
        ConfigError, match=r"study.yaml: configuration 'small': lora.r 600 is above"
    ):
        run_study(served_by_vllm, say=lambda line: None)

    assert work["trained"] == []


def test_running_a_study_twice_does_nothing_twice(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    file = study_file()
    first = run_study(load_study(file, tmp_path / "runs"), say=lambda line: None)

    again = run_study(load_study(file, tmp_path / "runs"), say=lambda line: None)

    assert work["trained"] == ["small", "large"]
    assert len(work["evaluated"]) == 1
    assert (again.comparisons, again.advice) == (first.comparisons, first.advice)


def test_a_training_that_fails_is_recorded_and_the_others_go_on(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    work["broken"] = {"small"}

    result = run_study(load_study(study_file(), tmp_path / "runs"), say=lambda line: None)

    assert [variant.status for variant in result.variants] == ["complete", "failed", "complete"]
    assert result.variants[1].failure == "training small: out of luck"
    assert {c.configuration for c in result.comparisons} == {"large"}


def test_a_failed_training_is_tried_again(study_file: Any, work: Any, tmp_path: Path) -> None:
    file = study_file()
    work["broken"] = {"small"}
    run_study(load_study(file, tmp_path / "runs"), say=lambda line: None)
    work["broken"] = set()

    result = run_study(load_study(file, tmp_path / "runs"), say=lambda line: None)

    assert work["trained"] == ["small", "large", "small"]
    assert all(variant.status == "complete" for variant in result.variants)


def test_an_adapter_without_effect_is_recorded_and_the_others_go_on(
    study_file: Any, work: Any, echo: Any, tmp_path: Path
) -> None:
    echo.inert = {"small"}

    result = run_study(load_study(study_file(), tmp_path / "runs"), say=lambda line: None)

    assert [variant.status for variant in result.variants] == ["complete", "failed", "complete"]
    assert "does not change the model" in (result.variants[1].failure or "")


def test_a_baseline_that_cannot_be_evaluated_ends_the_study(
    study_file: Any, work: Any, echo: Any, tmp_path: Path
) -> None:
    echo.doubled_bos = True

    with pytest.raises(RunError, match="other prompt tokens"):
        run_study(load_study(study_file(), tmp_path / "runs"), say=lambda line: None)


def test_gold_items_in_the_training_data_are_named(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text(
        ROW + ROW.replace("Hi", "Capital of Peru?"), encoding="utf-8"
    )
    study = load_study(study_file(), tmp_path / "runs")

    (found,) = study_leaks(study, study.suites[0])

    assert (found.leak.gold_id, found.leak.kind) == ("q3", "exact")
    assert found.leak.origin.endswith("rows.jsonl:2")
    assert found.configurations == ("small", "large")


def test_leaks_are_said_before_training_and_left_out_of_a_second_table(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    rows = ROW + ROW.replace("Hi", "Capital of Peru?")
    (tmp_path / "rows.jsonl").write_text(rows, encoding="utf-8")
    said: list[str] = []

    result = run_study(load_study(study_file(), tmp_path / "runs"), say=said.append)

    warned, trained = (
        next(i for i, line in enumerate(said) if word in line)
        for word in ("1 leaked", "Training small")
    )
    assert warned < trained
    assert any("q3" in warning for warning in result.warnings)
    ours = {(c.metric, c.configuration): c.n for c in result.comparisons if c.suite == "toy"}
    clean = {(c.metric, c.configuration): c.n for c in result.clean}
    assert ours["exact_match", "small"] == 3
    assert clean["exact_match", "small"] == 2
    assert clean["accuracy", "small"] == ours["accuracy", "small"]
    assert {c.suite for c in result.clean} == {"toy"}


def test_the_plan_of_a_new_study_is_all_to_do(study_file: Any, work: Any, tmp_path: Path) -> None:
    steps = plan_study(load_study(study_file(), tmp_path / "runs"))

    assert [(s.kind, s.configuration, s.suite, s.state) for s in steps] == [
        ("train", "small", None, "to do"),
        ("train", "large", None, "to do"),
        ("evaluate", "base", "toy", "to do"),
        ("evaluate", "base", "general", "to do"),
        ("evaluate", "small", "toy", "to do"),
        ("evaluate", "small", "general", "to do"),
        ("evaluate", "large", "toy", "to do"),
        ("evaluate", "large", "general", "to do"),
    ]
    assert steps[3].amount == "8 of 8 items"
    assert all(step.seconds > 0 and step.memory_bytes > 0 for step in steps)


def test_the_plan_of_a_finished_study_takes_no_time(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    study = load_study(study_file(), tmp_path / "runs")
    run_study(study, say=lambda line: None)

    steps = plan_study(study)

    assert {step.state for step in steps} == {"done"}
    assert sum(step.seconds for step in steps) == 0


def test_the_plan_shows_what_resumes(study_file: Any, work: Any, echo: Any, tmp_path: Path) -> None:
    study: Study = load_study(study_file(), tmp_path / "runs")
    echo.failing = {"q1"}
    with pytest.raises(RunError):
        run_cells(missing_cells(study, None), study.serving, study.root)

    steps = {(s.configuration, s.suite): s for s in plan_study(study)}

    assert (steps["base", "toy"].state, steps["base", "toy"].amount) == ("resumes", "1 of 4 items")
    assert steps["base", "general"].state == "done"


def test_items_without_completion_are_warned_about(
    study_file: Any, work: Any, echo: Any, tmp_path: Path
) -> None:
    study = load_study(study_file(), tmp_path / "runs")
    run_study(study, say=lambda line: None)
    folder = next((tmp_path / "runs" / "toy").glob("base-*"))
    lines = (folder / "completions.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "completions.jsonl").write_text("".join(lines[1:]), encoding="utf-8")

    result = study_run.summarise(study)

    assert "base on toy: 1 of 4 items have no completion" in result.warnings


JUDGED = """\
name: general
version: "1"
language: en
description: d
tasks: {qa: {metrics: [token_f1, {judge: kind}, {win_rate: better}]}}
judges:
  kind: {model: ../tiny-model, engine: echo, rubric: helpfulness}
  better: {model: ../tiny-model, engine: echo, rubric: preference}
"""


class Verdicts(dict[str, str]):
    """Judges' questions, whose ids end with a digest, get verdicts; others their stored text."""

    def get(self, key: str, default: str = "") -> str:  # pyright: ignore[reportIncompatibleMethodOverride] - all that is used
        return "Fine. [[4]] [[4]]" if "#" in key else super().get(key, default)


@pytest.fixture
def judged(
    study_file: Any, work: Any, echo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A study whose second suite declares judges, which work in this process."""
    file: Path = study_file()
    (tmp_path / "general" / "suite.yaml").write_text(JUDGED, encoding="utf-8")
    echo.texts = Verdicts()

    def child(arguments: tuple[str, ...], *, folder: Path, what: str) -> None:
        assert judge.main(Path(arguments[-1])) == 0, (folder / "failure.json").read_text()

    monkeypatch.setattr(judge, "run_child", child)
    return file


def test_a_study_asks_its_suites_judges(judged: Path, echo: Any, tmp_path: Path) -> None:
    said: list[str] = []

    result = run_study(load_study(judged, tmp_path / "runs"), say=said.append)

    found = {(c.metric, c.configuration): c for c in result.comparisons if c.suite == "general"}
    assert found["judge(kind)", "small"].after.value == 4.0
    assert found["win_rate(better)", "small"].after.value == 0.5  # every answer is "right"
    assert "Judging general: 8 questions to kind, better" in said
    assert not any("judge" in warning for warning in result.warnings)


def test_a_study_asks_its_judges_once(judged: Path, echo: Any, tmp_path: Path) -> None:
    run_study(load_study(judged, tmp_path / "runs"), say=print)
    n_requests, said = len(echo.requests), list[str]()

    run_study(load_study(judged, tmp_path / "runs"), say=said.append)

    assert len(echo.requests) == n_requests
    assert said == []


def test_a_judge_that_fails_leaves_its_metric_unscored_and_the_study_goes_on(
    judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(arguments: tuple[str, ...], *, folder: Path, what: str) -> None:
        raise RunError(f"{what}: no memory")

    monkeypatch.setattr(judge, "run_child", broken)

    result = run_study(load_study(judged, tmp_path / "runs"), say=print)

    measured = {c.metric for c in result.comparisons if c.suite == "general"}
    assert "token_f1" in measured
    assert "judge(kind)" not in measured
    assert "general was not judged: judging general: no memory" in result.warnings
    assert "base on general: 8 of 8 items have no score from judge(kind)" in result.warnings


def test_unreadable_verdicts_are_warned_about(judged: Path, echo: Any, tmp_path: Path) -> None:
    echo.texts = {}

    result = run_study(load_study(judged, tmp_path / "runs"), say=print)

    assert "small on general: 8 of 8 items have no score from judge(kind)" in result.warnings


def test_a_gauge_that_decides_is_refused(
    study_file: Any, suite_folder: Callable[..., Path], tmp_path: Path
) -> None:
    file = study_file(STUDY.replace("metric: token_f1", "metric: length"))
    suite = tmp_path / "general" / "suite.yaml"
    suite.write_text(GENERAL.replace("token_f1", "token_f1, length"), encoding="utf-8")

    with pytest.raises(ConfigError, match=r"study.yaml: primary: 'length' is a gauge"):
        load_study(file, tmp_path / "runs")
