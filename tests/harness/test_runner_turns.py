"""Dialogues on the model's own answers, choices with contexts of their own, long texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.adapters import load_adapter
from harness.errors import ModelError, RunError
from harness.runner import Cell, Serving, folder_of, missing_items, run_cells
from harness.scoring import score_run
from harness.suite import load_suite
from harness.types import Completion

HEAD = 'name: toy\nversion: "1"\nlanguage: en\ndescription: d\ntasks:\n'
CHAT = HEAD + "  chat: {type: multi_turn, history: own, max_tokens: 8}\n"
ROWS = [
    {
        "id": name,
        "task": "chat",
        "input": [
            {"role": role, "content": f"{name}{number}"}
            for number in range(1, 4)
            for role in ("user", "assistant")
        ],
    }
    for name in ("x", "y")
]


@pytest.fixture
def chat(suite_folder: Callable[..., Path]) -> Cell:
    return Cell(name="base", suite=load_suite(suite_folder(CHAT, ROWS)))


@pytest.fixture
def chatty(echo: Any) -> Any:
    """An engine whose answer to every turn is a text of its own."""
    echo.texts = {f"{name}#{turn}": f"own-{name}{turn}" for name in "xy" for turn in (1, 2, 3)}
    return echo


def prompts(engine: Any) -> dict[str, str]:
    return {r.key.rpartition("/")[2]: "".join(map(chr, r.prompt_ids)) for r in engine.requests}


def stored(cell: Cell, serving: Serving, root: Path) -> dict[str, Completion]:
    return folder_of(cell, serving, root).completions()


def test_a_later_turn_follows_the_models_own_answers(
    chatty: Any, chat: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([chat], serving, tmp_path)

    assert prompts(chatty)["y#3"] == (
        "<user>y1<assistant>own-y1<user>y2<assistant>own-y2<user>y3<assistant>"
    )


def test_the_first_turns_of_all_dialogues_are_asked_together(
    chatty: Any, chat: Cell, serving: Serving, tmp_path: Path
) -> None:
    run_cells([chat], serving, tmp_path)

    asked = [key.rpartition("/")[2] for key in chatty.items_asked()]
    assert asked == ["x#1", "y#1", "x#2", "y#2", "x#3", "y#3"]
    assert len(chatty.settings) == 1


def test_with_gold_history_a_later_turn_follows_the_gold_answers(
    chatty: Any, suite_folder: Callable[..., Path], serving: Serving, tmp_path: Path
) -> None:
    suite = load_suite(suite_folder(CHAT.replace("own", "gold"), ROWS))

    run_cells([Cell(name="base", suite=suite)], serving, tmp_path)

    assert prompts(chatty)["x#2"] == "<user>x1<assistant>x1<user>x2<assistant>"


@pytest.mark.parametrize("crash_after", range(6))
def test_a_dialogue_that_was_interrupted_ends_with_the_bytes_of_an_undisturbed_one(
    chatty: Any, chat: Cell, serving: Serving, tmp_path: Path, crash_after: int
) -> None:
    run_cells([chat], serving, tmp_path / "whole")
    torn = folder_of(chat, serving, tmp_path / "torn")
    whole = folder_of(chat, serving, tmp_path / "whole")
    lines = (whole.path / "completions.jsonl").read_bytes().splitlines(keepends=True)
    torn.create({}, {})
    (torn.path / "completions.jsonl").write_bytes(b"".join(lines[:crash_after]) + lines[0][:9])
    chatty.requests.clear()

    run_cells([chat], serving, tmp_path / "torn")

    assert (torn.path / "completions.jsonl").read_bytes() == b"".join(lines)
    assert len(chatty.requests) == 6 - crash_after


def test_a_failed_turn_holds_back_the_rest_of_its_dialogue_only(
    chatty: Any, chat: Cell, serving: Serving, tmp_path: Path
) -> None:
    chatty.failing = {"x#2"}
    with pytest.raises(RunError, match=r"1 of 6 items failed; .*; 1 later turns of their dialog"):
        run_cells([chat], serving, tmp_path)
    assert missing_items(chat, serving, tmp_path) == ["x#2", "x#3"]
    chatty.failing = set()

    run_cells([chat], serving, tmp_path)

    assert missing_items(chat, serving, tmp_path) == []
    assert prompts(chatty)["x#3"].startswith("<user>x1<assistant>own-x1<user>x2<assistant>own-x2")


def test_every_configuration_goes_on_from_its_own_answers(
    chatty: Any, chat: Cell, adapter_folder: Callable[..., Path], serving: Serving, tmp_path: Path
) -> None:
    adapter = load_adapter("lora", adapter_folder(), serving.model, max_rank=64)

    run_cells([chat, Cell(name="lora", suite=chat.suite, adapter=adapter)], serving, tmp_path)

    assert len(chatty.items_asked()) == 12
    assert len([r for r in chatty.requests if "canary" in r.key]) == 4  # once, not in each wave


def test_the_engine_has_room_for_the_longest_dialogue(
    chatty: Any, suite_folder: Callable[..., Path], serving: Serving, tmp_path: Path
) -> None:
    suite = load_suite(suite_folder(CHAT.replace("8", "200"), ROWS))

    run_cells([Cell(name="base", suite=suite)], serving, tmp_path)

    longest = len("<user>x1<assistant><user>x2<assistant><user>x3<assistant>") + 3 * 200
    assert chatty.settings[0].max_tokens_per_sequence >= longest


def test_a_dialogue_that_cannot_fit_is_refused_before_loading(
    chatty: Any, chat: Cell, serving: Serving, model_folder: Path, tmp_path: Path
) -> None:
    (model_folder / "config.json").write_text('{"max_position_embeddings": 50}', encoding="utf-8")

    with pytest.raises(ModelError, match="the last turn of a dialogue takes 65 tokens"):
        run_cells([chat], serving, tmp_path)

    assert chatty.settings == []


def test_a_dialogue_that_outgrows_the_context_fails_alone(
    chatty: Any, chat: Cell, serving: Serving, model_folder: Path, tmp_path: Path
) -> None:
    (model_folder / "config.json").write_text('{"max_position_embeddings": 80}', encoding="utf-8")
    chatty.texts["x#1"] = "a" * 30

    with pytest.raises(RunError, match="x#3: the dialogue has grown to 101 tokens"):
        run_cells([chat], serving, tmp_path)

    assert missing_items(chat, serving, tmp_path) == ["x#3"]


WINO = HEAD + (
    "  wino: {type: multiple_choice, metrics: [accuracy],"
    " prompt: '{{ input.before }}{{ choice }}', continuation: '{{ input.after }}'}\n"
)


def test_choices_can_have_a_context_each(
    echo: Any, suite_folder: Callable[..., Path], serving: Serving, tmp_path: Path
) -> None:
    row = {
        "id": "w", "task": "wino", "choices": ["Ann", "Bob"], "answer": 0,
        "input": {"before": "It was ", "after": "who won."},
    }  # fmt: skip
    cell = Cell(name="base", suite=load_suite(suite_folder(WINO, [row])))

    run_cells([cell], serving, tmp_path)

    (request,) = echo.requests
    assert ["".join(map(chr, ids)) for ids in request.contexts] == [
        "<user>It was Ann<assistant>",
        "<user>It was Bob<assistant>",
    ]
    assert ["".join(map(chr, ids)) for ids in request.choice_ids] == ["who won.", "who won."]
    assert stored(cell, serving, tmp_path)["w"].choice_tokens == (8, 8)


TEXT = HEAD + "  text: {type: perplexity, window: 4}\n"


def test_a_text_is_scored_in_windows_without_any_template(
    echo: Any, suite_folder: Callable[..., Path], serving: Serving, tmp_path: Path
) -> None:
    suite = load_suite(suite_folder(TEXT, [{"id": "t", "task": "text", "input": "abcdef"}]))
    cell = Cell(name="base", suite=suite)

    run_cells([cell], serving, tmp_path)

    (request,) = echo.requests
    assert request.contexts == ((0,), tuple(map(ord, "bcd")))
    assert request.choice_ids == (tuple(map(ord, "abcd")), tuple(map(ord, "ef")))
    assert stored(cell, serving, tmp_path)["t"].choice_tokens == (4, 2)


def test_an_adapter_is_proven_on_texts_as_well(
    echo: Any,
    suite_folder: Callable[..., Path],
    adapter_folder: Callable[..., Path],
    serving: Serving,
    tmp_path: Path,
) -> None:
    suite = load_suite(suite_folder(TEXT, [{"id": "t", "task": "text", "input": "abcdef"}]))
    adapter = load_adapter("lora", adapter_folder(), serving.model, max_rank=64)
    cell = Cell(name="lora", suite=suite, adapter=adapter)

    run_cells([cell], serving, tmp_path)

    assert [r for r in echo.requests if "canary" in r.key]
    (perplexity, *_) = score_run(folder_of(cell, serving, tmp_path), suite, "lora")
    assert perplexity.value() is not None


def test_by_default_a_window_is_the_models_context_less_two(
    echo: Any,
    suite_folder: Callable[..., Path],
    serving: Serving,
    model_folder: Path,
    tmp_path: Path,
) -> None:
    (model_folder / "config.json").write_text('{"max_position_embeddings": 12}', encoding="utf-8")
    yaml = TEXT.replace(", window: 4", "")
    suite = load_suite(suite_folder(yaml, [{"id": "t", "task": "text", "input": "a" * 25}]))

    run_cells([Cell(name="base", suite=suite)], serving, tmp_path)

    assert [len(ids) for ids in echo.requests[0].choice_ids] == [10, 10, 5]
