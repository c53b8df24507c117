"""What is told of metrics and steps comes from themselves."""

from __future__ import annotations

import pytest

from harness.errors import UnknownNameError
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.metrics.catalogue import catalogue, entries_of, shown_range, without_versions
from harness.metrics.extract import STEPS
from harness.registry import EXTRAS, METRICS, WHOLE_ANSWER, metrics

ALL = catalogue()
ENTRIES = {entry.name: entry for entry in reversed(ALL)}
"""Of a name that a metric and a step share: the metric."""


def test_every_metric_and_step_is_listed_once() -> None:
    assert [entry.name for entry in ALL if entry.kind == "metric"] == list(metrics())
    assert [entry.name for entry in ALL if entry.kind == "step"] == list(STEPS)


def test_a_name_that_both_have_gives_both() -> None:
    assert [entry.kind for entry in entries_of("regex")] == ["metric", "step"]


@pytest.mark.parametrize("name", [*METRICS, *STEPS])
def test_each_says_what_it_is_for_in_one_sentence(name: str) -> None:
    for entry in entries_of(name):
        assert 20 < len(entry.purpose) < 130
        assert entry.purpose.endswith(".")
        assert "\n" not in entry.purpose


@pytest.mark.parametrize("name", METRICS)
def test_the_signature_shown_is_that_of_the_default(name: str) -> None:
    entry = ENTRIES[name]
    if name in EXTRAS or any(parameter.is_required for parameter in entry.parameters):
        return

    for language, signature in entry.signatures.items():
        if "schema:…" not in signature:
            assert signature == build_metric(name, Setting(language=language)).signature


@pytest.mark.parametrize("name", [*METRICS, *STEPS])
def test_every_parameter_is_explained_where_there_are_three_or_more(name: str) -> None:
    parameters = ENTRIES[name].parameters

    assert len(parameters) < 3 or name == "regex" or all(p.purpose for p in parameters)


def test_parameters_are_told_with_kind_and_default() -> None:
    (entry,) = entries_of("numeric_match")
    find, tolerance, relative = entry.parameters

    assert (find.name, find.kind, find.default) == ("find", "last | marked | auto | whole", "last")
    assert (tolerance.kind, tolerance.default, tolerance.is_required) == ("number", 0.0, False)
    assert relative.purpose.startswith("The same as a share of the reference")


def test_a_required_parameter_is_told() -> None:
    (entry,) = entries_of("after")
    (value,) = [p for p in entry.parameters if p.name == "value"]

    assert value.is_required
    assert value.kind == "text | list of texts"


def test_a_gauge_has_an_open_range_and_no_better_side() -> None:
    (entry,) = entries_of("length")
    scale = entry.scale

    assert scale is not None
    assert (shown_range(scale), scale.better) == ("0–∞", "neither")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match=r"'numeric_mach' \(did you mean 'numeric_match'\?\)"
    ):
        entries_of("numeric_mach")


def test_versions_of_libraries_are_left_out_and_nothing_else() -> None:
    signature = build_metric("bleu", Setting(language="en")).signature

    assert "sacrebleu" not in without_versions(signature)
    assert without_versions(signature) == signature.rsplit("|", 1)[0]


def test_the_gauges_of_whole_answers_are_metrics() -> None:
    assert set(METRICS) >= WHOLE_ANSWER
    assert set(EXTRAS) <= set(METRICS)
