"""Prove that an adapter is really at work before its scores count.

Engines have silently served the base model in place of an adapter (vllm#34186, lm-eval#2432).
The same short continuation is scored after the same prompts with and without the adapter; if no
log-likelihood moves, the adapter is not there.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.engines.base import Answer, Request
from harness.errors import CanaryError
from harness.types import Adapter, Sampling

PREFIX = "/canary"
"""Of the probes' keys; a run's own begin with a configuration's name, which has no slash."""
SMALLEST_EFFECT = 1e-4
"""Nats. Float32 noise between batch shapes is some 1e-5; a trained adapter moves whole nats."""


class Canary:
    """Scores probe prompts under the base and every adapter and compares."""

    def __init__(self, adapters: Sequence[Adapter], prompts: Sequence[tuple[int, ...]]) -> None:
        self._adapters = {adapter.digest: adapter for adapter in adapters}
        self._prompts = [prompt for prompt in prompts if len(prompt) > 1]
        self._scores: dict[str, dict[int, float]] = {}

    def requests(self) -> list[Request]:
        """Return the probes; none when there is no adapter to prove."""
        if not self._adapters:
            return []
        variants: list[tuple[str, Adapter | None]] = [("base", None), *self._adapters.items()]
        return [
            Request(
                key=f"{PREFIX}/{name}/{number}",
                prompt_ids=prompt[: len(prompt) // 2],
                sampling=Sampling(max_tokens=1),
                choice_ids=(prompt[len(prompt) // 2 :],),
                adapter=adapter,
            )
            for name, adapter in variants
            for number, prompt in enumerate(self._prompts)
        ]

    def take(self, answer: Answer) -> bool:
        """Keep the answer if it is a probe's."""
        if not answer.key.startswith(PREFIX):
            return False
        name, number = answer.key.split("/")[2:]
        if answer.choice_logprobs is not None:
            self._scores.setdefault(name, {})[int(number)] = answer.choice_logprobs[0]
        return True

    def effect(self, adapter: Adapter | None) -> float | None:
        """Return the largest change of a probe's log-likelihood (nats), or None if not known."""
        if adapter is None or not self._is_complete(adapter.digest):
            return None
        base, tuned = self._scores["base"], self._scores[adapter.digest]
        return max(abs(tuned[number] - base[number]) for number in base)

    def is_proven(self, adapter: Adapter | None) -> bool:
        """Whether this variant's answers may be stored.

        Raises:
            CanaryError: all probes are back and none has moved.
        """
        if adapter is None:
            return True
        effect = self.effect(adapter)
        if effect is None:
            return False
        if effect < SMALLEST_EFFECT:
            raise CanaryError(
                f"adapter {adapter.name!r} ({adapter.path}) does not change the model: the "
                f"largest change on {len(self._prompts)} probes is {effect:.1e} nats; either it "
                "was never trained or the engine did not load it. Nothing was scored for it"
            )
        return True

    def check_all(self) -> None:
        """Raise unless every adapter is proven.

        Raises:
            CanaryError: a probe moved nothing, or did not come back.
        """
        for adapter in self._adapters.values():
            if not self.is_proven(adapter):
                raise CanaryError(f"adapter {adapter.name!r}: the engine answered no probe")

    def _is_complete(self, digest: str) -> bool:
        wanted = len(self._prompts)
        return all(len(self._scores.get(name, {})) == wanted for name in ("base", digest))
