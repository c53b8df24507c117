"""Corrections for many comparisons: which family, which error, at what price."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.stats.resample import Array


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that the family-wise error stays at its level (Holm 1979).

    The i-th smallest of m becomes max over j ≤ i of min(1, (m − j + 1)·p_j).

    Args:
        p_values: Of the whole family, in any order.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for the false discovery rate (Benjamini and Hochberg 1995).

    The i-th smallest of m becomes min over j ≥ i of min(1, m/j·p_j). For exploration: of all that
    fall below .05, one in twenty is expected to be noise.

    Args:
        p_values: Of all that was looked at, in any order.
    """
    return stats.false_discovery_control(p_values, method="bh").tolist() if p_values else []


def max_t(observed: Sequence[float], drawn: Array) -> list[float]:
    """Return p-values adjusted by the joint distribution of the largest |t|, step-down.

    Comparisons that share items or a baseline rise and fall together; unlike Holm this uses it
    (Westfall and Young 1993, algorithm 2.8).

    Args:
        observed: The t of each comparison, [m].
        drawn: The same on joint draws under "no difference", [draws, m].
    """
    size = np.abs(np.asarray(observed))
    order = np.argsort(-size, kind="stable")
    # From the least to the most striking: the largest of what is left at each step.
    reversed_drawn = np.abs(drawn[:, order[::-1]])
    largest = np.maximum.accumulate(reversed_drawn, axis=1)[:, ::-1]
    exceed = (largest >= size[order] - 1e-12).sum(axis=0)
    stepped = np.maximum.accumulate((1 + exceed) / (len(drawn) + 1))
    adjusted = np.empty(len(size))
    adjusted[order] = stepped
    return adjusted.tolist()


def max_t_quantile(drawn: Array, *, confidence: float = 0.95) -> float:
    """Return the factor on standard errors that makes all intervals hold together.

    The quantile of max |t| over the comparisons (Westfall and Young 1993).

    Args:
        drawn: t of all comparisons on joint draws, [draws, m].
        confidence: That every one of the intervals holds its truth.
    """
    largest: NDArray[np.float64] = np.abs(drawn).max(axis=1)
    return float(np.quantile(largest, confidence))
