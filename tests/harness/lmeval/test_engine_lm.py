from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.errors import ConfigError, RunError
from harness.lmeval.engine_lm import EngineLM, Reading
from harness.lmeval.responses import Response, response_key
from tests.harness.lmeval.conftest import OracleEngine

Make = Callable[..., Any]
GREEDY = {"until": ["\n"], "max_gen_toks": 8}


@pytest.fixture
def lm(oracle: OracleEngine, reading: Reading) -> EngineLM:
    return EngineLM(oracle, reading)


def text_of(ids: tuple[int, ...]) -> str:
    return "".join(map(chr, ids))


def test_a_continuation_is_scored_after_its_context(
    lm: EngineLM, oracle: OracleEngine, instance: Make
) -> None:
    ((logprob, is_greedy),) = lm.loglikelihood([instance("loglikelihood", "2 + 2 =", " 4")])

    (request,) = oracle.requests
    assert (text_of(request.contexts[0]), text_of(request.choice_ids[0])) == ("2 + 2 =", " 4")
    assert logprob < 0
    assert isinstance(is_greedy, bool)


def test_a_space_before_the_continuation_moves_into_it(
    lm: EngineLM, oracle: OracleEngine, instance: Make
) -> None:
    lm.loglikelihood([instance("loglikelihood", "2 + 2 = ", "4")])

    (request,) = oracle.requests
    assert (text_of(request.contexts[0]), text_of(request.choice_ids[0])) == ("2 + 2 =", " 4")


def test_an_empty_context_is_the_begin_or_end_token(
    lm: EngineLM, oracle: OracleEngine, instance: Make
) -> None:
    lm.loglikelihood([instance("loglikelihood", "", "Paris")])

    assert oracle.requests[0].contexts == ((3,),)


@pytest.mark.parametrize(("engine", "kept"), [("vllm", 7), ("transformers", 9)])
def test_a_long_context_is_cut_on_the_left_by_the_engines_rule(
    oracle: OracleEngine, reading: Reading, instance: Make, engine: str, kept: int
) -> None:
    lm = EngineLM(oracle, replace(reading, engine=engine, max_length=10))

    lm.loglikelihood([instance("loglikelihood", "0123456789", "ab")])

    assert text_of(oracle.requests[0].contexts[0]) == "0123456789"[-kept:]
    assert lm.n_truncated == 1


def test_every_token_of_a_long_text_is_scored_once(
    oracle: OracleEngine, reading: Reading, instance: Make
) -> None:
    lm = EngineLM(oracle, replace(reading, engine="transformers", max_length=4))

    (total,) = lm.loglikelihood_rolling([instance("loglikelihood_rolling", "0123456789")])

    (request,) = oracle.requests
    assert "".join(map(text_of, request.choice_ids)) == "0123456789"
    assert len(request.choice_ids) == 3
    assert (
        max(len(c) + len(p) for c, p in zip(request.contexts, request.choice_ids, strict=True)) <= 5
    )
    assert total < -0.3


def test_a_text_ends_before_its_first_stop_string(
    lm: EngineLM, oracle: OracleEngine, instance: Make
) -> None:
    oracle.runs_on = True

    (text,) = lm.generate_until([instance("generate_until", "Q", {"until": [".", "\n"]})])

    assert "." not in text
    assert oracle.requests[0].sampling.stop == (".", "\n", "\x03")
    assert oracle.requests[0].sampling.max_tokens == 256


def test_the_prompt_leaves_room_for_the_answer(
    oracle: OracleEngine, reading: Reading, instance: Make
) -> None:
    lm = EngineLM(oracle, replace(reading, max_length=12))

    lm.generate_until([instance("generate_until", "0123456789", GREEDY)])

    assert text_of(oracle.requests[0].prompt_ids) == "6789"


def test_an_answer_that_leaves_no_room_for_the_prompt_is_refused(
    oracle: OracleEngine, reading: Reading, instance: Make
) -> None:
    lm = EngineLM(oracle, replace(reading, max_length=8))

    with pytest.raises(ConfigError, match="max_gen_toks is 8, the model's context 8"):
        lm.generate_until([instance("generate_until", "0123", GREEDY)])


@pytest.mark.parametrize(
    "options",
    [
        {"do_sample": False, "top_k": 40, "top_p": 0.5},
        {"temperature": 0.7, "do_sample": False},
        {"num_beams": 1, "repetition_penalty": 1.0},
    ],
)
def test_arguments_that_change_nothing_are_taken(
    lm: EngineLM, oracle: OracleEngine, instance: Make, options: dict[str, Any]
) -> None:
    lm.generate_until([instance("generate_until", "Q", GREEDY | options)])

    assert (oracle.requests[0].sampling.temperature, oracle.requests[0].sampling.top_p) == (0, 1)


@pytest.mark.parametrize(
    "options",
    [
        {"num_beams": 4},
        {"repetition_penalty": 1.3},
        {"do_sample": True, "temperature": 0.7, "top_k": 5},
    ],
)
def test_arguments_that_our_engines_lack_are_refused(
    lm: EngineLM, instance: Make, options: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=f"the task asks for .*{list(options)[-1]}"):
        lm.generate_until([instance("generate_until", "Q", GREEDY | options)])


def test_equal_requests_are_asked_once(lm: EngineLM, oracle: OracleEngine, instance: Make) -> None:
    twice = [instance("generate_until", "Q", GREEDY)] * 2

    first, second = lm.generate_until(twice)

    assert first == second
    assert len(oracle.requests) == 1


def test_repetitions_are_sampled_anew(lm: EngineLM, oracle: OracleEngine, instance: Make) -> None:
    options = GREEDY | {"do_sample": True, "temperature": 0.5}

    lm.generate_until([instance("generate_until", "Q", options)] * 3)

    assert [request.sampling.seed for request in oracle.requests] == [0, 1, 2]


def test_what_is_stored_is_not_asked(
    oracle: OracleEngine, reading: Reading, instance: Make
) -> None:
    key = response_key("loglikelihood", ("a", "b"))
    stored = {key: Response(key=key, logprob=-1.25, is_greedy=True)}
    kept: list[Response] = []
    lm = EngineLM(oracle, reading, responses=stored, keep=kept.append)

    answers = lm.loglikelihood(
        [instance("loglikelihood", "a", "b"), instance("loglikelihood", "a", "c")]
    )

    assert answers[0] == (-1.25, True)
    assert [response.key for response in kept] == [response_key("loglikelihood", ("a", "c"))]
    assert len(oracle.requests) == 1


def test_a_plan_names_what_is_missing_and_asks_nothing(
    oracle: OracleEngine, reading: Reading, instance: Make
) -> None:
    lm = EngineLM(oracle, reading)
    instances = [
        instance("loglikelihood", "a", "b"),
        instance("loglikelihood_rolling", "abc"),
        instance("generate_until", "Q", GREEDY),
    ]

    planned = lm.plan(instances)

    assert len(planned) == 3
    assert oracle.requests == []
    assert lm.responses == {}


def test_without_an_engine_a_missing_answer_is_an_error(reading: Reading, instance: Make) -> None:
    with pytest.raises(RunError, match="asked for 1 answers that are not stored"):
        EngineLM(None, reading).loglikelihood([instance("loglikelihood", "a", "b")])


def test_a_continuation_without_tokens_is_refused(lm: EngineLM, instance: Make) -> None:
    with pytest.raises(ConfigError, match="continuation '' has no tokens"):
        lm.loglikelihood([instance("loglikelihood", "a", "")])


def test_conversations_are_laid_out_by_our_template(lm: EngineLM, reading: Reading) -> None:
    text = lm.apply_chat_template([{"role": "user", "content": "Hi"}])

    assert text == "<user>Hi<assistant>"
    assert lm.chat_template(True) == reading.template.source
