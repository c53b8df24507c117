"""Drop the reasoning that a model writes before its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.errors import ConfigError
from harness.metrics.steps import Step, of_text

Pair = tuple[str, str]

MARKS: tuple[Pair, ...] = (
    ("<think>", "</think>"),  # DeepSeek-R1, Qwen3, QwQ, GLM, MiniMax and most others
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|channel|>analysis", "<|channel|>final<|message|>"),  # gpt-oss
    ("<unused94>thought", "<unused95>"),  # MedGemma
    ("Here is my thought process:", "Here is my response:"),  # Granite
)


def strip_think(
    language: str,
    *,
    start: str | None = None,
    end: str | None = None,
    begins_inside: bool = False,
) -> Step:
    """Drop reasoning traces, such as <think>…</think>; a trace that never ends holds no answer.

    Args:
        language: Not used.
        start: The mark that opens a trace, instead of those of known models (see `MARKS`).
        end: The mark that closes it; alone, all up to its last occurrence is dropped.
        begins_inside: Whether the prompt itself opens the trace, so that a text without an end
            mark is all reasoning.
    """
    del language
    if start is not None and end is None:
        raise ConfigError("step 'strip_think': parameter 'start' needs `end` too")
    pairs = MARKS if end is None else ((start or "", end),)

    def step(text: str) -> str | None:
        if begins_inside and not any(_position(text, end) >= 0 for _, end in pairs):
            return None
        rest = without_traces(text, pairs).strip()
        # Nothing but a trace: no answer; an answer that was empty from the start stays one.
        return rest if rest or not text.strip() else None

    return of_text(step)


def without_traces(text: str, pairs: Sequence[Pair]) -> str:
    """Return a text without its traces: closed, closed only (opened by the prompt), or open."""
    for start, end in pairs:
        if start:
            whole = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL | re.IGNORECASE)
            text = whole.sub("", text)
        last = _last_position(text, end)
        text = text[last + len(end) :] if last >= 0 else text
        opened = _position(text, start) if start else -1
        text = text[:opened] if opened >= 0 else text
    return text


def _position(text: str, mark: str) -> int:
    return min(_positions(text, mark), default=-1)


def _last_position(text: str, mark: str) -> int:
    return max(_positions(text, mark), default=-1)


def _positions(text: str, mark: str) -> list[int]:
    return [match.start() for match in re.finditer(re.escape(mark), text, re.IGNORECASE)]
