"""Compare two JSON values field by field: how many leaves are in the same place with one value."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.metrics.json_text import Repeated
from harness.metrics.numbers import find_numbers

_EDGES = " .,;:!?。、\"'“”‘’"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """What makes two leaves equal."""

    language: str
    arrays: Literal["multiset", "ordered"] = "multiset"
    types: Literal["loose", "strict"] = "loose"


def count_fields(value: Any) -> int:
    """Return the number of leaves; an empty object or array is one."""
    if isinstance(value, dict) and value:
        return sum(count_fields(inner) for _, inner in _pairs(value))
    if isinstance(value, list) and value:
        return sum(map(count_fields, value))
    return 1


def count_matches(answer: Any, reference: Any, matching: Matching) -> int:
    """Return how many leaves of two values agree in path and value."""
    if isinstance(answer, dict) and isinstance(reference, dict) and answer and reference:
        return _matches_of_objects(answer, reference, matching)
    if isinstance(answer, list) and isinstance(reference, list) and answer and reference:
        if matching.arrays == "ordered":
            pairs = zip(answer, reference, strict=False)
            return sum(count_matches(left, right, matching) for left, right in pairs)
        return _matches_in_any_order(answer, reference, matching)
    if _is_inner(answer) or _is_inner(reference):
        return 0
    return int(_leaf(answer, matching) == _leaf(reference, matching))


def _matches_of_objects(
    answer: dict[str, Any], reference: dict[str, Any], matching: Matching
) -> int:
    left, right = _by_key(answer), _by_key(reference)
    return sum(
        count_matches(left[key][0], right[key][0], matching)
        if len(left[key]) == len(right[key]) == 1
        else _matches_in_any_order(left[key], right[key], matching)
        for key in left
        if key in right
    )


def _matches_in_any_order(
    answer: Sequence[Any], reference: Sequence[Any], matching: Matching
) -> int:
    """Pair the elements so that most leaves agree (an assignment problem)."""
    if not any(map(_is_inner, (*answer, *reference))):
        left = Counter(_leaf(value, matching) for value in answer)
        return (left & Counter(_leaf(value, matching) for value in reference)).total()
    from scipy.optimize import linear_sum_assignment

    agreement = np.asarray([[count_matches(a, r, matching) for r in reference] for a in answer])
    rows, columns = linear_sum_assignment(agreement, maximize=True)
    return int(agreement[rows, columns].sum())


def _leaf(value: Any, matching: Matching) -> tuple[str, str]:
    """Return a leaf's kind and its value in normal form."""
    if isinstance(value, bool) or value is None:
        kind, text = "word", {True: "true", False: "false", None: "null"}[value]
    elif isinstance(value, int | float):
        kind, text = "number", _number(repr(value))
    elif isinstance(value, str):
        return _text_leaf(value, matching)
    else:
        return type(value).__name__, ""
    return ("" if matching.types == "loose" else kind), text


def _text_leaf(text: str, matching: Matching) -> tuple[str, str]:
    plain = _plain(text, matching.language)
    if matching.types == "strict":
        return "text", plain
    try:
        float(text)
    except ValueError:
        return "", plain
    return "", _number(text)


def _plain(text: str, language: str) -> str:
    """Return a text half-width, lower case, with single spaces (none in Chinese), bare at its ends.

    Signs inside stay, unlike in the metrics of free text: 1.5 mg is not 15 mg.
    """
    words = unicodedata.normalize("NFKC", text).lower().split()
    return ("" if language == "zh" else " ").join(words).strip(_EDGES)


def _number(text: str) -> str:
    numbers = find_numbers(text.strip())
    return numbers[0].written if len(numbers) == 1 else text.strip().lower()


def _by_key(value: dict[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, inner in _pairs(value):
        found.setdefault(key, []).append(inner)
    return found


def _pairs(value: dict[str, Any]) -> list[tuple[str, Any]]:
    return value.pairs if isinstance(value, Repeated) else list(value.items())


def _is_inner(value: Any) -> bool:
    return isinstance(value, (dict, list)) and bool(value)
