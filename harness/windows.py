"""Cut a long text into windows whose tokens are each predicted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text, and what stands before it."""

    context: tuple[int, ...]
    predicted: tuple[int, ...]


def rolling_windows(ids: Sequence[int], *, prefix: int, size: int) -> list[Window]:
    """Return windows over all tokens, as lm-eval's rolling log-likelihood has them.

    The first window follows the prefix token alone. Every other predicts up to `size` tokens after
    at least one real token; the last one is filled up with as much context as fits.

    Args:
        ids: Tokens of the text.
        prefix: Token that the first one follows (BOS, or EOS for models without one).
        size: Tokens that a model reads at once; context and prediction make `size` + 1.

    Source: lm_eval.utils.get_rolling_token_windows with context_len = 1, make_disjoint_window.
    """
    if not ids:
        return []
    found = [Window((prefix,), tuple(ids[:size]))]
    for start in range(size, len(ids), size):
        end = min(start + size, len(ids))
        found.append(Window(tuple(ids[end - size - 1 : start]), tuple(ids[start:end])))
    return found
