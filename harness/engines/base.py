"""The seam between a run and whatever answers its prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from harness.types import Adapter, Finish, Sampling

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One prompt for one model variant: to be continued, or whose choices are to be scored."""

    key: str
    """Comes back with the answer; unique within one call."""
    prompt_ids: tuple[int, ...]
    sampling: Sampling
    choice_ids: tuple[tuple[int, ...], ...] = ()
    """When given, nothing is generated: each choice is scored after its context."""
    contexts: tuple[tuple[int, ...], ...] = ()
    """What each choice follows, where that differs: the windows of a long text, say."""
    adapter: Adapter | None = None
    """None is the untouched base model."""

    @property
    def n_parts(self) -> int:
        """How many choices are scored."""
        return len(self.choice_ids)

    def context(self, part: int) -> tuple[int, ...]:
        """Return what a choice follows."""
        return self.contexts[part] if self.contexts else self.prompt_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the engine says to one request."""

    key: str
    text: str = ""
    finish: Finish
    prompt_ids: tuple[int, ...]
    """The prompt as the engine saw it: compared with the request's to detect drift."""
    completion_tokens: int = 0
    choice_logprobs: tuple[float, ...] | None = None
    """Log-likelihood (nats) of each choice."""
    choice_greedy: tuple[bool, ...] | None = None
    """Whether greedy decoding would give each choice, token by token."""
    seconds: float = 0.0
    error: str | None = None


class Engine(Protocol):
    """Answers requests of several model variants from one loaded base."""

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Yield an answer per request as each finishes, in any order."""
        ...

    def close(self) -> None:
        """Free the memory; the engine cannot be used afterwards."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How to load a model for serving."""

    model: str
    """Folder with config, weights and tokenizer."""
    adapters: tuple[Adapter, ...] = ()
    dtype: Dtype = "auto"
    max_tokens_per_sequence: int = 1024
    """Prompt and completion together."""
    seed: int = 0
    lora_mode: Literal["auto", "multi", "merged"] = "auto"
    """"multi": adapters side by side on one base; "merged": each merged into a copy of the base
    and served in turn; "auto": whichever this machine does faster."""
    replay_from: str | None = None
    """Folder of stored answers, for the replay engine."""


def choice_score(logprobs: Sequence[float]) -> float:
    """Return the log-likelihood of a choice: the sum over its tokens (lm-eval's convention)."""
    return float(sum(logprobs))
