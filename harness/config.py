"""Read YAML and JSON Lines strictly: every fault names its file, its line and the likely mend."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import ConfigError, InputError, suggestion

Model = TypeVar("Model", bound=BaseModel)
_BLANK = re.compile(r"\s*")


def load_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a config value.

    Raises:
        ConfigError: no such file, bad YAML, an unknown key or a wrong value, with its line.
    """
    return validate_yaml(read_text(path, ConfigError), path, model)


def validate_yaml(text: str, path: Path, model: type[Model]) -> Model:
    """Validate YAML text; `path` is only used in messages."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
        _refuse_half_characters(text, value)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{path}{line}: this is not valid YAML: {problem}") from None
    except ValueError as error:  # an impossible date or number in the file
        raise ConfigError(f"{path}: this is not valid YAML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: this YAML is nested too deeply") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: expected `key: value` lines, got {_kind_of(value)}")
    try:
        _refuse_repeated_keys(node, path)
    except RecursionError:
        raise ConfigError(f"{path}: an alias in this file contains itself") from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        fault = telling_fault(error)
        line = _line_of(node, fault["loc"])
        raise ConfigError(f"{path}:{line}: {explain(fault, model)}") from None


def line_in(path: Path, loc: tuple[int | str, ...]) -> int:
    """Return the line (from 1) of the deepest part of `loc` that a readable YAML file has."""
    return _line_of(yaml.compose(read_text(path, ConfigError), Loader=yaml.SafeLoader), loc)


class RepeatedKeyError(ValueError):
    """An object has a key twice; JSON would keep the last silently."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a JSON Lines file."""

    number: int
    """From 1."""
    value: dict[str, Any]


def read_jsonl(path: Path, error: type[InputError]) -> Iterator[Line]:
    """Yield the objects of a JSON Lines file; blank lines are skipped.

    Raises:
        InputError: of the given class, when the file is missing or a line is not a JSON object.
    """
    yield from jsonl_lines(read_text(path, error), path, error)


def jsonl_lines(text: str, path: Path, error: type[InputError]) -> Iterator[Line]:
    """Yield the objects of JSON Lines text, as `read_jsonl` does; `path` is for messages."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_once_each)
            _refuse_half_characters(line, value)
        except RepeatedKeyError as fault:
            raise error(f"{path}:{number}: key {fault} appears twice") from None
        except (ValueError, RecursionError) as fault:
            raise error(f"{path}:{number}: this line is not valid JSON: {fault}") from None
        if not isinstance(value, dict):
            raise error(f"{path}:{number}: expected a JSON object, got {_kind_of(value)}")
        yield Line(number, cast("dict[str, Any]", value))


def json_rows(text: str, path: Path, error: type[InputError]) -> Iterator[Line]:
    """Yield the objects of a JSON list, each with the line that it begins in.

    Raises:
        InputError: of the given class, when the text is not a list of JSON objects.
    """
    at, number, counted, before = _next(text, 0), 1, 0, "["
    while text[at : at + 1] == before:
        at = _next(text, at + 1)
        number, counted, before = number + text.count("\n", counted, at), at, ","
        if text[at : at + 1] != "]":
            line, end = _object_at(text, at, number, path, error)
            yield line
            at = _next(text, end)
    if before == "[":
        raise error(f"{path}: expected a list of rows, [{{…}}, …], in this JSON file")
    rest = _next(text, at + 1) if text[at : at + 1] == "]" else at
    if rest < len(text) or text[at : at + 1] != "]":
        number += text.count("\n", counted, rest)
        raise error(f"{path}:{number}: this is not valid JSON: expected one list of rows")


def _object_at(
    text: str, at: int, number: int, path: Path, error: type[InputError]
) -> tuple[Line, int]:
    """Return the object that begins at a place, and where it ends."""
    try:
        value, end = _ROWS.raw_decode(text, at)
        _refuse_half_characters(text[at:end], value)
    except RepeatedKeyError as fault:
        raise error(f"{path}:{number}: key {fault} appears twice") from None
    except json.JSONDecodeError as fault:
        raise error(f"{path}:{fault.lineno}: this is not valid JSON: {fault.msg}") from None
    except (ValueError, RecursionError) as fault:
        raise error(f"{path}:{number}: this row is not valid JSON: {fault}") from None
    if not isinstance(value, dict):
        raise error(f"{path}:{number}: expected a JSON object, got {_kind_of(value)}")
    return Line(number, cast("dict[str, Any]", value)), end


def _next(text: str, at: int) -> int:
    """Return where the next character that is no blank stands."""
    found = _BLANK.match(text, at)
    return found.end() if found else at


def validate_row(line: Line, path: Path, model: type[Model], error: type[InputError]) -> Model:
    """Validate one JSON Lines row; the error names file, line and field."""
    try:
        return model.model_validate(line.value)
    except ValidationError as fault:
        told = explain(telling_fault(fault), model)
        raise error(f"{path}:{line.number}: {told}") from None


def read_text(path: Path, error: type[InputError]) -> str:
    """Return a file's text.

    Raises:
        InputError: of the given class, when it is missing, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        near = suggestion(path.name, [p.name for p in path.parent.glob("*")])
        raise error(f"{path}: no such file{near}") from None
    except IsADirectoryError:
        raise error(f"{path}: this is a folder, expected a file") from None
    except UnicodeDecodeError as fault:
        raise error(f"{path}: not UTF-8 text (byte {fault.start}); save it as UTF-8") from None
    except OSError as fault:
        raise error(f"{path}: cannot be read: {fault.strerror}") from None
    except ValueError as fault:  # a NUL in the path
        raise error(f"{path}: cannot be read: {fault}") from None


def telling_fault(error: ValidationError) -> dict[str, Any]:
    """Return the fault to report: an unknown key first, since its typo explains a missing one."""
    faults = cast("list[dict[str, Any]]", error.errors())
    return next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])


def explain(fault: dict[str, Any], model: type[BaseModel]) -> str:
    """Say one pydantic fault in plain words, with the nearest known key for a typo."""
    *outer, last = fault["loc"] or ("",)
    loc = tuple(part for part in outer if not _is_union_label(part))
    if fault["type"] == "extra_forbidden" or not _is_union_label(last):
        loc += (last,)
    place = ".".join(str(part) for part in loc)
    if fault["type"] == "extra_forbidden":
        known = _fields_at(model, loc[:-1])
        listed = f"; known keys: {', '.join(sorted(known))}" if known else ""
        return f"unknown key {place!r}{suggestion(str(loc[-1]), known)}{listed}"
    if fault["type"] == "missing":
        return f"missing key {place!r}"
    message = fault["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    got = repr(fault.get("input"))
    shown = "" if not place or isinstance(fault.get("input"), dict) else f", got {got[:80]}"
    return f"{place}: {message}{shown}" if place else message


def _is_union_label(part: int | str) -> bool:
    """Tell pydantic's names of union branches ('function-…', 'tuple[…]') from real keys."""
    return isinstance(part, str) and (
        part in {"str", "int", "float"}
        or "[" in part
        or ("-" in part and part.startswith("function"))
    )


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    current: Any = model
    for part in loc:
        if isinstance(part, int) or not isinstance(current, type):
            continue
        if not issubclass(current, BaseModel):
            continue
        field = current.model_fields.get(part)
        if field is None:
            continue
        current = _model_in(field.annotation)
    is_model = isinstance(current, type) and issubclass(current, BaseModel)
    return list(current.model_fields) if is_model else []


def _model_in(annotation: Any) -> Any:
    """Find the config class inside `X | None`, `dict[str, X]` or `tuple[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _line_of(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """Return the line (from 1) of the deepest part of `loc` that the YAML file has."""
    line = 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = _mark(key), value
                    break
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
            line = _mark(node)
    return line


def _mark(node: yaml.Node | None) -> int:
    return node.start_mark.line + 1 if node and node.start_mark else 1


def _refuse_repeated_keys(node: yaml.Node | None, path: Path) -> None:
    """YAML keeps the last of two equal keys silently; refuse instead."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise ConfigError(f"{path}:{_mark(key)}: key {key.value!r} appears twice")
                seen.add(key.value)
            _refuse_repeated_keys(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_repeated_keys(child, path)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise RepeatedKeyError(repr(key))
            seen.add(key)
    return value


_ROWS = json.JSONDecoder(object_pairs_hook=_once_each)


def _refuse_half_characters(text: str, value: object) -> None:
    r"""Raise ValueError for an escape such as \ud800, which no file could be written with."""
    if "\\ud" in text.lower():
        json.dumps(value, ensure_ascii=False, default=str).encode()


def _kind_of(value: object) -> str:
    if value is None:
        return "nothing"
    names = {"list": "a list", "str": "text", "dict": "an object"}
    return names.get(type(value).__name__, f"{value!r}")
