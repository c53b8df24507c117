"""Studies with training seeds and with a part of the items kept for confirming."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.plan import plan_study
from harness.result import StudyResult, load_result
from harness.study import load_study
from harness.study_run import run_study
from tests.harness.test_study import STUDY, study_file, work

__all__ = ["study_file", "work"]
SEEDS = STUDY.replace("train: {lora: {r: 4}}", "train: {lora: {r: 4}}\n  seeds: [0, 1, 5]")
CONFIRM = (
    STUDY.replace(
        "{suite: toy, metric: exact_match}", "{suite: many, metric: exact_match}"
    ).replace("- suite\n", "- suite\n- many\n")
    + "confirm: {share: 0.5, seed: 3}\n"
)
MANY = 'name: many\nversion: "1"\nlanguage: en\ndescription: d\ntasks: {qa: {metrics: [exact_match, token_f1]}}\n'


@pytest.fixture
def many(suite_folder: Any) -> None:
    """A suite of forty questions, all with the answer that the engine gives."""
    gold = [
        {"id": f"m{i}", "task": "qa", "input": f"M{i}?", "references": [f"yes {i}"]}
        for i in range(40)
    ]
    suite_folder(MANY, gold, folder="many")


def run(file: Path, tmp_path: Path, said: list[str] | None = None) -> StudyResult:
    say = said.append if said is not None else lambda line: None
    return run_study(load_study(file, tmp_path / "runs"), say=say)


def faults(text: str, study_file: Any, tmp_path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_study(study_file(text), tmp_path / "runs")
    return str(caught.value)


FAULTS = {
    "no seed": ("[0, 1, 5]", "[]", ":16: configurations.0.seeds: tuple should have at least 1 item"),
    "a seed twice": ("[0, 1, 5]", "[0, 1, 0]", "study.yaml:16: configuration 'small': seed 0 appears twice"),
    "a seed of words": ("[0, 1, 5]", "[one]", ":16: configurations.0.seeds.0: input should be a valid integer"),
    "seeds and a seed": ("{lora: {r: 4}}", "{seed: 3}", "study.yaml:16: configuration 'small': give either `seeds` or `seed`"),
    "the name of a seed": ("name: large", "name: small.s1", "study.yaml:17: two configurations are called 'small.s1'"),
    "seeds of an adapter": ("train: {lora: {r: 4}}", "adapter: x", "study.yaml:14: configuration 'small': `seeds` train it here"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_in_seeds_is_told_with_its_line(
    study_file: Any, tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert message in faults(SEEDS.replace(old, new), study_file, tmp_path)


CONFIRM_FAULTS = {
    "all is kept": ("share: 0.5", "share: 1.0", ":19: confirm.share: input should be less than 1"),
    "an unknown key": ("share: 0.5", "part: 0.5", ":19: unknown key 'confirm.part'"),
    "too few to choose on": ("share: 0.5", "share: 0.99", "study.yaml:19: confirm: exact_match on many has 0 independent items or clusters to choose on, and needs 2"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), CONFIRM_FAULTS.values(), ids=CONFIRM_FAULTS)
@pytest.mark.usefixtures("many")
def test_a_fault_in_confirm_is_told_with_its_line(
    study_file: Any, tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert message in faults(CONFIRM.replace(old, new), study_file, tmp_path)


def test_a_configuration_is_trained_once_with_each_seed(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    study = load_study(study_file(SEEDS), tmp_path / "runs")

    run_study(study, say=lambda line: None)

    assert work["trained"] == ["small.s0", "small.s1", "small.s5", "large"]
    assert work["evaluated"] == [["base", "large", "small.s0", "small.s1", "small.s5"]]
    trainings = [variant.training for variant in study.variants if variant.training]
    assert [training.identity["config"]["seed"] for training in trainings] == [0, 1, 5, 0]


def test_seeds_are_compared_as_their_mean(study_file: Any, work: Any, tmp_path: Path) -> None:
    result = run(study_file(SEEDS), tmp_path)

    assert [variant.name for variant in result.variants] == [
        "base", "small.s0", "small.s1", "small.s5", "large",
    ]  # fmt: skip
    assert result.configurations == ("small", "large")
    assert {c.configuration for c in result.comparisons} == {"small", "large"}
    assert {(floor.configuration, floor.seeds) for floor in result.noise} == {("small", (0, 1, 5))}
    assert [point.configuration for point in result.trade_offs] == ["base", "small", "large"]
    assert load_result(tmp_path / "runs" / "studies" / "tiny-study") == result


def test_what_seeds_answer_differently_is_noise_and_their_mean_the_value(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    file = study_file(SEEDS)
    run(file, tmp_path)
    (folder,) = (tmp_path / "runs" / "toy").glob("small.s1-*")
    for scores in folder.glob("scores/exact_match*"):
        scores.unlink()
    lines = (folder / "completions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    right = {"q1": "Paris", "q2": "Tokyo", "q3": "Lima"}
    text = "".join(json.dumps({**r, "text": right.get(r["gold_id"], "")}) + "\n" for r in rows)
    (folder / "completions.jsonl").write_text(text, encoding="utf-8")

    result = run(file, tmp_path)

    compared = {(c.metric, c.configuration): c for c in result.comparisons if c.suite == "toy"}
    assert compared["exact_match", "small"].after.value == pytest.approx(1 / 3)
    (floor,) = (f for f in result.noise if f.metric == "exact_match")
    assert floor.values == (0.0, 1.0, 0.0)
    (warning,) = (w for w in result.warnings if "seed of training" in w)
    assert "toy exact_match" in warning
    assert "small and large (0.333 < 0.577)" in warning


def test_a_seed_that_fails_leaves_the_mean_of_the_others_and_a_warning(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    work["broken"] = {"small.s1"}

    result = run(study_file(SEEDS), tmp_path)

    assert [v.name for v in result.variants if v.status == "failed"] == ["small.s1"]
    assert {c.configuration for c in result.comparisons} == {"small", "large"}
    assert "small is the mean of 2 of its 3 seeds: others failed" in result.warnings


def test_a_configuration_whose_seeds_all_fail_is_not_compared(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    work["broken"] = {"small.s0", "small.s1", "small.s5"}

    result = run(study_file(SEEDS), tmp_path)

    assert {c.configuration for c in result.comparisons} == {"large"}


def test_the_plan_shows_every_seed(study_file: Any, work: Any, tmp_path: Path) -> None:
    steps = plan_study(load_study(study_file(SEEDS), tmp_path / "runs"))

    assert [step.configuration for step in steps if step.kind == "train"] == [
        "small.s0", "small.s1", "small.s5", "large",
    ]  # fmt: skip
    assert sum(step.kind == "evaluate" for step in steps) == 2 * 5


def test_leaks_name_the_configuration_of_the_seeds_once(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    file = study_file(SEEDS)
    row = '{"messages": [{"role": "user", "content": "Capital of Peru?"}, {"role": "assistant", "content": "Ho"}]}\n'
    (tmp_path / "rows.jsonl").write_text(row, encoding="utf-8")

    result = run(file, tmp_path)

    (found,) = result.suites[0].leaks
    assert found.configurations == ("small", "large")


@pytest.mark.usefixtures("many")
def test_the_plan_shows_what_is_kept_for_confirming(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    study = load_study(study_file(CONFIRM), tmp_path / "runs")

    before = [step for step in plan_study(study) if step.kind == "confirm"]
    run_study(study, say=lambda line: None)
    after = [step for step in plan_study(study) if step.kind == "confirm"]

    assert [step.suite for step in before] == ["toy", "many", "general"]
    assert before[1].amount == "20 items, after 20 to choose on"
    assert {step.state for step in before} == {"to do"}
    assert {step.state for step in after} == {"done"}


def answering(work_echo: Any, wrong: set[str]) -> None:
    """Let adapters answer right, apart from some of them; the base is always wrong."""
    answer = type(work_echo)._answer

    def own(request: Any) -> Any:
        found = answer(work_echo, request)
        gold_id = request.key.rpartition("/")[2]
        if gold_id.startswith("m") and request.adapter and request.adapter.name not in wrong:
            return type(found)(**{**_fields(found), "text": f"yes {gold_id[1:]}"})
        return found

    work_echo._answer = own


def _fields(answer: Any) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in answer.__dataclass_fields__}


@pytest.mark.usefixtures("many")
def test_what_is_chosen_on_one_half_is_reported_on_the_other(
    study_file: Any, work: Any, echo: Any, tmp_path: Path
) -> None:
    answering(echo, wrong={"small"})

    result = run(study_file(CONFIRM), tmp_path)

    found = result.confirmation
    assert found is not None
    assert (found.chosen, found.is_confirmed, found.n_configurations) == ("large", True, 2)
    assert found.n_items["many"] == (20, 20)
    assert {c.configuration for c in found.choice} == {"small", "large"}
    assert [(c.suite, c.metric, c.n) for c in found.confirmed if c.suite == "many"] == [
        ("many", "exact_match", 20)
    ]
    assert all(c.is_primary for c in (*found.choice, *found.confirmed))
    assert result.advice[0].startswith(
        "Keep large: on the half of the items not used for choosing it is better on many "
        "(exact_match 0 → 1, +1 "
    )
    assert "need no correction for the 2 configurations tried" in result.advice[0]
    assert next(c.n for c in result.comparisons if c.suite == "many") == 40


@pytest.mark.usefixtures("many")
def test_a_gain_on_the_choosing_half_alone_is_not_kept(
    study_file: Any, work: Any, echo: Any, tmp_path: Path
) -> None:
    file = study_file(CONFIRM)
    kept = load_study(file, tmp_path / "runs").kept["many"]
    answering(echo, wrong={"small"})
    lucky = echo._answer

    def answer(request: Any) -> Any:
        found = lucky(request)
        is_kept = request.key.rpartition("/")[2] in kept
        return type(found)(**{**_fields(found), "text": "no"}) if is_kept else found

    echo._answer = answer

    result = run(file, tmp_path)

    assert result.confirmation is not None
    assert (result.confirmation.chosen, result.confirmation.is_confirmed) == ("large", False)
    assert result.advice[0].startswith(
        "Keep base: large was chosen among 2 configurations on one half of the items, and the "
        "other half does not confirm it: "
    )
    assert "many exact_match (+0 [" in result.advice[0]


@pytest.mark.usefixtures("many")
def test_where_nothing_is_better_the_other_half_is_left_alone(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    result = run(study_file(CONFIRM), tmp_path)

    assert result.confirmation is not None
    assert (result.confirmation.chosen, result.confirmation.confirmed) == (None, ())
    assert result.advice[0] == (
        "Keep base: no configuration is shown to be better on many. So says the half of the items "
        "used for choosing among 2 configurations; the other half was left alone."
    )


def test_without_confirm_there_is_no_confirmation(
    study_file: Any, work: Any, tmp_path: Path
) -> None:
    assert run(study_file(), tmp_path).confirmation is None
