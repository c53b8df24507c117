"""Windows equal those of lm-eval's rolling log-likelihood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.windows import rolling_windows


def theirs(ids: list[int], prefix: int, size: int) -> list[tuple[tuple[int, ...], ...]]:
    """lm_eval 0.4.13, lm_eval.utils: get_rolling_token_windows, then make_disjoint_window."""
    utils = pytest.importorskip("lm_eval.utils")
    windows = utils.get_rolling_token_windows(ids, prefix, size, 1)
    return [tuple(map(tuple, utils.make_disjoint_window(window))) for window in windows]


@given(st.lists(st.integers(0, 9), max_size=80), st.integers(2, 30))
def test_windows_are_lm_evals(ids: list[int], size: int) -> None:
    ours = rolling_windows(ids, prefix=-1, size=size)

    assert [(w.context, w.predicted) for w in ours] == theirs(ids, -1, size)


@given(st.lists(st.integers(0, 9), max_size=80), st.integers(2, 30))
def test_every_token_is_predicted_once_and_no_window_is_too_long(ids: list[int], size: int) -> None:
    windows = rolling_windows(ids, prefix=-1, size=size)

    assert [token for window in windows for token in window.predicted] == ids
    assert all(len(w.context) + len(w.predicted) <= size + 1 for w in windows)


def test_a_text_of_three_windows() -> None:
    windows = rolling_windows(range(8), prefix=-1, size=3)

    assert [(w.context, w.predicted) for w in windows] == [
        ((-1,), (0, 1, 2)),
        ((2,), (3, 4, 5)),
        ((4, 5), (6, 7)),
    ]
