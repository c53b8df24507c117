"""A named thing with parameters, as YAML, a command line and a table write it.

bleu                                   a name
{bleu: {tokenize: intl}}               with parameters, in YAML
{regex: "#### (.*)"}                   with its one parameter, called `value`
bleu(tokenize=intl,lowercase=true)     the same on one line: the label, and what --metrics takes
{bleu: {tokenize: intl, as: intl}}     called "intl" in tables
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, cast

import yaml
from pydantic import (
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    model_serializer,
    model_validator,
    validate_call,
)

from harness.errors import ConfigError, InputError, suggestion
from harness.types import Record

ALIAS = "as"
"""Parameter that any named thing takes: what tables call it."""
_PLAIN = re.compile(r"[\w.+/-]+")
_LABEL = re.compile(r"\s*([A-Za-z][\w.+/-]*)\s*(?:\((.*)\))?\s*", re.DOTALL)


class Spec(Record):
    """A name and its parameters."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: object) -> object:
        if isinstance(value, str):
            return _parts_of(value)
        if isinstance(value, dict) and len(value) == 1 and "name" not in value:
            ((name, params),) = cast("dict[str, Any]", value).items()
            return {"name": name, "params": _params(params)}
        return value

    @model_serializer
    def _to_short_form(self) -> str | dict[str, Any]:
        return {self.name: self.params} if self.params else self.name

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the short forms."""
        del core_schema, handler
        mapping = {"type": "object", "minProperties": 1, "maxProperties": 1}
        return {"anyOf": [{"type": "string"}, mapping]}

    @property
    def label(self) -> str:
        """Its alias, or everything on one line, from which `Spec.model_validate` gives it back."""
        if not self.params:
            return self.name
        if ALIAS in self.params:
            return str(self.params[ALIAS])
        inside = ",".join(
            _written(value) if key == "value" else f"{key}={_written(value)}"
            for key, value in self.params.items()
        )
        return f"{self.name}({inside})"


def parse_specs(text: str) -> tuple[Spec, ...]:
    """Read a comma-separated list, such as "exact_match,bleu(tokenize=intl)".

    Raises:
        InputError: it cannot be read.
    """
    try:
        parts = [part for part in _split(text) if part.strip()]
        return tuple(Spec.model_validate(part.strip()) for part in parts)
    except (ValidationError, ValueError) as error:
        message = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InputError(f"{text!r}: {message.removeprefix('Value error, ')}") from None


def call_with(factory: Callable[..., Any], first: object, spec: Spec, *, kind: str) -> Any:
    """Call a factory with a spec's parameters, checked against its annotations.

    Args:
        factory: Takes `first` and keyword parameters; with `**rest`, any.
        first: Passed through unchecked.
        spec: Whose parameters are passed by name.
        kind: "metric", "step" or the like, for messages.

    Raises:
        ConfigError: an unknown parameter or a value of the wrong type.
    """
    given_to = list(inspect.signature(factory).parameters.values())[1:]
    names = [one.name for one in given_to if one.kind is not one.VAR_KEYWORD]
    takes_any = len(names) < len(given_to)
    for name in spec.params:
        if name not in names and not takes_any:
            given = "a value" if name == "value" else repr(name)
            offer = f"; it has: {', '.join(names)}" if names else ""
            raise ConfigError(
                f"{kind} {spec.name!r} has no parameter {given}{suggestion(name, names)}{offer}"
            )
    try:
        checked = validate_call(config={"arbitrary_types_allowed": True})(factory)
        return checked(first, **spec.params)
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"])
        raise ConfigError(
            f"{kind} {spec.name!r}: parameter {name!r}: {fault['msg'].removeprefix('Value error, ')}"
        ) from None


def _parts_of(text: str) -> dict[str, Any]:
    match = _LABEL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a name or name(key=value, …)")
    params: dict[str, Any] = {}
    for part in _split(match[2] or ""):
        key, equals, value = part.partition("=")
        if not (equals and re.fullmatch(r"\s*\w+\s*", key)):
            key, value = "value", part
        try:
            params[key.strip()] = _read(value)
        except yaml.YAMLError:
            raise ValueError(f"{text!r}: {value!r} cannot be read; quote it") from None
    return {"name": match[1], "params": params}


def _params(value: object) -> object:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"value": value}


def _split(text: str) -> list[str]:
    """Split at the commas that stand outside of brackets and double quotes."""
    parts, depth, quoted, start = list[str](), 0, False, 0
    skip = False
    for i, char in enumerate(text):
        if skip:
            skip = False
        elif quoted:
            skip, quoted = char == "\\", char != '"'
        elif char == '"':
            quoted = True
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    rest = text[start:]
    return [*parts, rest] if rest.strip() or parts else []


def _written(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    if isinstance(value, str) and _PLAIN.fullmatch(value) and _is_text(value):
        return value
    return text


def _is_text(value: str) -> bool:
    """Whether a text needs no quotes to be read back as it is."""
    try:
        return _read(value) == value
    except yaml.YAMLError:
        return False


def _read(text: str) -> Any:
    """Read a value as JSON, else as YAML: JSON knows 1e-05 as a number, YAML needs no quotes."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return yaml.safe_load(text)


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity are texts here."""
    raise ValueError(name)
