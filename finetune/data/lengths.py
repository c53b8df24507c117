"""How long rows are in tokens, and what a limit would cut off them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from finetune.data.examples import Example, Turn
from finetune.encode import assistant_spans
from harness.errors import HarnessError
from harness.templates import ChatTemplate
from harness.training import TrainingRow
from harness.types import Message

CHARACTERS_PER_TOKEN = {"latin": 3.8, "cjk": 1.4}
"""Means over SmolLM2's and Gemma's tokenizers on the shipped suites."""
TOKENS_PER_TURN = 8
"""What a template adds, about."""
PERCENTILES = (5, 25, 50, 75, 95, 99)
BINS = 10
BAR = 40
"""Characters of the longest bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """One row in tokens."""

    n_tokens: int
    answers: tuple[tuple[int, int], ...] = ()
    """Where each answer begins and ends, [start, end) in tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What cutting rows at a limit would take away."""

    rows: tuple[int, ...]
    """Indices of the rows that are longer."""
    tokens: int
    """Tokens beyond the limit."""
    lost: tuple[int, ...]
    """Indices of the rows of which a whole answer, the last one, would be gone."""
    torn: tuple[int, ...]
    """Indices of the rows of which an answer would be cut in the middle and never end."""


Measure = Callable[[Example], Length]


def estimated_tokens(text: str) -> float:
    """Return about how many tokens a text has, by its characters."""
    wide = sum(ord(char) > 0x2E7F for char in text)
    latin = (len(text) - wide) / CHARACTERS_PER_TOKEN["latin"]
    return latin + wide / CHARACTERS_PER_TOKEN["cjk"]


def estimate(example: Example) -> Length:
    """Return about how long a row is, where there is no tokenizer."""
    return _by_parts(example, estimated_tokens, TOKENS_PER_TURN)


def by_contents(tokenizer: Any) -> Measure:
    """Return a measure of what is said, without what a template adds."""

    def count(text: str) -> float:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    return lambda example: _by_parts(example, count, 0)


def by_template(tokenizer: Any, template: ChatTemplate) -> Measure:
    """Return a measure of rows as the trainer lays them out.

    A row that the template cannot show (tools, turns out of order) is measured by its contents.
    """
    contents = by_contents(tokenizer)

    def measure(example: Example) -> Length:
        if example.kind == "text":
            return contents(example)
        if example.kind == "preference":
            sides = [
                _laid_out((*example.turns, *answer), tokenizer, template)
                for answer in (example.chosen, example.rejected)
            ]
            found = [side for side in sides if side is not None]
            longest = max(found, key=lambda side: side.n_tokens, default=None)
        else:
            longest = _laid_out(example.turns, tokenizer, template)
        return longest or contents(example)

    return measure


def percentiles(lengths: Sequence[int]) -> dict[str, int]:
    """Return shortest, longest, and the percentiles between (nearest rank), and the sum."""
    ordered = sorted(lengths)
    ranks = {f"p{p}": ordered[max(0, math.ceil(p / 100 * len(ordered)) - 1)] for p in PERCENTILES}
    return {"min": ordered[0], **ranks, "max": ordered[-1], "sum": sum(ordered)}


def histogram(lengths: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (from, below, rows) of about ten bins of a round width.

    The last one has all that is longer than 99 % of the rows, so that one long row does not push
    the others together.
    """
    low, high = min(lengths), percentiles(lengths)["p99"]
    width = _round_width(max(1, high - low) / BINS)
    start = low // width * width
    n_bins = (high - start) // width + 1
    counts = [0] * (n_bins + 1)
    for length in lengths:
        counts[min((length - start) // width, n_bins)] += 1
    bins = [(start + i * width, start + (i + 1) * width, n) for i, n in enumerate(counts[:-1])]
    rest = (start + n_bins * width, max(lengths) + 1, counts[-1])
    return [*bins, rest] if counts[-1] else bins


def bars(bins: Sequence[tuple[int, int, int]]) -> list[str]:
    """Return a histogram as lines of text."""
    most = max(n for _, _, n in bins)
    wide = len(str(bins[-1][1]))
    return [
        f"{low:>{wide}} – {high - 1:<{wide}}  {'█' * math.ceil(BAR * n / most)} {n}".rstrip()
        for low, high, n in bins
    ]


def cut_at(lengths: Sequence[Length], limit: int) -> Cut:
    """Return what cutting every row at a limit would take away."""
    over = [i for i, length in enumerate(lengths) if length.n_tokens > limit]
    answered = [i for i in over if lengths[i].answers]
    lost = [i for i in answered if lengths[i].answers[-1][0] >= limit]
    torn = [i for i in answered if any(a < limit < b for a, b in lengths[i].answers)]
    return Cut(
        rows=tuple(over),
        tokens=sum(lengths[i].n_tokens - limit for i in over),
        lost=tuple(lost),
        torn=tuple(torn),
    )


def _by_parts(example: Example, count: Callable[[str], float], each: int) -> Length:
    if example.kind == "text":
        return Length(n_tokens=round(count(example.text)))
    at = 0.0
    answers: list[tuple[int, int]] = []
    worse = example.rejected if _size(example.rejected) > _size(example.chosen) else example.chosen
    for turn in (*example.turns, *worse):
        start = at + each
        at = start + count(turn.content or "") + sum(count(str(v)) for v in turn.more.values())
        if turn.role == "assistant":
            answers.append((round(start), round(at)))
    return Length(n_tokens=round(at), answers=tuple(answers))


def _size(turns: Sequence[Turn]) -> int:
    return sum(len(turn.content or "") for turn in turns)


def _laid_out(turns: Sequence[Turn], tokenizer: Any, template: ChatTemplate) -> Length | None:
    if any(turn.role == "tool" or turn.more or turn.content is None for turn in turns):
        return None
    if not turns or turns[-1].role != "assistant":
        return None
    messages = tuple(
        Message(role=turn.role, content=turn.content or "") for turn in turns if turn.role != "tool"
    )
    row = TrainingRow(messages=messages, origin="")
    try:
        text, spans = assistant_spans(row, template, tokenizer)
    except (TemplateError, HarnessError):
        return None
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    starts = [start for start, _ in found["offset_mapping"]]
    answers = tuple(
        (bisect_left(starts, span.start), bisect_left(starts, span.end)) for span in spans
    )
    return Length(n_tokens=len(starts), answers=answers)


def _round_width(width: float) -> int:
    """Return the next larger of 1, 2, 5, 10, 20, 50 and so on."""
    scale = 10 ** max(0, math.floor(math.log10(width)))
    return next(scale * step for step in (1, 2, 5, 10) if scale * step >= width)
