"""The values that flow through a run: gold → prompt → completion → measurement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Finish = Literal["stop", "length", "error"]
Language = Literal["en", "zh"]
TaskType = Literal[
    "generate",
    "multiple_choice",
    "classification",
    "extractive_qa",
    "summarisation",
    "translation",
    "reading",
    "multi_turn",
    "perplexity",
    "lm_eval",
]


class Record(BaseModel):
    """Base of every value that is read from or written to disk: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Record):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class GoldRecord(Record):
    """One item of a gold set: what is asked and what a right answer looks like."""

    id: str
    task: str
    """Name of a task in suite.yaml; it decides the prompt and the metrics."""
    input: str | dict[str, str] | tuple[Message, ...]
    """A question, named fields for the task's prompt, or a conversation that ends with the user;
    in a multi_turn task a whole dialogue, with the gold answers as the assistant's turns."""
    references: tuple[str, ...] = ()
    """Right answers; any of them counts. None: unanswerable (extractive_qa), or not needed."""
    choices: tuple[str, ...] = ()
    """Answer options of a multiple_choice task."""
    answer: int | None = None
    """Index of the right choice, from 0."""
    slices: dict[str, str] = {}
    """Subgroups for reporting, such as {"topic": "dose"}."""
    cluster: str | None = None
    """Items that share a source (one note, one drug) are resampled together."""
    source: str | None = None


class Completion(Record):
    """What a model answered to one gold item; written once and never changed."""

    gold_id: str
    text: str = ""
    finish: Finish
    """"stop": the model ended by itself; "length": cut at max_tokens; "error": no answer."""
    prompt_tokens: int
    completion_tokens: int = 0
    choice_logprobs: tuple[float, ...] | None = None
    """Log-likelihood (nats) of each choice given the prompt (multiple_choice), or of each window
    of a text (perplexity)."""
    choice_tokens: tuple[int, ...] | None = None
    """Number of tokens of each of these."""
    scores: dict[str, float] = {}
    """What another harness measured on this answer, by its metric's name (`imported`)."""
    seconds: float = 0.0
    """Wall time from submission to the answer; requests overlap, so these don't add up."""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to decode. Greedy unless a temperature is set."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 0
    keeps_special_tokens: bool = False
    """Whether vLLM leaves special tokens other than the end in the text, as lm-eval has it do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A LoRA adapter on disk."""

    name: str
    path: Path
    digest: str
    rank: int
    """Largest rank of any target module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A gold item as the model will see it."""

    gold_id: str
    text: str
    token_ids: tuple[int, ...]
    choice_ids: tuple[tuple[int, ...], ...] = ()
    """Tokens of each choice, or of each window of a text, to be scored after the prompt."""
    contexts: tuple[tuple[int, ...], ...] = ()
    """What each of them follows, where that differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Additive statistics of one item: summed over items, they give the corpus value."""

    stats: tuple[float, ...]
    is_extracted: bool = True
    """False where the task's `extract` steps found no answer in the text: scored as a wrong
    answer, and counted apart."""
