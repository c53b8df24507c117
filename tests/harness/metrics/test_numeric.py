"""`numeric_match`, against lm-eval's rules for GSM8K."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.metrics.numeric import Find, answer_number
from harness.spec import Spec
from tests.harness.metrics.support import items, matrix, value

SCORED = [
    ("numeric_match", "16 - 3 - 4 = 9, so $18.\n#### 18", "16-3-4=9\n#### 18", 1),
    ("numeric_match", "The answer is 1,234.", "1234", 1),
    ("numeric_match", "It costs ￥１，２３４．５０", "1234.5", 1),
    ("numeric_match", "一共一千二百三十四元。", "1234", 1),
    ("numeric_match", "答案是三分之一", "1/3", 1),
    ("numeric_match", "0.333", "1/3", 0),
    ("numeric_match", "50%", "0.5", 1),
    ("numeric_match", "50%", "50", 1),
    ("numeric_match", "50", "50%", 1),
    ("numeric_match", "百分之五十", "50%", 1),
    ("numeric_match", "5%", "0.5", 0),
    ("numeric_match", "0.005", "50%", 0),
    ("numeric_match", "1.5 million", "1500000", 1),
    ("numeric_match", "20 million", "20", 1),
    ("numeric_match", "20", "20 million", 0),
    ("numeric_match", "3×10^3", "3000", 1),
    ("numeric_match", "18 apples for 3 children", "18", 0),
    ("numeric_match(find=marked)", "#### 18 apples for 3 children", "18", 1),
    ("numeric_match(find=marked)", r"so \boxed{18} for 3", "18", 1),
    ("numeric_match(find=marked)", "The answer is $18, for 3", "18", 1),
    ("numeric_match(find=marked)", "答案：18元，3人", "18", 1),
    ("numeric_match(find=auto)", r"\boxed{18} for 3", "18", 1),
    ("numeric_match(find=auto)", "so it is 18", "18", 1),
    ("numeric_match(find=whole)", "$18", "18", 1),
    ("numeric_match(tolerance=0.01)", "3.14", "3.1416", 1),
    ("numeric_match(tolerance=0.001)", "3.14", "3.1416", 0),
    ("numeric_match(relative=0.01)", "101", "100", 1),
    ("numeric_match(relative=0.01)", "101.1", "100", 0),
    ("numeric_match(tolerance=0.1)", "0.3", "0.2", 1),
]


@pytest.mark.parametrize(("spec", "answer", "reference", "expected"), SCORED)
def test_a_number_is_right(spec: str, answer: str, reference: str, expected: int) -> None:
    metric = build_metric(spec, Setting(language="en"))

    assert value(metric, [(answer, (reference,))]) == expected


def test_a_tolerance_is_exact_at_its_edge() -> None:
    # In binary 0.3 − 0.2 is less than 0.1, but 0.4 − 0.3 is more.
    metric = build_metric("numeric_match(tolerance=0.125)", Setting(language="en"))

    assert value(metric, [("0.425", ("0.3",)), ("0.4251", ("0.3",))]) == 0.5


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        ("numeric_match", "I do not know."),
        ("numeric_match", ""),
        ("numeric_match(find=marked)", "It is 18"),
        ("numeric_match(find=whole)", "18 of 20"),
        ("numeric_match", "第一，我们先看题目"),
    ],
)
def test_an_answer_without_number_is_told_apart_from_a_wrong_one(spec: str, answer: str) -> None:
    metric = build_metric(spec, Setting(language="en"))

    nothing, wrong = metric.measure(items([(answer, ("18",)), ("#### 19", ("18",))]))

    assert nothing is not None
    assert (nothing.stats, nothing.is_extracted) == ((0.0, 1.0), False)
    assert spec.endswith("whole)") or (wrong is not None and wrong.is_extracted)


def test_any_reference_counts_and_one_without_number_is_left_out() -> None:
    metric = build_metric("numeric_match", Setting(language="en"))

    assert value(metric, [("18", ("17", "18")), ("18", ("many", "18"))]) == 1.0
    assert metric.measure(items([("18", ("many",))])) == [None]


@given(number=st.integers(-(10**9), 10**9))
def test_a_number_equals_itself_however_written(number: int) -> None:
    metric = build_metric("numeric_match", Setting(language="zh"))
    forms = (f"#### {number:,}", f"答案：{number}元", f"\\boxed{{{number}}}", f"{number}.00")

    assert value(metric, [(form, (str(number),)) for form in forms]) == 1.0


@pytest.mark.parametrize(
    "params", [{"tolerance": -1}, {"relative": float("nan")}, {"find": "best"}]
)
def test_a_senseless_parameter_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="metric 'numeric_match': parameter"):
        build_metric(Spec(name="numeric_match", params=params), Setting(language="en"))


@pytest.fixture(scope="module")
def solutions(SHARED: Path) -> list[str]:
    file = SHARED / "data" / "gsm8k" / "test.jsonl"
    return [json.loads(line)["answer"] for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def some(solutions: list[str]) -> list[str]:
    """Every fourth, for the tests that change them."""
    return solutions[::4]


@pytest.mark.parametrize("find", ["last", "marked", "auto"])
def test_all_gsm8k_answers_match_themselves(solutions: list[str], find: str) -> None:
    metric = build_metric(f"numeric_match(find={find})", Setting(language="en"))

    found = matrix(metric, [(answer, (answer,)) for answer in solutions])

    assert len(solutions) == 1319
    assert found.tolist() == [[1.0, 1.0]] * 1319


def lm_eval_is_right(answer: str, reference: str, *, is_strict: bool) -> bool:
    """Filters "strict-match" and "flexible-extract" of lm-eval's gsm8k.yaml (version 3), then its
    exact_match with the task's `regexes_to_ignore`."""
    extraction = pytest.importorskip(
        "lm_eval.filters.extraction", reason="lm-eval is not installed"
    )
    rule: Any = (
        extraction.RegexFilter(r"#### (\-?[0-9\.\,]+)")
        if is_strict
        else extraction.RegexFilter(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)
    )
    ((found,),) = rule.apply([[answer]], [{}])
    return without_signs(found) == without_signs(reference)


def without_signs(text: str) -> str:
    for pattern in (",", r"\$", r"(?s).*#### ", r"\.$"):
        text = re.sub(pattern, "", text)
    return text.lower()


def verdicts(
    solutions: list[str], change: Callable[[str, str], str], *, is_strict: bool
) -> tuple[list[bool], list[bool]]:
    """Return lm-eval's verdicts and ours on changed solutions."""
    find: Find = "marked" if is_strict else "last"
    metric = build_metric(f"numeric_match(find={find})", Setting(language="en"))
    pairs = [(change(*solution.rsplit("#### ", 1)), (solution,)) for solution in solutions]
    theirs = [lm_eval_is_right(answer, ref, is_strict=is_strict) for answer, (ref,) in pairs]
    return theirs, [bool(row[0]) for row in matrix(metric, pairs)]


SAME: dict[str, Callable[[str, str], str]] = {
    "as it is": lambda steps, n: f"{steps}#### {n}",
    "a digit more": lambda steps, n: f"{steps}#### {n}1",
    "a full stop": lambda steps, n: f"{steps}#### {n}.",
    "a unit": lambda steps, n: f"{steps}#### {n} apples",
    "a percent sign": lambda steps, n: f"{steps}#### {n}%",
    "nothing": lambda steps, n: "",
    "going on": lambda steps, n: f"{steps}#### {n}\n\nQuestion: 3 cats?\n#### 3",
}
BETTER: dict[str, Callable[[str, str], str]] = {
    "two decimals": lambda steps, n: f"{steps}#### {n}.00",
    "full width": lambda steps, n: f"#### {n.translate(WIDE)}",
}
BETTER_WHEN_STRICT: dict[str, Callable[[str, str], str]] = {
    "a dollar sign": lambda steps, n: f"{steps}#### ${n}",
    "a sentence": lambda steps, n: f"{steps}The answer is ${n}.",
    "a box": lambda steps, n: f"{steps}\\boxed{{{n}}}",
}
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.mark.parametrize("is_strict", [True, False], ids=["strict", "flexible"])
@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_verdicts_on_gsm8k_equal_those_of_lm_eval(
    some: list[str], change: Callable[[str, str], str], is_strict: bool
) -> None:
    theirs, ours = verdicts(some, change, is_strict=is_strict)

    assert ours == theirs


@pytest.mark.parametrize("is_strict", [True, False], ids=["strict", "flexible"])
@pytest.mark.parametrize("change", BETTER.values(), ids=BETTER)
def test_right_answers_that_lm_eval_calls_wrong_are_right(
    some: list[str], change: Callable[[str, str], str], is_strict: bool
) -> None:
    theirs, ours = verdicts(some, change, is_strict=is_strict)

    assert all(ours)
    assert not any(theirs)


@pytest.mark.parametrize("change", BETTER_WHEN_STRICT.values(), ids=BETTER_WHEN_STRICT)
def test_the_strict_rule_knows_more_marks_than_lm_evals(
    some: list[str], change: Callable[[str, str], str]
) -> None:
    theirs, ours = verdicts(some, change, is_strict=True)
    flexible, last = verdicts(some, change, is_strict=False)

    assert all(ours)
    assert not any(theirs)
    assert last == flexible


def test_solutions_without_their_last_line_differ_only_where_a_number_is_read_better(
    solutions: list[str],
) -> None:
    theirs, ours = verdicts(solutions, lambda steps, _: steps, is_strict=False)
    pairs = list(zip(theirs, ours, strict=True))

    # 35 are written with decimals ($18.00) and one as 2:00 pm, which lm-eval compares as texts;
    # of "1/3 pound" it takes the 3, which happens to be the number of pounds asked for.
    assert pairs.count((False, True)) == 36
    assert pairs.count((True, False)) == 1


def test_the_whole_answer_must_be_one_number() -> None:
    assert answer_number("18 of 20", "whole") is None
