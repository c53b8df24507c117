"""Judges asked through the run machinery, with an engine whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.compare import compare
from harness.errors import ConfigError, RunError, UnknownNameError
from harness.judge import ask_judges, judge_missing, to_judge
from harness.metrics.build import suite_metrics
from harness.store import RunFolder
from harness.suite import load_suite
from tests.harness.judging.support import YAML, answer, one, scores, summary_of, turn


def test_ratings_become_a_metric(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris", "Kyoto", "Lima")
    work = one(toy, base, "right")
    answer(echo, work, {"q1": "Right. [[5]]", "q2": "Wrong city. [[1]]", "q3": "Fine. [[4]]"})

    ask_judges([work])

    found = scores(toy, base, "judge(right)")
    assert found.item_scores() == {"q1": 5.0, "q2": 1.0, "q3": 4.0}
    assert found.value() == pytest.approx(10 / 3)
    assert (found.metric.scale.low, found.metric.scale.high) == (1, 5)
    assert found.metric.signature.startswith("judge@1|right|model:")


def test_until_it_is_judged_an_answer_has_no_score(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris", "Kyoto", "Lima")

    found = scores(toy, base, "judge(right)")

    assert found.value() is None
    assert "model:unjudged" in found.metric.signature
    assert echo.requests == []
    assert len(one(toy, base, "right").missing()) == 3


def test_what_cannot_be_read_stays_unscored_and_is_counted(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris", "Kyoto", "Lima")
    work = one(toy, base, "right")
    answer(echo, work, {"q1": "[[5]]", "q2": "I cannot say", "q3": "[[2]] or [[3]]"})

    ask_judges([work])

    found = scores(toy, base, "judge(right)")
    summary = summary_of(one(toy, base, "right"))
    assert found.item_scores() == {"q1": 5.0}
    assert (summary.n, summary.judged, summary.unclear, summary.not_judged) == (3, 1, 2, 0)


def test_the_judge_sees_question_answer_references_and_rubric(
    suite: Any, run: Any, echo: Any
) -> None:
    toy = suite()
    work = one(toy, run(toy, "base", "Paris {{ 7 * 6 }}"), "right")

    assert "impartial" in turn(work.asked()[0], 0)
    text = turn(work.asked()[0], 1)
    assert "Answer: Capital of France?" in text
    assert "Be brief" not in text
    assert "[Right answer]\nParis\n" in text
    assert "[Answer to judge]\nParis {{ 7 * 6 }}\n" in text
    assert "1: wrong, or no answer" in text
    assert "from 1 to 5" in text


def test_a_chinese_suite_is_judged_in_chinese(suite: Any, run: Any, echo: Any) -> None:
    toy = suite(language="zh")
    work = one(toy, run(toy, "base", "巴黎"), "right")

    text = turn(work.asked()[0], 1)

    assert "【待评价的回答】\n巴黎\n" in text
    assert "评分：[[数字]]" in text


@pytest.mark.parametrize(
    ("verdicts", "value", "is_flipped"),
    [
        (("[[A]]", "[[B]]"), 1.0, False),
        (("[[B]]", "[[A]]"), 0.0, False),
        (("[[C]]", "[[C]]"), 0.5, False),
        (("[[A]]", "[[A]]"), 0.5, True),
        (("[[B]]", "[[B]]"), 0.5, True),
        (("[[A]]", "[[C]]"), 0.5, False),
        (("[[C]]", "[[A]]"), 0.5, False),
    ],
)
def test_a_win_counts_only_in_both_orders(
    suite: Any, run: Any, echo: Any, verdicts: tuple[str, str], value: float, is_flipped: bool
) -> None:
    toy = suite()
    base, tuned = run(toy, "base", "Lyon"), run(toy, "tuned", "Paris")
    work = one(toy, tuned, "better", base)
    answer(echo, work, {"q1": verdicts})

    ask_judges([work])

    work = one(toy, tuned, "better", base)
    assert scores(toy, tuned, "win_rate(better)", base).item_scores() == {"q1": value}
    assert work.metric.verdict(work.items[0]).is_flipped is is_flipped


def test_one_order_that_cannot_be_read_leaves_the_pair_unscored(
    suite: Any, run: Any, echo: Any
) -> None:
    toy = suite()
    base, tuned = run(toy, "base", "Lyon"), run(toy, "tuned", "Paris")
    work = one(toy, tuned, "better", base)
    answer(echo, work, {"q1": ("[[A]]", "hm")})

    ask_judges([work])

    assert scores(toy, tuned, "win_rate(better)", base).stats == {}
    assert summary_of(one(toy, tuned, "better", base)).unclear == 1


def test_both_orders_are_asked_and_equal_answers_are_not(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base, tuned = run(toy, "base", "Lyon", "Tokyo"), run(toy, "tuned", "Paris", " Tokyo\n")
    work = one(toy, tuned, "better", base)

    first, second = (turn(record, 1) for record in work.asked())
    answer(echo, work, {"q1": ("[[A]]", "[[B]]"), "q2": ()})  # pyright: ignore[reportArgumentType] - nothing is asked
    ask_judges([work])

    assert "[Answer A]\nParis" in first
    assert "[Answer B]\nParis" in second
    assert scores(toy, tuned, "win_rate(better)", base).item_scores() == {"q1": 1.0, "q2": 0.5}


def test_the_win_rate_is_compared_with_the_baselines_half(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base, tuned = run(toy, "base", "a", "b", "c"), run(toy, "tuned", "Paris", "Tokyo", "c")
    work = one(toy, tuned, "better", base)
    answer(echo, work, {"q1": ("[[A]]", "[[B]]"), "q2": ("[[A]]", "[[B]]"), "q3": ()})  # pyright: ignore[reportArgumentType] - nothing is asked
    ask_judges([work])

    before = scores(toy, base, "win_rate(better)", base)
    after = scores(toy, tuned, "win_rate(better)", base)
    found = compare(before, after)

    assert (found.before.value, found.after.value) == (0.5, pytest.approx(2.5 / 3))
    assert (found.n_gained, found.n_lost) == (2, 0)
    assert found.difference.low <= found.difference.value <= found.difference.high


def test_without_a_baseline_there_is_no_win_rate(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris")

    found = scores(toy, base, "win_rate(better)")

    assert found.value() is None
    assert found.metric.signature.endswith("baseline:none")
    assert to_judge(toy, [base], names=["better"]) == []


def test_another_baseline_is_another_signature(suite: Any, run: Any, tmp_path: Path) -> None:
    toy = suite()
    base, tuned = run(toy, "base", "a"), run(toy, "tuned", "b")
    other = RunFolder(path=base.path.with_name("base-ba9876543210"))
    other.create({"gold": toy.gold_digest, "template": "t"}, {})

    signatures = {
        scores(toy, tuned, "win_rate(better)", against).metric.signature
        for against in (base, other)
    }

    assert len(signatures) == 2


def test_nothing_is_asked_twice(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris", "Kyoto", "Lima")
    answer(echo, one(toy, base, "right"), {"q1": "[[5]]", "q2": "[[1]]", "q3": "[[5]]"})

    ask_judges([one(toy, base, "right")])
    ask_judges([one(toy, base, "right")])

    assert len(echo.requests) == 3
    assert len(echo.settings) == 1


def test_the_same_answer_of_another_run_is_not_asked_again(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base, tuned = run(toy, "base", "Paris", "Kyoto"), run(toy, "tuned", "Paris", "Tokyo")
    answer(echo, one(toy, base, "right"), {"q1": "[[5]]", "q2": "[[1]]"})
    answer(echo, one(toy, tuned, "right"), {"q1": "[[5]]", "q2": "[[4]]"})

    ask_judges([one(toy, base, "right")])
    ask_judges([one(toy, tuned, "right")])

    assert [key.split("/")[2].split("#")[0] for key in echo.items_asked()] == ["q1", "q2", "q2"]
    assert scores(toy, tuned, "judge(right)").item_scores() == {"q1": 5.0, "q2": 4.0}


def test_judging_goes_on_after_a_crash(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris", "Kyoto", "Lima")
    answer(echo, one(toy, base, "right"), {"q1": "[[5]]", "q2": "[[1]]", "q3": "[[4]]"})
    echo.crash_after = 2
    with pytest.raises(RuntimeError):
        ask_judges([one(toy, base, "right")])
    echo.crash_after = None

    ask_judges([one(toy, base, "right")])

    assert len(echo.requests) == 3
    assert scores(toy, base, "judge(right)").value() == pytest.approx(10 / 3)
    assert len(list((base.root / "judgements").glob("toy.right-*/*/manifest.json"))) == 1


def test_a_failed_question_is_told_and_the_others_are_kept(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris", "Kyoto")
    work = one(toy, base, "right")
    answer(echo, work, {"q1": "[[5]]", "q2": "[[1]]"})
    echo.failing = {work.asked()[0].id}

    with pytest.raises(RunError, match="1 of 2 items failed"):
        ask_judges([work])

    assert len(one(toy, base, "right").missing()) == 1


def test_another_rubric_is_another_judge(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris")
    answer(echo, one(toy, base, "right"), {"q1": "[[5]]"})
    ask_judges([one(toy, base, "right")])

    changed = suite(more=", max_tokens: 99")

    assert len(one(changed, base, "right").missing()) == 1
    assert scores(changed, base, "judge(right)").value() is None


def test_the_judge_sees_what_the_extraction_steps_leave(suite: Any, run: Any, echo: Any) -> None:
    toy = suite(extract="extract: [strip_think]")
    work = one(toy, run(toy, "base", "<think>Lyon?</think>Paris"), "right")

    text = turn(work.asked()[0], 1)

    assert "[Answer to judge]\nParis\n" in text


def test_two_judges_of_one_model_load_it_once(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base, tuned = run(toy, "base", "Lyon"), run(toy, "tuned", "Paris")

    ask_judges(to_judge(toy, [base, tuned], baseline=base))

    assert len(echo.settings) == 1
    assert len(echo.requests) == 4  # two ratings, one pair in two orders


def test_verdicts_given_elsewhere_are_read(
    suite: Any, run: Any, echo: Any, tmp_path: Path, model_folder: Path
) -> None:
    toy = suite()
    base = run(toy, "base", "Paris", "Kyoto")

    asked = one(toy, base, "right").asked()
    replies = [
        {"id": record.id, "text": f"[[{n}]]"} for record, n in zip(asked, (5, 2), strict=True)
    ]
    toy_file = toy.file
    (toy_file.parent / "verdicts.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in replies), encoding="utf-8"
    )
    text = toy_file.read_text(encoding="utf-8").replace(
        "engine: echo, rubric: correctness",
        "engine: replay, replay: verdicts.jsonl, rubric: correctness",
    )
    toy_file.write_text(text, encoding="utf-8")
    replayed = load_suite(toy_file)
    ask_judges([one(replayed, base, "right")])

    assert scores(replayed, base, "judge(right)").item_scores() == {"q1": 5.0, "q2": 2.0}


def test_when_all_is_judged_no_process_is_started(suite: Any, run: Any, echo: Any) -> None:
    toy = suite()
    base = run(toy, "base", "Paris")
    answer(echo, one(toy, base, "right"), {"q1": "[[5]]"})
    ask_judges([one(toy, base, "right")])
    said: list[str] = []

    judge_missing(toy, [base], folder=base.root, say=said.append)

    assert said == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("{judge: right}", "{judge: wright}", r"unknown judge 'wright' \(did you mean 'right'"),
        (
            "{judge: right}",
            "{win_rate: right}",
            r"is of kind rating: read it with \{judge: right\}",
        ),
        ("{judge: right}", "judge", "value"),
        ("engine: echo, rubric: correctness", "engine: ecko", "unknown engine 'ecko'"),
        ("rubric: correctness", "rubric: correct", "unknown rubric 'correct'"),
        ("rubric: correctness", "rubric: {criteria: x, prompt: '{{ a'}", "not a valid Jinja"),
        ("engine: echo, rubric: correctness", "engine: replay", "belong together"),
        ("rubric: correctness", "replay: x.jsonl", "belong together"),
    ],
)
def test_a_wrong_judge_is_found_before_a_model_is_loaded(
    suite_folder: Any, echo: Any, model_folder: Path, before: str, after: str, message: str
) -> None:
    text = YAML.format(language="en", extract="", more="").replace(before, after, 1)
    toy = load_suite(suite_folder(text))

    with pytest.raises((ConfigError, UnknownNameError), match=message):
        suite_metrics(toy)


def test_a_judge_that_no_metric_reads_is_refused(suite_folder: Any, run: Any, echo: Any) -> None:
    text = YAML.format(language="en", extract="", more="").replace(", {judge: right}", "")
    toy = load_suite(suite_folder(text))

    with pytest.raises(ConfigError, match=r"'right' is not read by any task: add \{judge: right\}"):
        to_judge(toy, [run(toy, "base", "Paris")])


def test_a_prompt_that_does_not_fit_names_judge_and_item(
    suite_folder: Any, run: Any, echo: Any, model_folder: Path
) -> None:
    text = YAML.format(language="en", extract="", more="").replace(
        "rubric: correctness", "rubric: {criteria: x, prompt: '{{ reference }}'}", 1
    )
    toy = load_suite(suite_folder(text))

    with pytest.raises(ConfigError, match=r"judge 'right' does not fit gold item 'q1'"):
        one(toy, run(toy, "base", "Paris"), "right").asked()


def test_two_models_of_one_name_are_not_mixed(
    suite: Any, run: Any, echo: Any, model_folder: Path, safetensors: Any
) -> None:
    toy = suite()
    base, tuned = run(toy, "base", "Paris"), run(toy, "tuned", "Lyon")
    ask_judges([one(toy, base, "right")])
    safetensors(model_folder / "model.safetensors", {"other": (8, 8)})
    ask_judges([one(toy, tuned, "right")])

    with pytest.raises(ConfigError, match="two different models"):
        scores(toy, base, "judge(right)")
