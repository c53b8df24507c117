from __future__ import annotations

from harness.engines.base import Request
from harness.engines.transformers import MOST_LOGITS, _portions
from harness.jobs import length
from harness.types import Sampling


def row(n_scored: int) -> tuple[int, list[int], list[int]]:
    return (0, [1], [2] * n_scored)


def test_short_choices_stay_in_one_pass() -> None:
    rows = [row(4)] * 100

    assert [len(portion) for portion in _portions(rows)] == [100]


def test_long_texts_are_scored_few_at_a_time() -> None:
    rows = [row(MOST_LOGITS // 2)] * 5

    assert [len(portion) for portion in _portions(rows)] == [2, 2, 1]


def test_a_text_longer_than_a_pass_has_one_of_its_own() -> None:
    rows = [row(3), row(2 * MOST_LOGITS), row(3)]

    portions = list(_portions(rows))

    assert [len(portion) for portion in portions] == [1, 1, 1]
    assert [one for portion in portions for one in portion] == rows


def test_only_vllm_needs_a_place_for_a_generated_token() -> None:
    request = Request(
        key="k", prompt_ids=(1, 2), sampling=Sampling(max_tokens=1), choice_ids=((3,), (4, 5, 6))
    )

    assert (length(request, "vllm"), length(request, "transformers")) == (6, 4)
