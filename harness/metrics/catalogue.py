"""Tell what every metric and extraction step is for, from its own docstring and signature."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from harness.errors import InputError, UnknownNameError
from harness.metrics.base import Metric, Scale, Setting
from harness.metrics.build import build_metric
from harness.metrics.extract import STEPS
from harness.registry import EXTRAS, load_object, metrics
from harness.spec import Spec

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "json_schema": {"schema": {"type": "object"}},
    "imported": {"name": "acc"},
    "human": {"dimension": "truthfulness"},
}
"""Parameters of the metrics that have no defaults, to show them with."""

LANGUAGES = ("en", "zh")
_WORDS: Mapping[Any, str] = {
    str: "text", int: "integer", float: "number", bool: "true or false", type(None): "",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a metric or a step."""

    name: str
    kind: str
    """What it may be, such as "last or first" or "number"."""
    default: Any
    """None also where it has to be given; `is_required` tells."""
    is_required: bool
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One metric or extraction step."""

    name: str
    kind: Literal["metric", "step"]
    purpose: str
    """The first sentence of its docstring."""
    details: str
    """The rest, without the arguments."""
    parameters: tuple[Parameter, ...]
    scale: Scale | None = None
    """None for a step, and for a metric that cannot be built here."""
    signatures: Mapping[str, str] = field(default_factory=dict[str, str])
    """By language, with all parameters at their defaults."""
    extra: str | None = None
    """The optional packages that it needs: pip install 'tunemark[…]'."""
    problem: str | None = None
    """Why it cannot be built here."""


def catalogue(languages: Sequence[str] = LANGUAGES) -> tuple[Entry, ...]:
    """Return all metrics, then all extraction steps, in the order of their registries."""
    return tuple(
        [_metric_entry(name, target, languages) for name, target in metrics().items()]
        + [_entry(name, load_object(target), "step") for name, target in STEPS.items()]
    )


def entries_of(name: str, languages: Sequence[str] = LANGUAGES) -> tuple[Entry, ...]:
    """Return the metric, the step, or both of this name.

    Raises:
        UnknownNameError: there is none of this name.
    """
    found: list[Entry] = []
    if name in metrics():
        found.append(_metric_entry(name, metrics()[name], languages))
    if name in STEPS:
        found.append(_entry(name, load_object(STEPS[name]), "step"))
    if not found:
        raise UnknownNameError("metric or extraction step", name, {**metrics(), **STEPS})
    return tuple(found)


def without_versions(signature: str) -> str:
    """Return a signature without the versions of the libraries that are installed here."""
    kept = [part for part in signature.split("|") if not _is_version(part)]
    return "|".join(kept)


def shown_range(scale: Scale) -> str:
    """Return "0–1" and the like."""
    low, high = (
        f"{end:g}".replace("inf", "∞").replace("-", "−") for end in (scale.low, scale.high)
    )
    return f"{low}–{high}"


def _metric_entry(name: str, target: str, languages: Sequence[str]) -> Entry:
    built: dict[str, Metric] = {}
    problem: str | None = None
    spec = Spec(name=name, params=dict(EXAMPLES.get(name, {})))
    try:
        factory = load_object(target)
        for language in languages:
            built[language] = build_metric(spec, Setting(language=language))
    except (InputError, ImportError) as error:
        problem = str(error)
        factory = load_object(target) if isinstance(error, InputError) else _absent
    return _entry(name, factory, "metric", built=built, problem=problem)


def _entry(
    name: str,
    factory: Callable[..., Any],
    kind: Literal["metric", "step"],
    *,
    built: Mapping[str, Metric] | None = None,
    problem: str | None = None,
) -> Entry:
    text, arguments = _sections(inspect.getdoc(factory) or "")
    purpose, _, details = text.partition("\n\n")
    made = list((built or {}).values())
    return Entry(
        name=name,
        kind=kind,
        purpose=re.sub(r"^(?:Return|Say) ", "", " ".join(purpose.split())),
        details=_unwrapped(details),
        parameters=_parameters(factory, arguments),
        scale=made[0].scale if made else None,
        signatures={
            language: metric.signature
            if name not in EXAMPLES
            else re.sub(r"schema:\w+", "schema:…", metric.signature)
            for language, metric in (built or {}).items()
        },
        extra=EXTRAS.get(name),
        problem=problem,
    )


def _unwrapped(text: str) -> str:
    """Return paragraphs as one line each."""
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


def _absent() -> None:
    """A metric of an installed package that cannot be imported."""


def _sections(doc: str) -> tuple[str, dict[str, str]]:
    """Return a docstring's text and what its Args section says of each."""
    text, _, rest = doc.partition("\nArgs:\n")
    arguments: dict[str, str] = {}
    name = ""
    for line in rest.split("\n\n", 1)[0].splitlines():
        match = re.match(r" {4}(\w+): (.*)", line)
        if match is not None:
            name, arguments[match[1]] = match[1], match[2]
        elif name:
            arguments[name] += " " + line.strip()
    return text, arguments


def _parameters(factory: Callable[..., Any], arguments: Mapping[str, str]) -> tuple[Parameter, ...]:
    hints = get_type_hints(factory)
    return tuple(
        Parameter(
            name=name,
            kind=_kind(hints.get(name, str)),
            default=None if given.default is given.empty else given.default,
            is_required=given.default is given.empty,
            purpose=arguments.get(name, ""),
        )
        for name, given in inspect.signature(factory).parameters.items()
        if given.kind is given.KEYWORD_ONLY
    )


def _kind(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(str(part) for part in parts)
    if origin in (Union, types.UnionType):
        return " | ".join(filter(None, map(_kind, parts)))
    if origin in (tuple, list):
        return f"list of {_kind(parts[0])}s"
    if origin is dict or hint is dict:
        return "mapping"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _is_version(part: str) -> bool:
    library, _, number = part.partition(":")
    try:
        return bool(number) and version(library) == number
    except (PackageNotFoundError, ValueError):
        return False
