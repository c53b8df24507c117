from __future__ import annotations

from harness.engines.base import Request
from harness.jobs import length
from harness.types import Sampling


def test_only_vllm_needs_a_place_for_a_generated_token() -> None:
    request = Request(
        key="k", prompt_ids=(1, 2), sampling=Sampling(max_tokens=1), choice_ids=((3,), (4, 5, 6))
    )

    assert (length(request, "vllm"), length(request, "transformers")) == (6, 4)
