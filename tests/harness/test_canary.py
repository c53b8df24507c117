from __future__ import annotations

from pathlib import Path

import pytest

from harness.canary import Canary
from harness.engines.base import Answer, Request
from harness.errors import CanaryError
from harness.types import Adapter

LORA = Adapter(name="lora", path=Path("lora"), digest="abc", rank=4)
PROMPTS = [(1, 2, 3, 4), (5, 6, 7, 8, 9)]


def answer(request: Request, logprob: float | None) -> Answer:
    return Answer(
        key=request.key,
        finish="stop",
        prompt_ids=request.prompt_ids,
        choice_logprobs=None if logprob is None else (logprob,),
    )


def canary(base: float, tuned: float | None) -> Canary:
    """Return a canary whose probes are all answered."""
    bird = Canary([LORA], PROMPTS)
    for request in bird.requests():
        bird.take(answer(request, tuned if request.adapter else base))
    return bird


def test_without_adapters_nothing_is_probed() -> None:
    assert Canary([], PROMPTS).requests() == []
    assert Canary([], PROMPTS).is_proven(None)


def test_the_second_half_of_each_prompt_is_scored_under_base_and_adapter() -> None:
    requests = Canary([LORA], PROMPTS).requests()

    assert [(r.adapter, r.prompt_ids, r.choice_ids) for r in requests] == [
        (None, (1, 2), ((3, 4),)),
        (None, (5, 6), ((7, 8, 9),)),
        (LORA, (1, 2), ((3, 4),)),
        (LORA, (5, 6), ((7, 8, 9),)),
    ]


def test_an_adapter_that_moves_a_probe_is_proven() -> None:
    bird = canary(-3.0, -2.5)

    assert bird.is_proven(LORA)
    assert bird.effect(LORA) == pytest.approx(0.5)
    bird.check_all()


@pytest.mark.parametrize("tuned", [-3.0, -3.00005])
def test_an_adapter_that_moves_nothing_is_refused(tuned: float) -> None:
    bird = canary(-3.0, tuned)

    with pytest.raises(CanaryError, match=r"adapter 'lora' .* does not change the model"):
        bird.is_proven(LORA)


def test_an_adapter_waits_until_all_probes_are_back() -> None:
    bird = Canary([LORA], PROMPTS)
    for request in bird.requests()[:-1]:
        bird.take(answer(request, -3.0 if request.adapter is None else -1.0))

    assert not bird.is_proven(LORA)
    assert bird.effect(LORA) is None


def test_an_engine_that_scores_no_probe_is_refused() -> None:
    with pytest.raises(CanaryError, match="the engine answered no probe"):
        canary(-3.0, None).check_all()


def test_only_the_largest_change_counts() -> None:
    bird = Canary([LORA], PROMPTS)
    logprobs = iter([-3.0, -3.0, -3.0, -2.0])
    for request in bird.requests():
        bird.take(answer(request, next(logprobs)))

    assert bird.effect(LORA) == pytest.approx(1.0)


@pytest.mark.parametrize("key", ["base/toy/q1", "canary/toy/q1", "canary/base/0", "canary/toy/0"])
def test_an_answer_of_a_run_is_never_taken_for_a_probe(key: str) -> None:
    bird = Canary([LORA], PROMPTS)

    assert not bird.take(Answer(key=key, finish="stop", prompt_ids=(1,), choice_logprobs=(-1.0,)))


def test_prompts_of_one_token_are_not_probed() -> None:
    assert len(Canary([LORA], [(1,), (1, 2)]).requests()) == 2
