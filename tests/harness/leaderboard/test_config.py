"""A board's YAML file: every mistake is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.leaderboard.config import load_board_config, short_config
from harness.spec import parse_specs
from tests.harness.leaderboard.support import BOTH, TOY, WEIGHED, Toy


def test_a_whole_file_is_read(toy: Toy) -> None:
    config = load_board_config(toy.file(WEIGHED))

    assert config.name == "weighed"
    assert [one.weight for one in config.metrics] == [3, 1]
    assert config.limits.coverage == 1
    assert config.template == "same"


def test_one_place_of_runs_needs_no_list(toy: Toy) -> None:
    assert load_board_config(toy.file(TOY.replace("[runs]", "runs"))).runs == ("runs",)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (TOY + "limit: {coverage: 1}\n", 5, "limits"),
        (TOY + "limits: {coverage: 2}\n", 5, "coverage"),
        (TOY + "template: mine\n", 5, "template"),
        (TOY + "ridge: 0\n", 5, "ridge"),
        (TOY + "models: {a: not-a-hub-id}\n", 5, "models"),
        (TOY + "datasets: {one: {id: x}}\n", 5, "id"),
        (TOY.replace("name: toy", "name: to/y"), 1, "name"),
        (WEIGHED.replace("weight: 3", "weight: 0"), 4, "weight"),
        (TOY.replace("[runs]", "[runs"), 5, "not valid YAML"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(toy: Toy, text: str, line: int, told: str) -> None:
    file = toy.file(text)

    with pytest.raises(ConfigError, match=told) as error:
        load_board_config(file)

    assert f"{file}:{line}" in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TOY + "votes: v.jsonl\n", "either `votes` or"),
        ("name: b\nruns: [runs]\n", "missing key 'suites'"),
        ("name: b\nsuites: [one]\n", "missing key 'runs'"),
        (BOTH.replace("suite: two", "suite: one"), "'one' stands there twice"),
        (WEIGHED.replace(", weight: 1", ""), "every metric a weight, or none"),
    ],
)
def test_what_does_not_fit_together_is_told(toy: Toy, text: str, told: str) -> None:
    file = toy.file(text)

    with pytest.raises(ConfigError, match=told) as error:
        load_board_config(file)

    assert str(file) in str(error.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"board\.yaml"):
        load_board_config(tmp_path / "board.yaml")


def test_short_form_gives_one_metric_to_all_suites() -> None:
    config = short_config(
        name="b",
        runs=("runs",),
        suites=("one", "two"),
        metrics=parse_specs("bleu(tokenize=intl)"),
        suite_names=("one", "two"),
    )

    assert [(one.suite, one.metric.label) for one in config.metrics] == [
        ("one", "bleu(tokenize=intl)"),
        ("two", "bleu(tokenize=intl)"),
    ]


def test_short_form_asks_for_as_many_metrics_as_suites() -> None:
    with pytest.raises(ConfigError, match="2 metrics for 3 suites"):
        short_config(
            name="b",
            runs=("runs",),
            suites=("one", "two", "three"),
            metrics=parse_specs("bleu,chrf"),
            suite_names=("one", "two", "three"),
        )
