from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.errors import ConfigError, UnknownNameError
from harness.metrics.base import Metric, Setting
from harness.metrics.build import build_metric, suite_metrics
from harness.spec import Spec
from harness.suite import load_suite
from tests.harness.metrics.support import items, value

SHOUTS = '''\
"""Whether the answer shouts."""

from harness.metrics.base import BINARY, MeanMetric, Setting


def shouts(setting: Setting, *, marks: int = 1) -> MeanMetric:
    """Share of answers with enough exclamation marks, 0 to 1."""

    def score(gold, completion):
        return float(completion.text.count("!") >= marks)

    return MeanMetric(
        name="shouts", signature=f"shouts@1|marks:{marks}", score=score, scale=BINARY
    )
'''


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(code: str = SHOUTS, name: str = "shouts.py") -> Path:
        (tmp_path / name).write_text(code, encoding="utf-8")
        return tmp_path

    return make


def built(folder: Path, *, trusts_code: bool = True, **params: Any) -> Metric:
    spec = Spec(name="custom", params=params)
    return build_metric(spec, Setting(language="en", folder=folder, trusts_code=trusts_code))


def test_a_file_in_the_suites_folder_becomes_a_metric(write: Callable[..., Path]) -> None:
    metric = built(write(), value="shouts.py")

    assert value(metric, [("Yes!", ("x",)), ("no", ("x",))]) == 0.5
    assert metric.name == "custom(shouts.py)"
    assert metric.scale.is_binary


def test_parameters_reach_the_factory_and_the_signature(write: Callable[..., Path]) -> None:
    folder = write()

    once, twice = (built(folder, file="shouts.py", name="shouts", marks=n) for n in (1, 2))

    assert value(twice, [("Yes!", ("x",)), ("no!!", ("x",))]) == 0.5
    assert "shouts@1|marks:2" in twice.signature
    assert once.signature != twice.signature


def test_another_code_is_another_signature(write: Callable[..., Path]) -> None:
    before = built(write(), value="shouts.py").signature
    after = built(write(SHOUTS + "\n# changed\n"), value="shouts.py").signature

    assert before.split("|code:")[0] == after.split("|code:")[0]
    assert before != after


def test_code_that_is_not_trusted_is_not_run(write: Callable[..., Path]) -> None:
    folder = write("raise SystemExit('it was run')")

    with pytest.raises(ConfigError, match=r"shouts\.py; read it.*--trust-code"):
        built(folder, trusts_code=False, value="shouts.py")


@pytest.mark.parametrize(
    ("code", "params", "message"),
    [
        ("def shouts(:\n", {}, r"shouts\.py:1: SyntaxError"),
        ("\nimport no_such_module\n", {}, r"shouts\.py:2: ModuleNotFoundError"),
        ("def shout(setting):\n    return 1\n", {}, r"no function 'shouts' \(did you mean 'shout'"),
        ("def shouts(setting):\n    return 1\n", {}, r"returned a int without name, signature"),
        ("def shouts(setting):\n    1 / 0\n", {}, r"shouts\.py:2: ZeroDivisionError"),
        (SHOUTS, {"mark": 2}, r"no parameter 'mark' \(did you mean 'marks'\?\)"),
        (SHOUTS, {"marks": "many"}, r"parameter 'marks': .*integer"),
    ],
)
def test_a_fault_of_the_code_is_told_with_its_line(
    write: Callable[..., Path], code: str, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        built(write(code), file="shouts.py", **params)


def test_a_missing_file_offers_the_nearest(write: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match=r"no such file \(did you mean 'shouts.py'\?\)"):
        built(write(), value="shout.py")


@pytest.mark.parametrize("params", [{}, {"value": "a.py", "file": "b.py"}])
def test_exactly_one_file_is_named(write: Callable[..., Path], params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="needs a file"):
        built(write(), **params)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("completion.no_such_field", r"shouts\.py:10: AttributeError"),
        ('float("nan")', r"item 'g0': statistics must be finite"),
    ],
)
def test_a_fault_while_measuring_names_the_file(
    write: Callable[..., Path], body: str, message: str
) -> None:
    code = SHOUTS.replace('float(completion.text.count("!") >= marks)', body)
    metric = built(write(code), value="shouts.py")

    with pytest.raises(ConfigError, match=message):
        metric.measure(items([("Yes!", ("x",))]))


def test_a_suite_that_names_code_is_refused_before_anything_runs(
    suite_folder: Callable[..., Path],
) -> None:
    yaml = (
        "name: toy\nversion: '1'\nlanguage: en\ndescription: d\n"
        "tasks:\n  qa:\n    metrics: [{custom: shouts.py}]\n"
    )
    gold = [{"id": "q1", "task": "qa", "input": "?", "references": ["x"]}]
    folder = suite_folder(yaml, gold)
    (folder / "shouts.py").write_text(SHOUTS, encoding="utf-8")
    suite = load_suite(folder)

    with pytest.raises(ConfigError, match=r"suite\.yaml:7: task 'qa': .*'custom' runs Python code"):
        suite_metrics(suite)
    assert [metric.name for metric in suite_metrics(suite, trusts_code=True)] == [
        "custom(shouts.py)"
    ]


def test_an_installed_package_adds_a_metric_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shouting_metrics.py").write_text(SHOUTS, encoding="utf-8")
    info = tmp_path / "shouting_metrics-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting-metrics\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tunemark.metrics]\nshouts = shouting_metrics:shouts\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.metrics.cache_clear()
    try:
        metric = build_metric("shouts(marks=2)", Setting(language="en"))
        assert value(metric, [("Yes!!", ("x",)), ("no!", ("x",))]) == 0.5
    finally:
        sys.modules.pop("shouting_metrics", None)
        monkeypatch.undo()
        registry.metrics.cache_clear()
    with pytest.raises(UnknownNameError):
        build_metric("shouts", Setting(language="en"))
