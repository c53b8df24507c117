"""Classification against scikit-learn, on PubMedQA's human answers and on random classes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from harness.errors import ConfigError, GoldError
from harness.metrics.base import Item, Setting, is_pure
from harness.metrics.build import build_metric, metric_of, suite_metrics
from harness.metrics.classify import Confusion, confusion
from harness.spec import Spec
from harness.suite import load_suite
from harness.types import Completion, GoldRecord
from tests.harness.metrics.support import items, matrix, value

NAMES = ("accuracy", "macro_f1", "micro_f1", "weighted_f1", "balanced_accuracy", "mcc")
CLASSES = ("yes", "no", "maybe")
SETTING = Setting(language="en", labels=CLASSES)


def library(name: str, gold: Any, said: Any) -> float:
    """scikit-learn; an abstention is a predicted class "none", over which F1 does not average."""
    occurring = sorted((set(gold) | set(said)) - {"none"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if name == "accuracy":
            return float(sk.accuracy_score(gold, said))
        if name == "balanced_accuracy":
            return float(sk.balanced_accuracy_score(gold, said))
        if name == "mcc":
            return float(sk.matthews_corrcoef(gold, said))
        average = name.removesuffix("_f1")
        options: dict[str, Any] = {"average": average, "zero_division": 0}
        return float(sk.f1_score(gold, said, labels=occurring, **options))


@pytest.mark.parametrize("name", NAMES)
@given(
    pairs=st.lists(
        st.tuples(st.sampled_from(CLASSES), st.sampled_from([*CLASSES, "none"])),
        min_size=1,
        max_size=40,
    )
)
def test_it_equals_scikit_learn_abstentions_included(
    name: str, pairs: list[tuple[str, str]]
) -> None:
    gold, said = [g for g, _ in pairs], [s for _, s in pairs]

    found = value(build_metric(name, SETTING), [(s, (g,)) for g, s in pairs])

    assert found == pytest.approx(library(name, gold, said), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_it_equals_scikit_learn_on_many_rows_and_on_every_bootstrap_draw(name: str) -> None:
    rng = np.random.default_rng(7)
    classes = [f"class {i}" for i in range(12)]
    gold = rng.choice(classes, size=3000, p=rng.dirichlet(np.ones(12)))
    said = np.where(rng.random(3000) < 0.6, gold, rng.choice([*classes, "none"], size=3000))
    metric = build_metric(name, Setting(language="en", labels=tuple(classes)))
    stats = matrix(metric, [(s, (g,)) for g, s in zip(gold, said, strict=True)])

    draws = rng.integers(0, 3000, size=(5, 200))
    found = metric.reduce(stats[draws].sum(axis=1))

    assert metric.reduce(stats.sum(axis=0)) == pytest.approx(library(name, gold, said), rel=1e-12)
    expected = [library(name, gold[draw], said[draw]) for draw in draws]
    assert found == pytest.approx(expected, rel=1e-12)


# PubMedQA's paper, human performance, and the majority answer; see SOURCE.md of the data.
PUBMEDQA = {
    "reasoning_free_pred": (0.904, 0.8418234463609919),
    "reasoning_required_pred": (0.78, 0.7219204203288246),
    "majority": (0.552, 0.2371134020618557),
}


@pytest.mark.parametrize(("who", "expected"), PUBMEDQA.items())
def test_pubmedqa_human_answers_meet_the_published_values(
    SHARED: Path, who: str, expected: tuple[float, float]
) -> None:
    folder = SHARED / "data" / "pubmedqa"
    rows = json.loads((folder / "ori_pqal.json").read_text(encoding="utf-8"))
    gold = json.loads((folder / "test_ground_truth.json").read_text(encoding="utf-8"))
    pairs = [(rows[key].get(who, "yes"), (label,)) for key, label in gold.items()]

    assert len(pairs) == 500
    assert value(build_metric("accuracy", SETTING), pairs) == pytest.approx(expected[0], abs=1e-15)
    assert value(build_metric("macro_f1", SETTING), pairs) == pytest.approx(expected[1], abs=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_without_one_label_is_wrong_and_counted_as_not_extracted(name: str) -> None:
    metric = build_metric(name, SETTING)

    answered, silent, both = metric.measure(
        items([("It is no.", ("yes",)), ("I cannot say", ("yes",)), ("yes and no", ("yes",))])
    )

    assert answered is not None
    assert answered.is_extracted
    assert silent is not None
    assert not silent.is_extracted
    assert both is not None
    assert both == silent
    assert metric.reduce(np.asarray(silent.stats)) == 0.0


def chosen(*logprobs: float, choices: Sequence[str] = CLASSES, answer: int = 0) -> Item:
    return Item(
        gold=GoldRecord(id="g", task="t", input="?", choices=tuple(choices), answer=answer),
        completion=Completion(
            gold_id="g", finish="stop", prompt_tokens=1, choice_logprobs=logprobs or None
        ),
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_likeliest_choice_is_the_predicted_class(name: str) -> None:
    found = [
        chosen(-1.0, -2.0, -3.0, answer=0),
        chosen(-2.0, -1.0, -3.0, answer=0),
        chosen(-2.0, -1.0, -0.5, choices=("no", "maybe", "yes"), answer=2),
        chosen(-9.0, -9.5, -1.0, answer=2),
    ]
    metric = build_metric(name, SETTING)

    stats = [m.stats for m in metric.measure(found) if m is not None]

    expected = library(name, ["yes", "yes", "yes", "maybe"], ["yes", "no", "yes", "maybe"])
    assert metric.reduce(np.sum(stats, axis=0)) == pytest.approx(expected, rel=1e-12)
    assert metric.measure([chosen()]) == [None]


def test_choices_that_differ_have_an_accuracy_but_no_classes() -> None:
    cities = chosen(-1.0, -2.0, choices=("Paris", "Rome"))
    animals = chosen(-1.0, -2.0, choices=("cat", "dog"), answer=1)
    setting = Setting(language="en")

    stats = [m.stats for m in build_metric("accuracy", setting).measure([cities, animals]) if m]

    assert stats == [(1.0, 1.0), (0.0, 1.0)]
    with pytest.raises(ConfigError, match=r"'macro_f1' needs classes.*use `accuracy`"):
        build_metric("macro_f1", setting).measure([cities, animals])


def test_any_of_several_right_classes_counts() -> None:
    pairs = [("maybe", ("yes", "maybe")), ("no", ("yes", "maybe"))]

    assert value(build_metric("accuracy", SETTING), pairs) == 0.5
    # As if gold were maybe, yes: F1 of maybe 1, of yes 0, of no 0.
    assert value(build_metric("macro_f1", SETTING), pairs) == pytest.approx(1 / 3)


def test_a_gold_answer_outside_of_the_labels_is_named() -> None:
    with pytest.raises(
        GoldError, match=r"'g0': the right answer 'perhaps' is not one of the labels"
    ):
        value(build_metric("macro_f1", SETTING), [("yes", ("perhaps",))])


@pytest.mark.parametrize("name", NAMES)
def test_only_known_labels_make_an_item_independent_of_the_others(name: str) -> None:
    assert is_pure(build_metric(name, SETTING))
    assert not is_pure(build_metric(name, Setting(language="en")))


def test_without_declared_labels_the_references_are_the_classes() -> None:
    pairs = [("yes", ("yes",)), ("It is no", ("no",)), ("no", ("yes",))]

    assert value(build_metric("macro_f1", Setting(language="en")), pairs) == pytest.approx(2 / 3)


SUITE = """\
name: toy
version: "1"
language: zh
description: Classes.
tasks:
  law:
    metrics: [accuracy, macro_f1]
  pick:
    type: multiple_choice
    metrics: [accuracy]
"""
GOLD = [
    {"id": "1", "task": "law", "input": "?", "references": ["侵权"]},
    {"id": "2", "task": "law", "input": "?", "references": ["婚姻家庭"]},
    {"id": "3", "task": "pick", "input": "?", "choices": ["甲", "乙"], "answer": 0},
    {"id": "4", "task": "pick", "input": "?", "choices": ["丙", "丁"], "answer": 0},
]


def test_a_suite_gives_its_gold_answers_as_labels_whatever_is_measured_at_once(
    suite_folder: Any,
) -> None:
    suite = load_suite(suite_folder(SUITE, GOLD))

    macro, accuracy = (metric_of(suite, Spec(name=name)) for name in ("macro_f1", "accuracy"))

    assert macro.signature == "macro_f1@1|labels:侵权,婚姻家庭|several:abstain"
    assert accuracy.signature.startswith("accuracy@1|by:loglikelihood,label|labels:侵权,婚姻家庭|")
    (alone,) = macro.measure(items([("侵权", ("侵权",))]))
    assert alone is not None
    assert len(alone.stats) == 7


def test_a_suite_whose_choices_differ_is_refused_before_it_is_run(suite_folder: Any) -> None:
    yaml = SUITE.replace("    type: multiple_choice\n    metrics: [accuracy]", "    type: multiple_choice\n    metrics: [mcc]")  # fmt: skip
    suite = load_suite(suite_folder(yaml, GOLD))

    with pytest.raises(ConfigError, match=r"suite\.yaml:\d+: task 'pick': .*'mcc' needs classes"):
        suite_metrics(suite)


def test_declared_labels_come_before_the_gold_answers(suite_folder: Any) -> None:
    yaml = SUITE.replace("  law:\n", "  law:\n    labels: [婚姻家庭, 侵权, 合同纠纷]\n")
    suite = load_suite(suite_folder(yaml, GOLD))

    assert "|labels:婚姻家庭,侵权,合同纠纷|" in metric_of(suite, Spec(name="macro_f1")).signature


def test_the_confusion_matrix_has_a_column_for_no_answer() -> None:
    pairs = [("yes", ("yes",)), ("yes", ("no",)), ("?", ("no",)), ("maybe", ("maybe",))]
    metric = build_metric("macro_f1", SETTING)

    found = confusion(metric, matrix(metric, pairs).tolist())

    assert found == Confusion(labels=CLASSES, counts=((1, 0, 0, 0), (1, 0, 0, 1), (0, 0, 1, 0)))


def test_the_confusion_matrix_equals_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    gold, said = rng.choice(CLASSES, 500), rng.choice([*CLASSES, "none"], 500)
    metric = build_metric("mcc(extract=strip_think)", SETTING)

    found = confusion(
        metric, matrix(metric, [(s, (g,)) for g, s in zip(gold, said, strict=True)]).tolist()
    )

    assert found is not None
    expected = sk.confusion_matrix(gold, said, labels=[*CLASSES, "none"])
    assert [list(row) for row in found.counts] == expected[:3].tolist()


@pytest.mark.parametrize("name", ["accuracy", "micro_f1", "exact_match"])
def test_a_metric_that_does_not_count_by_class_has_no_confusion_matrix(name: str) -> None:
    metric = build_metric(name, SETTING)

    assert confusion(metric, matrix(metric, [("yes", ("yes",))]).tolist()) is None
    assert confusion(build_metric("mcc", SETTING), []) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_scale_says_the_range(name: str) -> None:
    scale = build_metric(name, SETTING).scale

    assert (scale.low, scale.high) == (-1.0 if name == "mcc" else 0.0, 1.0)
    assert scale.is_binary == (name == "accuracy")
