"""vLLM and transformers answer alike, with and without adapters, in every serving mode."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.engines.base import Answer, Engine, EngineSettings, Request
from harness.engines.transformers import TransformersEngine
from harness.engines.vllm import VllmEngine
from harness.models import ModelSource
from harness.runner import load_tokenizer
from harness.templates import encode, load_template, render
from harness.types import Adapter, Message, Sampling

pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore"),  # torch and vLLM warn about their own insides
]

QUESTIONS = (
    "What is the capital of France?",
    "Say the word number 3.",
    "What is 2 + 3?",
    "Name a yellow fruit.",
    "Say the word number 17.",
    "Which animal barks?",
)
SAME_TEXT = 0.95
"""Share of greedy answers that the two engines must give to the letter, in float32."""


@pytest.fixture(scope="module")
def requests(model: ModelSource, trained: list[Adapter]) -> list[Request]:
    tokenizer = load_tokenizer(model)
    template = load_template("tokenizer", model.path)
    found: list[Request] = []
    for adapter in [None, *trained]:
        name = adapter.name if adapter else "base"
        for number, question in enumerate(QUESTIONS):
            text = render(
                template, [Message(role="user", content=question)], tokenizer, for_answer=True
            )
            ask = Request(
                key=f"{name}/ask/{number}",
                prompt_ids=tuple(encode(tokenizer, text)),
                sampling=Sampling(max_tokens=16),
                adapter=adapter,
            )
            choices = tuple(tuple(encode(tokenizer, word)) for word in ("Paris", "banana split"))
            found += [ask, replace(ask, key=f"{name}/choose/{number}", choice_ids=choices)]
    return found


@pytest.fixture(scope="module")
def reference(
    model: ModelSource, trained: list[Adapter], requests: list[Request]
) -> dict[str, Answer]:
    settings = EngineSettings(model=str(model.path), adapters=tuple(trained), dtype="float32")
    return answers(TransformersEngine(settings), requests)


@pytest.fixture(scope="module", params=["merged", "multi"])
def served(
    request: pytest.FixtureRequest,
    model: ModelSource,
    trained: list[Adapter],
    requests: list[Request],
) -> dict[str, Answer]:
    settings = EngineSettings(
        model=str(model.path), adapters=tuple(trained), dtype="float32", lora_mode=request.param
    )
    return answers(VllmEngine(settings), requests)


def test_vllm_gives_the_texts_of_transformers(
    served: dict[str, Answer], reference: dict[str, Answer]
) -> None:
    keys = [key for key in reference if "/ask/" in key]

    same = [key for key in keys if served[key].text == reference[key].text]

    assert len(same) / len(keys) >= SAME_TEXT


def test_base_requests_beside_adapters_stay_the_base(
    served: dict[str, Answer], reference: dict[str, Answer]
) -> None:
    keys = [key for key in reference if key.startswith("base/ask/")]

    assert [served[key].text for key in keys] == [reference[key].text for key in keys]


def test_adapters_change_the_answers(served: dict[str, Answer]) -> None:
    assert served["base/ask/1"].text != served["shout/ask/1"].text


def test_choice_scores_agree_with_transformers(
    served: dict[str, Answer], reference: dict[str, Answer]
) -> None:
    keys = [key for key in reference if "/choose/" in key]

    ours = [score for key in keys for score in served[key].choice_logprobs or ()]
    theirs = [score for key in keys for score in reference[key].choice_logprobs or ()]

    # Float32 sums in another order: 1e-5 per token were measured; 2 to 3 tokens a choice.
    assert ours == pytest.approx(theirs, abs=2e-3)


def test_the_engine_echoes_the_prompt(served: dict[str, Answer], requests: list[Request]) -> None:
    assert all(served[r.key].prompt_ids == r.prompt_ids for r in requests)


def test_a_trained_model_stops_by_itself(served: dict[str, Answer]) -> None:
    assert served["shout/ask/1"].finish == "stop"


def answers(engine: Engine, requests: list[Request]) -> dict[str, Answer]:
    try:
        return {answer.key: answer for answer in engine.answer(requests)}
    finally:
        engine.close()
