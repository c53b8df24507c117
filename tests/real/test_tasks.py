"""Task types on the real model: both engines agree with each other, transformers and lm-eval."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest

from harness.models import ModelSource
from harness.runner import Cell, Serving, folder_of, run_cells
from harness.scoring import score_run
from harness.suite import load_suite
from harness.templates import load_template
from harness.types import Completion
from tests.real.support import write_jsonl

pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore"),  # torch, vLLM and lm-eval warn about their insides
]

ENGINES = ("transformers", "vllm")
WINDOW = 24
TEXTS = (
    (
        "The old lighthouse keeper climbed the winding stairs every evening to light the lamp, "
        "and every morning he climbed them again to put it out. Ships passed far away."
    ),
    "一位老人每天傍晚都登上灯塔点亮灯火。",
    "def add(a, b):\n    return a + b\n",
    "Hi",
)
SUITE = f"""\
name: kinds
version: 1.0.0
language: en
description: One task of each new kind.
tasks:
  text: {{type: perplexity, window: {WINDOW}}}
  chat: {{type: multi_turn, history: own, max_tokens: 10}}
  letter: {{type: multiple_choice, score: letter}}
  wino:
    type: multiple_choice
    prompt: "{{{{ input.before }}}}{{{{ choice }}}}"
    continuation: "{{{{ input.after }}}}"
    metrics: [accuracy]
"""
QUESTIONS = ("Name a fruit.", "Name a river.", "What is the capital of Italy?", "Say hello.")


@pytest.fixture(scope="module")
def suite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    texts = [{"id": f"text-{i}", "task": "text", "input": text} for i, text in enumerate(TEXTS)]
    chats = [
        {"id": f"chat-{i}", "task": "chat", "input": [
            {"role": "user", "content": question}, {"role": "assistant", "content": "Well."},
            {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."},
            {"role": "user", "content": "Say that again."}], "references": ["Because."]}
        for i, question in enumerate(QUESTIONS)
    ]  # fmt: skip
    choices = [
        {"id": "letter", "task": "letter", "input": "Which animal barks?",
         "choices": ["cat", "dog", "fish", "bird"], "answer": 1},
        {"id": "wino", "task": "wino", "choices": ["trophy", "suitcase"], "answer": 0,
         "input": {"before": "The trophy does not fit in the suitcase because the ",
                   "after": "is too large."}},
    ]  # fmt: skip
    write_jsonl(folder / "gold.jsonl", [*texts, *chats, *choices])
    return folder


@pytest.fixture(scope="module")
def ran(
    suite_file: Path, model: ModelSource, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Completion]]:
    """The completions of a quiet run on each engine."""
    return {
        engine: run(engine, suite_file, model, tmp_path_factory.mktemp(engine))
        for engine in ENGINES
    }


def cell_of(suite_file: Path) -> Cell:
    return Cell(name="base", suite=load_suite(suite_file))


def serving_of(engine: str, model: ModelSource) -> Serving:
    template = load_template("tokenizer", model.path)
    return Serving(model=model, template=template, engine=engine, dtype="float32")


def run(engine: str, suite_file: Path, model: ModelSource, root: Path) -> dict[str, Completion]:
    serving, cell = serving_of(engine, model), cell_of(suite_file)
    run_cells([cell], serving, root)
    return folder_of(cell, serving, root).completions()


def rolling_of_transformers(model: ModelSource, text: str) -> float:
    """Return a text's log-likelihood from the model's own loss, window by window."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(model.path))
    network: Any = AutoModelForCausalLM.from_pretrained(str(model.path), dtype=torch.float32)
    ids = [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
    total = 0.0
    for start in range(1, len(ids), WINDOW):
        end = min(start + WINDOW, len(ids))
        window = torch.tensor([ids[max(0, end - WINDOW - 1) : end]])
        labels = window.clone()
        labels[:, : window.shape[1] - (end - start)] = -100
        with torch.inference_mode():
            loss = float(network(input_ids=window, labels=labels).loss)
        total -= loss * (end - start)
    return total


@pytest.mark.parametrize("engine", ENGINES)
def test_a_texts_likelihood_is_that_of_the_models_own_loss(
    ran: dict[str, dict[str, Completion]], model: ModelSource, engine: str
) -> None:
    theirs = [rolling_of_transformers(model, text) for text in TEXTS]

    ours = [sum(ran[engine][f"text-{i}"].choice_logprobs or ()) for i in range(len(TEXTS))]

    # Float32 sums in another order: some 1e-5 a token.
    assert ours == pytest.approx(theirs, abs=5e-3)


def test_a_texts_likelihood_is_that_of_lm_eval(
    ran: dict[str, dict[str, Completion]], model: ModelSource
) -> None:
    instance: Any = pytest.importorskip("lm_eval.api.instance").Instance
    model_class: Any = pytest.importorskip("lm_eval.models.huggingface").HFLM
    other = model_class(
        pretrained=str(model.path), dtype="float32", device="cpu", max_length=WINDOW, batch_size=2
    )
    asked = [
        instance(request_type="loglikelihood_rolling", doc={}, arguments=(text,), idx=i)
        for i, text in enumerate(TEXTS)
    ]

    theirs = other.loglikelihood_rolling(asked, disable_tqdm=True)

    for engine in ENGINES:
        ours = [sum(ran[engine][f"text-{i}"].choice_logprobs or ()) for i in range(len(TEXTS))]
        assert ours == pytest.approx(theirs, abs=5e-3), engine


def test_perplexity_is_the_exponential_of_the_mean_loss(
    suite_file: Path, model: ModelSource, tmp_path: Path
) -> None:
    serving, cell = serving_of("transformers", model), cell_of(suite_file)
    run_cells([cell], serving, tmp_path)
    folder = folder_of(cell, serving, tmp_path)
    done = folder.completions()
    n_tokens = sum(sum(done[f"text-{i}"].choice_tokens or ()) for i in range(len(TEXTS)))
    total = sum(rolling_of_transformers(model, text) for text in TEXTS)

    scores = {score.metric.name: score for score in score_run(folder, cell.suite, "base")}

    assert scores["perplexity"].value() == pytest.approx(math.exp(-total / n_tokens), rel=1e-4)


def test_both_engines_say_the_same_in_a_dialogue_on_their_own_answers(
    ran: dict[str, dict[str, Completion]],
) -> None:
    turns = [f"chat-{i}#{k}" for i in range(len(QUESTIONS)) for k in (1, 2, 3)]

    same = [turn for turn in turns if ran["vllm"][turn].text == ran["transformers"][turn].text]

    # One turn may fall to the other side of a tie, and then its dialogue goes another way.
    assert len(same) >= len(turns) - 3


def test_both_engines_score_letters_and_contexts_alike(
    ran: dict[str, dict[str, Completion]],
) -> None:
    for item in ("letter", "wino"):
        ours, theirs = (ran[engine][item].choice_logprobs for engine in ENGINES)
        assert ours == pytest.approx(theirs, abs=2e-3)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_interrupted_run_ends_with_the_answers_of_an_undisturbed_one(
    ran: dict[str, dict[str, Completion]],
    suite_file: Path,
    model: ModelSource,
    tmp_path: Path,
    engine: str,
) -> None:
    serving, cell = serving_of(engine, model), cell_of(suite_file)
    folder = folder_of(cell, serving, tmp_path)
    kept = random.Random(7).sample(["text-0", "letter", *(f"chat-{i}#1" for i in range(3))], 3)
    folder.create({"gold": cell.suite.gold_digest}, {})
    with folder.append_completions() as writer:
        for gold_id in kept:
            writer.write(ran[engine][gold_id].model_dump(mode="json"))

    run_cells([cell], serving, tmp_path)

    texts = {gold_id: said.text for gold_id, said in folder.completions().items()}
    assert texts == {gold_id: said.text for gold_id, said in ran[engine].items()}
