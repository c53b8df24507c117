"""The extraction steps, the pipeline of a task, and what a metric behind it sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError, InputError, UnknownNameError
from harness.metrics.base import Item, Setting
from harness.metrics.build import build_metric, suite_metrics
from harness.metrics.extract import STEPS, build_pipeline
from harness.spec import Spec
from harness.suite import load_suite
from harness.types import Completion, GoldRecord

TRACE = "2 and 2, is that 5? No."
FOUND: list[tuple[object, str, str | None]] = [
    ("strip_think", f"<think>{TRACE}</think>\n\n4", "4"),
    ("strip_think", f"{TRACE}</think>4", "4"),
    ("strip_think", f"<THINK>{TRACE}</THINK>4", "4"),
    ("strip_think", f"4 <think>{TRACE}</think>", "4"),
    ("strip_think", "<think>a</think>b<think>c</think>d", "bd"),
    ("strip_think", f"<think>{TRACE}", None),
    ("strip_think", f"4 <think>{TRACE}", "4"),
    ("strip_think", "<think></think>", None),
    ("strip_think", "4", "4"),
    ("strip_think", "", ""),
    ("strip_think", f"<|channel|>analysis<|message|>{TRACE}<|end|><|start|>assistant<|channel|>final<|message|>4", "4"),
    ("strip_think", f"◁think▷{TRACE}◁/think▷4", "4"),
    ("strip_think", f"<seed:think>{TRACE}</seed:think>4", "4"),
    ("strip_think", f"[THINK]{TRACE}[/THINK]4", "4"),
    ("strip_think", f"<|begin_of_thought|>{TRACE}<|end_of_thought|>4", "4"),
    ("strip_think(begins_inside=true)", TRACE, None),
    ("strip_think(begins_inside=true)", f"{TRACE}</think>4", "4"),
    ("strip_think(end=FINAL)", f"{TRACE} FINAL 4", "4"),
    ('strip_think(start="思考：",end="回答：")', "思考：很难。回答：四", "四"),
    ({"regex": "#### (.*)"}, "x\n#### 4\n#### 5", "4"),
    ({"regex": {"value": "#### (.*)", "which": "last"}}, "x\n#### 4\n#### 5", "5"),
    ({"regex": "[0-9]+"}, "a 12 b", "12"),
    ({"regex": {"value": "(?P<day>[0-9]+)\\.(?P<month>[0-9]+)", "group": "month"}}, "on 3.12", "12"),
    ({"regex": {"value": "(a)(b)", "group": 0}}, "xab", "ab"),
    ({"regex": {"value": "answer: (\\w+)", "ignore_case": True}}, "ANSWER: yes", "yes"),
    ({"regex": "(a)|b"}, "b", None),
    ({"regex": "x"}, "y", None),
    ({"after": "####"}, "12 apples\n#### 4", "4"),
    ({"after": ["Answer:", "答案："]}, "想一想。答案：四", "四"),
    ({"after": "Answer:"}, "Answer: 1\nAnswer: 2", "2"),
    ({"after": {"value": "Answer:", "which": "first", "until": "\n"}}, "Answer: 1\nAnswer: 2", "1"),
    ({"after": {"value": "Answer:", "until": "\n"}}, "Answer:\n2\nbye", "2"),
    ({"after": {"value": "answer:", "ignore_case": True}}, "ANSWER: 3", "3"),
    ({"after": "a.c"}, "abc d", None),
    ({"after": "####"}, "no mark", None),
    ({"after": "####"}, "nothing behind ####  ", None),
    ("boxed", r"so \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
    ("boxed", r"\boxed{1} or \boxed{2}", "2"),
    ("boxed", r"\boxed{a\}b}", r"a\}b"),
    ("boxed", r"\fbox{7}", "7"),
    ("boxed", r"\boxed 5 is it", "5"),
    ("boxed", r"\boxed{1} and \boxed{2", "1"),
    ("boxed", "none", None),
    ("last_number", "from 3 to $1,234.50.", "1234.5"),
    ("last_number(which=first)", "from 3 to 5", "3"),
    ("last_number", "一共三分之一", "1/3"),
    ("last_number", "50% of them", "50"),
    ("last_number", "none", None),
    ("json_block", 'Here:\n```json\n{"a": [1, 2]}\n```\nAs in [1].', '{"a": [1, 2]}'),
    ("json_block", 'first {"a": 1} then {"b": 2}, see [3]', '{"b": 2}'),
    ("json_block(which=first)", 'first {"a": 1} then {"b": 2}', '{"a": 1}'),
    ("json_block(kind=array)", '{"a": 1} [2]', "[2]"),
    ("json_block", "see [1]", "[1]"),
    ("json_block", '[{"a": 1}, {"a": 2}] end', '[{"a": 1}, {"a": 2}]'),
    ("json_block", '{"a": "}"}', '{"a": "}"}'),
    ("json_block", '{a: 1} but {"b": 2', None),
    ("json_block", '```json\n{"a": 1}', '{"a": 1}'),
    ("json_block", "[" * 5000, None),
    ("first_line", "\n  a \nb\n", "a"),
    ("last_line", "\n  a \n b\n\n", "b"),
    ("first_line", " \n", None),
    ("last_line", "", None),
    ({"strip_prefix": ["Answer:", "The answer is"]}, " the answer is Paris", "Paris"),
    ({"strip_prefix": "答："}, "答：四", "四"),
    ({"strip_prefix": "Answer:"}, "Paris. Answer: x", "Paris. Answer: x"),
    ({"strip_prefix": {"value": "Answer:", "ignore_case": False}}, "answer: x", "answer: x"),
    ("normalise", "The Cat!", "cat"),
    ({"normalise": "zh"}, "（１２３）ＭＧ。", "123 mg"),
    ({"normalise": "nfkc"}, "１２３。", "123。"),
    ({"normalise": "lower"}, "ABC", "abc"),
    ({"normalise": "space"}, " a \n b ", "a b"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "text", "expected"), FOUND)
def test_a_step_finds(step: object, text: str, expected: str | None) -> None:
    assert build_pipeline([step], "en").apply(text) == expected


@pytest.mark.parametrize("name", STEPS)
@given(text=st.text(max_size=60))
def test_no_text_breaks_a_step(name: str, text: str) -> None:
    needed = {"regex": "(a)", "after": "a", "strip_prefix": "a"}
    spec = {name: needed[name]} if name in needed else name

    found = build_pipeline([spec], "zh").apply(text)

    assert found is None or isinstance(found, str)


def test_steps_work_one_after_another() -> None:
    pipeline = build_pipeline(["strip_think", {"after": "####"}, "last_number"], "en")

    assert pipeline.apply("<think>#### 1</think>so\n#### 1,200 apples") == "1200"
    assert pipeline.apply("<think>#### 1</think>so 1,200 apples") is None
    assert pipeline.signature == 'strip_think>after("####")>last_number'


FAULTS: list[tuple[object, str]] = [
    ("striptink", "unknown extraction step 'striptink' (did you mean 'strip_think'?)"),
    ({"regex": "("}, "step 'regex': parameter 'value': '(' is no regular expression: missing )"),
    ({"regex": {"value": "(a)", "group": 2}}, "parameter 'group': '(a)' has no group 2; it has: 0, 1"),
    ({"regex": {"value": "(a)", "group": "x"}}, "has no group 'x'"),
    ("regex", "step 'regex': parameter 'value': Missing required keyword only argument"),
    ({"regex": {"value": "a", "which": "middle"}}, "parameter 'which': Input should be 'first' or 'last'"),
    ({"after": ""}, "step 'after': parameter 'value': give at least one mark, none empty"),
    ({"after": []}, "give at least one mark"),
    ({"boxed": 3}, "step 'boxed' has no parameter a value"),
    ({"choice_letter": {"letters": "1-4"}}, "'1-4' is neither ABCD nor A-D"),
    ({"strip_think": {"start": "<a>"}}, "step 'strip_think': parameter 'start' needs `end` too"),
    ({"normalise": "fr"}, "step 'normalise': parameter 'value'"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "message"), FAULTS)
def test_a_wrong_step_is_told(step: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        build_pipeline([step], "en")

    assert message in str(caught.value)


def item(text: str, *, task: str = "qa", references: tuple[str, ...] = ("4",)) -> Item:
    return Item(
        gold=GoldRecord(id="g", task=task, input="?", references=references),
        completion=Completion(gold_id="g", text=text, finish="stop", prompt_tokens=1),
    )


def test_what_is_not_found_counts_as_wrong_and_is_told_apart() -> None:
    pipelines = {"": build_pipeline([{"after": "####"}], "en")}
    metric = build_metric("exact_match", Setting(language="en"), pipelines=pipelines)

    right, wrong, nothing = metric.measure([item("#### 4"), item("#### 5"), item("4")])

    assert right is not None
    assert wrong is not None
    assert nothing is not None
    assert (right.stats, right.is_extracted) == ((1.0, 1.0), True)
    assert (wrong.stats, wrong.is_extracted) == ((0.0, 1.0), True)
    assert (nothing.stats, nothing.is_extracted) == ((0.0, 1.0), False)
    assert metric.reduce(np.asarray([1.0, 3.0])) == pytest.approx(1 / 3)


def test_the_extraction_stands_in_the_signature() -> None:
    pipelines = {"": build_pipeline(["strip_think", "boxed"], "en")}
    metric = build_metric("exact_match", Setting(language="en"), pipelines=pipelines)

    assert metric.name == "exact_match"
    assert metric.signature == "exact_match@2|norm:squad1|refs:any|extract:strip_think>boxed"


def test_tasks_that_extract_in_their_own_way_stand_in_the_signature() -> None:
    boxed, none = build_pipeline(["boxed"], "en"), build_pipeline([], "en")
    setting = Setting(language="en")

    metric = build_metric("exact_match", setting, pipelines={"math": boxed, "qa": none})
    same = build_metric("exact_match", setting, pipelines={"a": boxed, "b": boxed})
    neither = build_metric("exact_match", setting, pipelines={"a": none, "b": none})

    assert metric.signature.endswith("|extract:math:boxed,qa:none")
    assert same.signature.endswith("|extract:boxed")
    assert "extract" not in neither.signature


def test_each_task_is_extracted_in_its_own_way() -> None:
    pipelines = {"math": build_pipeline(["boxed"], "en"), "qa": build_pipeline([], "en")}
    metric = build_metric("exact_match", Setting(language="en"), pipelines=pipelines)

    found = metric.measure([item(r"\boxed{4}", task="math"), item("4"), item("4", task="math")])

    assert [one and one.stats[0] for one in found] == [1.0, 1.0, 0.0]
    assert [one and one.is_extracted for one in found] == [True, True, False]


def test_a_metrics_own_extract_goes_before_the_tasks() -> None:
    pipelines = {"": build_pipeline(["boxed"], "en")}
    spec = Spec.model_validate({"exact_match": {"extract": ["first_line"]}})

    metric = build_metric(spec, Setting(language="en"), pipelines=pipelines)

    (found,) = metric.measure([item("4\n\\boxed{5}")])
    assert found is not None
    assert found.stats == (1.0, 1.0)
    assert metric.name == 'exact_match(extract=["first_line"])'
    assert metric.signature.endswith("|extract:first_line")


def test_a_gauge_reads_the_whole_answer_but_with_an_extract_of_its_own() -> None:
    pipelines = {"": build_pipeline(["first_line"], "en")}
    text = "one\ntwo three"

    (whole,) = build_metric("length", Setting(language="en"), pipelines=pipelines).measure(
        [item(text)]
    )
    own = build_metric("length(extract=first_line)", Setting(language="en"), pipelines=pipelines)

    assert whole is not None
    assert whole.stats == (3.0, 1.0)
    (first,) = own.measure([item(text)])
    assert first is not None
    assert first.stats == (1.0, 1.0)


HEAD = 'name: s\nversion: "1"\nlanguage: en\ndescription: d\n'
GOLD = [{"id": "q", "task": "qa", "input": "?", "references": ["yes"]}]
BAD_SUITES = {
    "a step": ("tasks: {qa: {metrics: [bleu], extract: [{regex: '('}]}}\n", "task 'qa': extract: step 'regex': parameter 'value': '(' is no regular expression"),
    "a metric's parameter": ("tasks: {qa: {metrics: [{numeric_match: {relativ: 0.1}}]}}\n", "task 'qa': metric numeric_match(relativ=0.1): metric 'numeric_match' has no parameter 'relativ' (did you mean 'relative'?)"),
    "a value": ("tasks: {qa: {metrics: [{numeric_match: {tolerance: -1}}]}}\n", "parameter 'tolerance': Input should be greater than or equal to 0"),
    "a metric's own step": ("tasks: {qa: {metrics: [{bleu: {extract: boxt}}]}}\n", "unknown extraction step 'boxt' (did you mean 'boxed'?)"),
    "a missing schema": ("tasks: {qa: {metrics: [{json_schema: s.json}]}}\n", "s.json: no such file"),
}  # fmt: skip


@pytest.mark.parametrize(("tasks", "message"), BAD_SUITES.values(), ids=BAD_SUITES)
def test_a_suites_wrong_parameters_are_told_with_file_task_and_metric(
    suite_folder: Callable[..., Path], tasks: str, message: str
) -> None:
    suite = load_suite(suite_folder(HEAD + tasks, GOLD))

    with pytest.raises(InputError) as caught:
        suite_metrics(suite)

    assert str(caught.value).startswith(f"{suite.file}:5: task 'qa': ")
    assert message in str(caught.value)


def test_a_choice_task_has_nothing_to_extract_from(suite_folder: Callable[..., Path]) -> None:
    gold = [{"id": "q", "task": "qa", "input": "?", "choices": ["a", "b"], "answer": 0}]
    tasks = "tasks: {qa: {type: multiple_choice, metrics: [accuracy], extract: [boxed]}}\n"
    suite = load_suite(suite_folder(HEAD + tasks, gold))

    with pytest.raises(
        ConfigError, match="extract: for answers in words; a multiple_choice task has none"
    ):
        suite_metrics(suite)


def test_an_unknown_step_keeps_its_class(suite_folder: Callable[..., Path]) -> None:
    suite = load_suite(suite_folder(HEAD + "tasks: {qa: {metrics: [bleu], extract: [x]}}\n", GOLD))

    with pytest.raises(UnknownNameError, match="known: after, boxed"):
        suite_metrics(suite)


@pytest.mark.parametrize("step", ["st!!binary p_think", None, 3, [], {"a": 1, "b": 2}])
def test_what_is_no_step_is_told_as_a_fault_of_the_configuration(step: object) -> None:
    spec = Spec(name="exact_match", params={"extract": [step]})

    with pytest.raises(ConfigError, match="extraction step"):
        build_metric(spec, Setting(language="en"))
