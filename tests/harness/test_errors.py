from __future__ import annotations

import pytest

from harness import errors
from harness.errors import HarnessError, InputError, MissingExtraError, UnknownNameError, suggestion
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.metrics.catalogue import EXAMPLES
from harness.registry import ENGINES, METRICS, load
from harness.spec import Spec

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, HarnessError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_input_exits_with_two_and_a_failure_with_one(kind: type[HarnessError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, InputError) else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_stands_in_the_tree_at_the_top(kind: type[HarnessError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("bluu", " (did you mean 'bleu'?)"), ("xyz", ""), ("BLEU", "")],
)
def test_only_a_near_name_is_suggested(name: str, expected: str) -> None:
    assert suggestion(name, ["bleu", "chrf"]) == expected


def test_an_unknown_name_lists_the_known_ones_in_order() -> None:
    error = UnknownNameError("metric", "chr", ["chrf", "bleu"], where="suite.yaml")

    assert str(error) == (
        "suite.yaml: unknown metric 'chr' (did you mean 'chrf'?); known: bleu, chrf"
    )


def test_a_missing_extra_names_the_command() -> None:
    assert "pip install 'tunemark[hf]'" in str(MissingExtraError("training", "hf"))


def test_an_unknown_registered_name_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown engine 'replai' .*'replay'"):
        load("engine", "replai", ENGINES)


NEED_MORE = {"hub", "similarity", "bertscore", "custom", "judge", "win_rate"}
"""Metrics that need a module, a model, a file or a suite; each has tests of its own."""


@pytest.mark.parametrize("name", sorted(METRICS.keys() - NEED_MORE))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_registered_metric_is_built_under_its_name(name: str, language: str) -> None:
    spec = Spec(name=name, params=dict(EXAMPLES.get(name, {})))

    metric = build_metric(spec, Setting(language=language))

    assert metric.name == spec.label
    assert metric.signature.startswith(f"{name}@")
