from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import ConfigError, UnknownNameError
from harness.rubric import JudgeConfig, Rubric, RubricConfig, load_rubric, shipped_rubrics


def rubric(language: str = "en", folder: Path = Path(), **fields: Any) -> Rubric:
    return load_rubric(RubricConfig.model_validate(fields), language, folder)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", shipped_rubrics())
def test_every_shipped_rubric_is_complete_in_both_languages(name: str, language: str) -> None:
    found = rubric(language, base=name)

    is_rating = found.kind == "rating"
    assert sorted(found.anchors) == ([1, 2, 3, 4, 5] if is_rating else [])
    assert found.criteria
    assert found.system


def test_the_shipped_rubrics_are_these() -> None:
    assert shipped_rubrics() == ("correctness", "faithfulness", "helpfulness", "preference")


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "It is right.\nRating: [[5]]", 5),
        ("en", "[[ 3 ]]", 3),
        ("en", "Rating: 4", 4),
        ("en", "rating : 2.", 2),
        ("zh", "理由充分。评分：[[4]]", 4),
        ("zh", "评分：【【2】】", 2),
        ("zh", "评分: 3", 3),
        ("en", "A fine answer, 5 of 5.", None),
        ("en", "", None),
        ("en", "[[6]]", None),
        ("en", "[[0]]", None),
        ("en", "style [[2]], content [[4]]", None),
        ("en", "[[4]] … so it stays [[4]]", 4),
        ("en", "[[4.5]]", None),
    ],
)
def test_a_rating_is_read_only_where_it_is_clear(
    language: str, text: str, expected: int | None
) -> None:
    assert rubric(language, base="correctness").rating(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B leaves out the dose. [[A]]", "A"),
        ("[[B]]", "B"),
        ("Both are right: [[C]]", "tie"),
        ("[[A]] if A is better, [[B]] if B is better, [[C]] if equal", None),
        ("A is better", None),
        ("[[D]]", None),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_winner_is_read_only_where_it_is_clear(
    language: str, text: str, expected: str | None
) -> None:
    assert rubric(language, base="preference").winner(text) == expected


def test_the_reason_is_what_stands_beside_the_verdict() -> None:
    found = rubric(base="preference")

    assert found.reason("A names the dose.\n[[A]]") == "A names the dose."


def test_what_the_suite_says_goes_before_the_base() -> None:
    found = rubric(
        base="correctness", criteria="Is it polite?", scale=[1, 3], anchors={1: "rude", 3: "polite"}
    )

    assert (found.criteria, found.scale) == ("Is it polite?", (1, 3))
    assert found.prompt == rubric(base="correctness").prompt


def test_a_file_of_the_users_is_a_base(tmp_path: Path) -> None:
    (tmp_path / "tone.yaml").write_text(
        "criteria: Is it warm?\nreferences: false\n", encoding="utf-8"
    )

    found = rubric("zh", tmp_path, base="tone.yaml")

    assert (found.criteria, found.references) == ("Is it warm?", False)
    assert "评分" in found.prompt


def test_a_fault_in_a_file_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "tone.yaml").write_text("criteria: Is it warm?\nankers: {1: no}\n")

    with pytest.raises(ConfigError, match=r"tone\.yaml:2: unknown key 'ankers'.*'anchors'"):
        rubric("en", tmp_path, base="tone.yaml")


def test_anchors_that_miss_the_scale_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"says what 1 to 5 mean, but its scale goes from 1 to 10"
    ):
        rubric(base="correctness", scale=[1, 10])


def test_a_rubric_without_criteria_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs `criteria`, or a base with some: correctness"):
        rubric(kind="rating")


def test_an_unknown_base_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'helpfulness'"):
        rubric(base="helpfullness")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"verdict": ["("]}, "not a regular expression"),
        ({"verdict": [r"\d"]}, "needs exactly one group"),
        ({"scale": [5, 1]}, "must be below the highest"),
    ],
)
def test_a_rubric_that_cannot_work_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RubricConfig.model_validate(fields)


def test_a_judges_rubric_may_be_given_by_name() -> None:
    config = JudgeConfig.model_validate({"model": "m", "rubric": "helpfulness"})

    assert config.rubric == RubricConfig(base="helpfulness")


@pytest.fixture
def fastchat(tmp_path: Path) -> Callable[..., Path]:
    def write(**fields: str) -> Path:
        row = {
            "name": "pair-v2", "type": "pairwise", "system_prompt": "Be fair.",
            "prompt_template": "{question}\nA: {answer_a}\nB: {answer_b}",
            "description": "general", "category": "general", "output_format": "[[A]]", **fields,
        }  # fmt: skip
        (tmp_path / "judge_prompts.jsonl").write_text(json.dumps(row), encoding="utf-8")
        return tmp_path

    return write


def test_fastchats_judge_prompts_are_read(fastchat: Callable[..., Path]) -> None:
    found = rubric("en", fastchat(), base="judge_prompts.jsonl#pair-v2")

    assert (found.kind, found.system) == ("pairwise", "Be fair.")
    assert found.prompt == "{{ question }}\nA: {{ answer_a }}\nB: {{ answer_b }}"
    assert found.winner("[[A]]") == "A"


def test_a_single_prompt_of_fastchats_rates_from_one_to_ten(
    fastchat: Callable[..., Path],
) -> None:
    folder = fastchat(type="single", prompt_template="{question} {answer}")

    found = rubric("en", folder, base="judge_prompts.jsonl#pair-v2")

    assert (found.kind, found.scale, found.rating("Rating: [[10]]")) == ("rating", (1, 10), 10)


def test_a_multi_turn_prompt_is_refused(fastchat: Callable[..., Path]) -> None:
    folder = fastchat(prompt_template="{question_1} {answer_a_1}")

    with pytest.raises(ConfigError, match="wants question_1, answer_a_1, which a single question"):
        rubric("en", folder, base="judge_prompts.jsonl#pair-v2")


def test_an_unknown_prompt_lists_the_known_ones(fastchat: Callable[..., Path]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown judge prompt 'pair'.*known: pair-v2"):
        rubric("en", fastchat(), base="judge_prompts.jsonl#pair")


@pytest.mark.parametrize("name", ["pair-v2", "pair-math-v1", "single-v1", "single-math-v1"])
def test_the_real_prompts_of_mt_bench_are_read(SHARED: Path, name: str) -> None:
    folder = SHARED / "data" / "mt-bench"

    found = rubric("en", folder, base=f"judge_prompts.jsonl#{name}")

    assert found.kind == ("pairwise" if name.startswith("pair") else "rating")
    assert "{{ question }}" in found.prompt


@pytest.mark.parametrize("name", ["pair-v2-multi-turn", "single-math-v1-multi-turn"])
def test_the_real_multi_turn_prompts_are_refused(SHARED: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="multi-turn"):
        rubric("en", SHARED / "data" / "mt-bench", base=f"judge_prompts.jsonl#{name}")
