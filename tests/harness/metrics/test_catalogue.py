"""What is told of metrics and steps comes from themselves."""

from __future__ import annotations

import pytest

from harness.errors import UnknownNameError
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.metrics.catalogue import catalogue, entry_of, shown_range, without_versions
from harness.metrics.extract import STEPS
from harness.registry import EXTRAS, METRICS, WHOLE_ANSWER, metrics

ENTRIES = {entry.name: entry for entry in catalogue()}


def test_every_metric_and_step_is_listed_once() -> None:
    assert [entry.name for entry in catalogue()] == [*metrics(), *STEPS]


@pytest.mark.parametrize("name", [*METRICS, *STEPS])
def test_each_says_what_it_is_for_in_one_sentence(name: str) -> None:
    purpose = ENTRIES[name].purpose

    assert 20 < len(purpose) < 130
    assert purpose.endswith(".")
    assert "\n" not in purpose


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
    find, tolerance, relative = entry_of("numeric_match").parameters

    assert (find.name, find.kind, find.default) == ("find", "last | marked | auto | whole", "last")
    assert (tolerance.kind, tolerance.default, tolerance.is_required) == ("number", 0.0, False)
    assert relative.purpose.startswith("The same as a share of the reference")


def test_a_required_parameter_is_told() -> None:
    (value,) = [p for p in entry_of("after").parameters if p.name == "value"]

    assert value.is_required
    assert value.kind == "text | list of texts"


def test_a_gauge_has_an_open_range_and_no_better_side() -> None:
    scale = entry_of("length").scale

    assert scale is not None
    assert (shown_range(scale), scale.better) == ("0–∞", "neither")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match=r"'numeric_mach' \(did you mean 'numeric_match'\?\)"
    ):
        entry_of("numeric_mach")


def test_versions_of_libraries_are_left_out_and_nothing_else() -> None:
    signature = build_metric("bleu", Setting(language="en")).signature

    assert "sacrebleu" not in without_versions(signature)
    assert without_versions(signature) == signature.rsplit("|", 1)[0]


def test_the_gauges_of_whole_answers_are_metrics() -> None:
    assert set(METRICS) >= WHOLE_ANSWER
    assert set(EXTRAS) <= set(METRICS)
