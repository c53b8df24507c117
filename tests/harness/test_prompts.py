from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.prompts import build_prompts, conversation
from harness.suite import load_suite
from harness.templates import load_template

HEAD = 'name: s\nversion: "1"\nlanguage: en\ndescription: d\n'
ROW = {"id": "q", "task": "qa", "input": "Why?", "references": ["x"]}


def turns(folder: Path) -> list[tuple[str, str]]:
    suite = load_suite(folder)
    return [(turn.role, turn.content) for turn in conversation(suite, suite.gold[0])]


def test_a_question_becomes_the_users_turn(suite_folder: Callable[..., Path]) -> None:
    folder = suite_folder(
        HEAD + "tasks: {qa: {metrics: [bleu], prompt: 'Q: {{ input }} '}}\n", [ROW]
    )

    assert turns(folder) == [("user", "Q: Why?")]


def test_fields_fill_the_prompt(suite_folder: Callable[..., Path]) -> None:
    row = ROW | {"input": {"note": "N", "ask": "A"}}
    prompt = "'{{ input.note }}/{{ input.ask }}'"
    folder = suite_folder(HEAD + f"tasks: {{qa: {{metrics: [bleu], prompt: {prompt}}}}}\n", [row])

    assert turns(folder) == [("user", "N/A")]


def test_a_conversation_is_taken_as_it_is(suite_folder: Callable[..., Path]) -> None:
    said = [("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")]
    row = ROW | {"input": [{"role": role, "content": text} for role, text in said]}
    folder = suite_folder(HEAD + "tasks: {qa: {metrics: [bleu]}}\n", [row])

    assert turns(folder) == said


def test_a_tasks_system_turn_goes_before_the_suites(suite_folder: Callable[..., Path]) -> None:
    head = HEAD + "system: All.\n"
    of_suite = suite_folder(head + "tasks: {qa: {metrics: [bleu]}}\n", [ROW], folder="a")
    of_task = suite_folder(
        head + "tasks: {qa: {metrics: [bleu], system: Own.}}\n", [ROW], folder="b"
    )
    none = suite_folder(head + "tasks: {qa: {metrics: [bleu], system: ''}}\n", [ROW], folder="c")

    assert turns(of_suite)[0] == ("system", "All.")
    assert turns(of_task)[0] == ("system", "Own.")
    assert turns(none)[0] == ("user", "Why?")


def test_shots_stand_solved_before_the_question(suite_folder: Callable[..., Path]) -> None:
    yaml = HEAD + "shots_from: shots.jsonl\ntasks: {qa: {metrics: [bleu], shots: 1}}\n"
    folder = suite_folder(yaml, [ROW])
    shot = '{"id": "s", "task": "qa", "input": "How?", "references": ["So.", "Thus."]}\n'
    (folder / "shots.jsonl").write_text(shot, encoding="utf-8")

    assert turns(folder) == [("user", "How?"), ("assistant", "So."), ("user", "Why?")]


UNFIT = {
    "a missing field": "{{ input.note }}",
    "an unknown variable": "{{ question }}",
    "a number and a text": "{{ input + 1 }}",
    "division by zero": "{{ 1 / 0 }}",
    "an unknown filter": "{{ input | shout }}",
    "a forbidden attribute": "{{ input.__class__.__mro__ }}",
    "an endless range": "{{ range(10**9) | list }}",
}


@pytest.mark.parametrize("prompt", UNFIT.values(), ids=UNFIT)
def test_a_prompt_that_does_not_fit_names_suite_task_and_item(
    suite_folder: Callable[..., Path], prompt: str
) -> None:
    folder = suite_folder(HEAD + f"tasks: {{qa: {{metrics: [bleu], prompt: '{prompt}'}}}}\n", [ROW])

    with pytest.raises(ConfigError, match=r"suite\.yaml: the prompt of task 'qa' .* gold item 'q'"):
        turns(folder)


def test_a_prompts_tokens_are_those_of_its_text(
    suite_folder: Callable[..., Path], model_folder: Path, tokenizer: Any
) -> None:
    suite = load_suite(suite_folder())
    template = load_template("tokenizer", model_folder)

    prompts = build_prompts(suite, suite.gold, template, tokenizer)

    assert prompts[0].text == "<user>Capital of France?<assistant>"
    assert tokenizer.decode(prompts[0].token_ids) == prompts[0].text
    assert [tokenizer.decode(ids) for ids in prompts[3].choice_ids] == [" 4", " five"]


def test_a_choice_that_merges_with_the_prompt_is_scored_on_its_own_tokens(
    suite_folder: Callable[..., Path], model_folder: Path, tokenizer: Any
) -> None:
    class Merging(type(tokenizer)):  # pyright: ignore[reportUntypedBaseClass] - the fake lives in conftest
        """Reads "> 4" as one token, so that the prompt's last token changes."""

        def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
            return {"input_ids": [ord(char) for char in text.replace("> 4", "→")]}

    suite = load_suite(suite_folder())
    template = load_template("tokenizer", model_folder)

    (prompt,) = build_prompts(suite, suite.gold[3:], template, Merging())

    assert [tokenizer.decode(ids) for ids in prompt.choice_ids] == [" 4", " five"]
