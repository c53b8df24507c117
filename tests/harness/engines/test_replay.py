from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.base import EngineSettings, Request, choice_score
from harness.engines.replay import ReplayEngine
from harness.errors import DataError
from harness.types import Sampling


def ask(gold_id: str) -> Request:
    return Request(key=f"base/toy/{gold_id}", prompt_ids=(1, 2), sampling=Sampling(max_tokens=4))


def engine(tmp_path: Path, text: str) -> ReplayEngine:
    file = tmp_path / "answers.jsonl"
    file.write_text(text, encoding="utf-8")
    return ReplayEngine(EngineSettings(model="m", replay_from=str(file)))


def test_stored_texts_are_answered(tmp_path: Path) -> None:
    replay = engine(
        tmp_path, '{"id": "a", "text": "yes"}\n{"id": "b", "text": "n", "finish": "length"}\n'
    )

    answers = list(replay.answer([ask("b"), ask("a")]))

    assert [(x.text, x.finish, x.prompt_ids) for x in answers] == [
        ("n", "length", (1, 2)),
        ("yes", "stop", (1, 2)),
    ]


def test_stored_likelihoods_are_answered(tmp_path: Path) -> None:
    replay = engine(tmp_path, '{"id": "a", "choice_logprobs": [-1, -2.5]}\n')

    (answer,) = replay.answer([ask("a")])

    assert answer.choice_logprobs == (-1, -2.5)


def test_an_item_without_answer_is_an_error_and_not_a_zero(tmp_path: Path) -> None:
    (answer,) = engine(tmp_path, '{"id": "a", "text": "x"}\n').answer([ask("b")])

    assert (answer.finish, answer.error) == ("error", "no stored answer for this item")


def test_a_gold_id_may_hold_slashes(tmp_path: Path) -> None:
    (answer,) = engine(tmp_path, '{"id": "drugs/a/1", "text": "x"}\n').answer([ask("drugs/a/1")])

    assert answer.text == "x"


FAULTS = {
    "no id": ('{"text": "x"}\n', ":1: each row needs an `id`"),
    "a number as id": ('{"id": 1}\n', ":1: each row needs an `id`"),
    "a repeated id": ('{"id": "a"}\n{"id": "a"}\n', ":2: id 'a' appears twice"),
    "not JSON": ("x\n", ":1: this line is not valid JSON"),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_in_the_answers_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match="answers.jsonl" + message):
        engine(tmp_path, text)


def test_replay_needs_a_file() -> None:
    with pytest.raises(DataError, match="--replay"):
        ReplayEngine(EngineSettings(model="m"))


def test_a_choices_likelihood_is_the_sum_over_its_tokens() -> None:
    assert choice_score([-1.5, -0.25]) == -1.75
