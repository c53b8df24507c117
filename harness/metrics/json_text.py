"""Read JSON as RFC 8259 has it, and find it inside of a text."""

from __future__ import annotations

import json
import re
from typing import Any, Literal, NoReturn

FENCE = re.compile(r"```[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)
MOST_TRIES = 1000
"""Places in one text at which a value is tried: a loop of brackets must not take for ever."""
DEEPEST = 200
"""Levels of nesting; RFC 8259 lets every reader set a limit."""

Pairs = list[tuple[str, Any]]


class Repeated(dict[str, Any]):
    """An object that has a key more than once; `pairs` has all of them."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def parse_json(text: str) -> Any:
    """Return the value of a JSON text; objects with a repeated key come as `Repeated`.

    Raises:
        ValueError: it is no JSON. NaN and Infinity are none, nor is deeper nesting than `DEEPEST`.
    """
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _is_too_deep(value):
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    return value


def find_json(text: str, kind: Literal["any", "object", "array"] = "any") -> list[str]:
    """Return the JSON objects and arrays in a text, outermost only, in order.

    Those in fenced blocks, where there are any, else those anywhere. Arrays without an object in
    them, such as [1] in running text, count only where nothing else is found.
    """
    fenced = [found for match in FENCE.finditer(text) for found in _values(match[2])]
    for candidates in (fenced, _values(text)):
        wanted = [one for one in candidates if kind == "any" or _kind(one) == kind]
        telling = [one for one in wanted if "{" in one]
        if telling or wanted:
            return telling or wanted
    return []


def _values(text: str) -> list[str]:
    found: list[str] = []
    position = tries = 0
    while tries < MOST_TRIES and (match := _OPENING.search(text, position)):
        tries += 1
        try:
            _, end = _DECODER.raw_decode(text, match.start())
            found.append(text[match.start() : end])
            position = end
        except (ValueError, RecursionError):
            position = match.start() + 1
    return found


def _is_too_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    if isinstance(value, Repeated):
        return [inner for _, inner in value.pairs]
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _kind(text: str) -> str:
    return "object" if text.startswith("{") else "array"


def _object(pairs: Pairs) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else Repeated(pairs)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse)
_OPENING = re.compile(r"[\[{]")
