from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.errors import ConfigError, GoldError
from harness.prompts import check_prompts, conversation
from harness.suite import Suite, load_suite
from harness.tasks import PRESETS
from harness.types import Message, TaskType

HEAD = 'name: s\nversion: "1"\nlanguage: {}\ndescription: d\ntasks:\n  t:\n    type: {}\n'
ROWS: dict[str, dict[str, Any]] = {
    "generate": {"input": "Q?", "references": ["A"]},
    "multiple_choice": {"input": "Q?", "choices": ["A", "B"], "answer": 0},
    "classification": {"input": "T.", "references": ["good"]},
    "extractive_qa": {"input": {"context": "C.", "question": "Q?"}, "references": ["C"]},
    "summarisation": {"input": "T.", "references": ["S"]},
    "translation": {"input": "T.", "references": ["S"]},
    "reading": {"input": {"context": "C.", "question": "Q?"}, "references": ["A"]},
    "multi_turn": {
        "input": [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A"}]
    },
    "perplexity": {"input": "T."},
}
PROMPTS = {
    ("multiple_choice", "en"): "Q?",
    ("classification", "en"): "T.\n\nWhich of these labels fits: good? Answer with the label only.",
    ("classification", "zh"): "T.\n\n以下哪个标签最合适：good？只回答标签。",
    ("extractive_qa", "en"): "C.\n\nQ? Answer with a few words from the text.",
    ("extractive_qa", "zh"): "C.\n\nQ?请用原文中的词语简短回答。",
    ("summarisation", "en"): "Summarise this text.\n\nT.",
    ("summarisation", "zh"): "请概括下面的内容。\n\nT.",
    ("translation", "en"): "Translate into English. Give only the translation.\n\nT.",
    ("translation", "zh"): "请翻译成中文，只给出译文。\n\nT.",
    ("reading", "en"): "C.\n\nAnswer from the text above: Q?",
    ("reading", "zh"): "C.\n\n请根据上文回答：Q?",
    ("multi_turn", "en"): "Q?",
}


@pytest.fixture
def suite_of(suite_folder: Callable[..., Path]) -> Callable[..., Suite]:
    """Return a maker of suites with one task `t`."""

    def make(kind: str, *rows: dict[str, Any], language: str = "en", extra: str = "") -> Suite:
        gold = [{"id": f"g{i}", "task": "t", **row} for i, row in enumerate(rows)]
        return load_suite(suite_folder(HEAD.format(language, kind) + extra, gold))

    return make


def asked(suite: Suite, number: int = 0) -> str:
    """Return the last turn of an item."""
    return conversation(suite, suite.gold[number])[-1].content


def test_every_task_type_has_its_defaults() -> None:
    assert set(PRESETS) == set(get_args(TaskType))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", sorted(PRESETS.keys() - {"generate", "lm_eval"}))
def test_a_type_alone_makes_a_task(
    suite_of: Callable[..., Suite], kind: str, language: str
) -> None:
    suite = suite_of(kind, ROWS[kind], language=language)

    check_prompts(suite)

    assert suite.metric_specs()
    assert suite.config.tasks["t"].max_tokens == PRESETS[kind].max_tokens  # pyright: ignore[reportArgumentType] - a key of PRESETS


@pytest.mark.parametrize(("kind", "language"), PROMPTS)
def test_a_type_asks_in_the_suites_language(
    suite_of: Callable[..., Suite], kind: str, language: str
) -> None:
    suite = suite_of(kind, ROWS[kind], language=language)

    assert asked(suite) == PROMPTS[kind, language]


def test_what_a_suite_says_goes_before_its_types_defaults(suite_of: Callable[..., Suite]) -> None:
    own = "    prompt: 'Short: {{ input }}'\n    max_tokens: 7\n    metrics: [chrf]\n"

    suite = suite_of("summarisation", ROWS["summarisation"], extra=own)

    task = suite.config.tasks["t"]
    assert (asked(suite), task.max_tokens, suite.metrics()) == ("Short: T.", 7, ("chrf",))


def test_the_identity_holds_the_prompt_that_was_filled_in(suite_of: Callable[..., Suite]) -> None:
    prompt = PRESETS["summarisation"].prompt["en"].replace("\n", "\\n")

    implied = suite_of("summarisation", ROWS["summarisation"])
    written = suite_of(
        "summarisation",
        ROWS["summarisation"],
        extra=f'    prompt: "{prompt}"\n    max_tokens: 128\n',
    )

    assert implied.identity() == written.identity()


def test_word_perplexity_is_left_out_in_chinese(suite_of: Callable[..., Suite]) -> None:
    suite = suite_of("perplexity", ROWS["perplexity"], language="zh")

    assert suite.metrics() == ("perplexity", "byte_perplexity", "bits_per_byte")


def test_labels_come_from_the_gold_answers_and_are_part_of_the_identity(
    suite_of: Callable[..., Suite],
) -> None:
    rows = [ROWS["classification"] | {"references": [label]} for label in ("good", "bad", "good")]

    found = suite_of("classification", *rows)
    reordered = suite_of("classification", *rows, extra="    labels: [good, bad]\n")

    assert found.config.tasks["t"].labels == ("bad", "good")
    assert "labels fits: bad, good?" in asked(found)
    assert found.identity() != reordered.identity()


def test_an_unanswerable_question_makes_the_prompt_allow_for_no_answer(
    suite_of: Callable[..., Suite],
) -> None:
    open_question = {"input": ROWS["extractive_qa"]["input"]}

    english = suite_of("extractive_qa", ROWS["extractive_qa"], open_question)
    chinese = suite_of("extractive_qa", open_question, language="zh")

    assert asked(english).endswith("If the text does not answer it, say: unanswerable.")
    assert asked(chinese).endswith("如果原文没有答案，请回答：无法回答。")


def test_lettered_choices_stand_in_the_prompt(suite_of: Callable[..., Suite]) -> None:
    row = {"input": {"context": "C.", "question": "Q?"}, "choices": ["x", "y", "z"], "answer": 2}

    english = suite_of("multiple_choice", row, extra="    score: letter\n")
    chinese = suite_of("multiple_choice", row, language="zh", extra="    score: letter\n")

    assert asked(english) == "C.\n\nQ?\nA. x\nB. y\nC. z\nAnswer:"
    assert asked(chinese) == "C.\n\nQ?\nA. x\nB. y\nC. z\n答案："
    assert english.metrics() == ("accuracy",)


FAULTS = {
    "no metrics": ("generate", "    max_tokens: 3\n", ":6: tasks.t.metrics: a task of type generate must name its metrics"),
    "own history of single questions": ("generate", "    metrics: [bleu]\n    history: own\n", ":9: tasks.t.history: this belongs to multi_turn tasks, not to generate"),
    "letters without choices": ("reading", "    score: letter\n", ":8: tasks.t.score: this belongs to multiple_choice tasks"),
    "windows of answers": ("reading", "    window: 9\n", ":8: tasks.t.window: this belongs to perplexity tasks"),
    "no answer to a choice": ("multiple_choice", "    no_answer: none\n", ":8: tasks.t.no_answer: this belongs to extractive_qa tasks"),
    "shots before a text": ("perplexity", "    shots: 2\n", ":8: tasks.t.shots: a perplexity task takes no solved examples"),
    "prompt around a text": ("perplexity", "    prompt: 'Hm'\n", ":8: tasks.t.prompt: a perplexity task takes its input as it is"),
    "prompt around a dialogue": ("multi_turn", "    prompt: 'Hm'\n", ":8: tasks.t.prompt: a multi_turn task takes its input as it is"),
    "draws without a seed": ("reading", "    shots_per: item\n", ":8: tasks.t.shots_per: a draw for each item needs a `shots_seed`"),
    "letters divided by length": ("multiple_choice", "    score: letter\n    metrics: [acc_norm]\n", ":9: tasks.t.metrics: acc_norm divides by the length of a choice"),
    "a broken continuation": ("multiple_choice", "    continuation: '{{ choice'\n", ":8: tasks.t.continuation: not a valid Jinja template"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "extra", "message"), FAULTS.values(), ids=FAULTS)
def test_a_setting_that_contradicts_its_type_is_told_with_its_line(
    suite_of: Callable[..., Suite], kind: str, extra: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        suite_of(kind, ROWS[kind], extra=extra)

    assert f"suite.yaml{message}" in str(caught.value)


QA = ROWS["extractive_qa"]
MISFITS = {
    "text where fields are read": ("reading", {"input": "Q?", "references": ["A"]}, "its input must have the fields 'context' and 'question': reading reads them"),
    "a missing field": ("reading", {"input": {"context": "C."}, "references": ["A"]}, "its input has no field 'question'; add it, or give the task a `prompt` that reads what is there (context)"),
    "fields without a prompt": ("summarisation", {"input": {"note": "N"}, "references": ["A"]}, "its input has no field 'text'"),
    "an unknown label": ("classification", {"input": "T", "references": ["goood"]}, "'goood' is not one of the labels (did you mean 'good'?): good, bad"),
    "no label": ("classification", {"input": "T"}, "no references"),
    "choices to a question": ("extractive_qa", QA | {"choices": ["A", "B"]}, "choices belong to multiple_choice tasks only"),
    "reference to a text": ("perplexity", {"input": "T", "references": ["A"]}, "a perplexity item has no references"),
    "blank text": ("perplexity", {"input": {"text": " "}}, "the input is empty"),
    "blank text among fields": ("perplexity", {"input": {"text": " ", "title": "T"}}, "the text to be scored is empty"),
    "conversation as a text": ("perplexity", {"input": ROWS["multi_turn"]["input"]}, "needs a text, not a conversation"),
    "text as a dialogue": ("multi_turn", {"input": "Hi", "references": ["A"]}, "needs a conversation: a list of {role, content}"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "row", "message"), MISFITS.values(), ids=MISFITS)
def test_an_item_that_its_task_cannot_use_is_refused(
    suite_of: Callable[..., Suite], kind: str, row: dict[str, Any], message: str
) -> None:
    extra = "    labels: [good, bad]\n" if kind == "classification" else ""

    with pytest.raises(GoldError) as caught:
        suite_of(kind, row, extra=extra)

    assert "gold.jsonl:1: 'g0': " in str(caught.value)
    assert message in str(caught.value)


def test_more_choices_than_letters_are_refused(suite_of: Callable[..., Suite]) -> None:
    row = {"input": "Q?", "choices": [str(i) for i in range(27)], "answer": 0}

    with pytest.raises(GoldError, match="27 choices are more than there are letters"):
        suite_of("multiple_choice", row, extra="    score: letter\n")


def test_generate_with_fields_wants_a_prompt(suite_of: Callable[..., Suite]) -> None:
    row = {"input": {"note": "N", "ask": "A"}, "references": ["x"]}

    with pytest.raises(
        GoldError, match=r"its input has fields: give the task a `prompt` .*note, ask"
    ):
        suite_of("generate", row, extra="    metrics: [bleu]\n")


def test_an_items_own_system_turn_goes_before_the_suites(suite_of: Callable[..., Suite]) -> None:
    turns = [{"role": "system", "content": "Own."}, *ROWS["multi_turn"]["input"]]

    suite = suite_of("multi_turn", {"input": turns}, extra="    system: The suite's.\n")

    assert conversation(suite, suite.gold[0]) == [
        Message(role="system", content="Own."),
        Message(role="user", content="Q?"),
    ]
