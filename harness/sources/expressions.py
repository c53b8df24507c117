"""The small language of `source:`: Jinja in its sandbox, with filters for data sets."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, cast

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.digest import digest_of

Evaluate = Callable[[Mapping[str, Any]], Any]
FAULTS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""What a template that does not fit its row raises."""

ROLES: Mapping[str, str] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
}
"""Names that data sets give to speakers."""


def check_template(text: str) -> str:
    """Return the template when it is one.

    Raises:
        ValueError: it is not valid Jinja.
    """
    try:
        compiled(text)
    except TemplateError as error:
        mend = "; write a backslash twice in a Jinja text" if "escape" in str(error) else ""
        raise ValueError(f"not a valid Jinja template: {error}{mend}") from None
    return text


def check_condition(text: str) -> str:
    """Return the template when it is one `{{ … }}`: text would always count as true.

    Raises:
        ValueError: it is not.
    """
    check_template(text)
    if _expression(text) is None:
        raise ValueError("a condition is one {{ … }}, such as {{ split == 'test' }}")
    return text


@cache
def compiled(text: str) -> Evaluate:
    """Return what evaluates a template on a row's variables.

    A single `{{ … }}` gives its value unchanged; everything else gives text.
    """
    with warnings.catch_warnings():
        # A text such as '\\s' works today, with a warning, and must not in a later Python.
        warnings.simplefilter("error", DeprecationWarning)
        warnings.simplefilter("error", SyntaxWarning)
        inner = _expression(text)
        if inner is None:
            template = JINJA.from_string(text)
            return lambda variables: template.render(variables)
        expression = JINJA.compile_expression(inner, undefined_to_none=False)

    def evaluate(variables: Mapping[str, Any]) -> Any:
        value = expression(variables)
        if isinstance(value, Undefined):
            str(value)  # raises, naming what is missing
        return value

    return evaluate


def search(text: object, pattern: str) -> str:
    """Return the first match of a pattern; its first group where it has one.

    Raises:
        ValueError: nothing matches.
    """
    match = re.search(pattern, str(text))
    if match is None:
        raise ValueError(f"nothing in {str(text)[:60]!r} matches {pattern!r}")
    return match[1 if match.re.groups else 0]


def findall(text: object, pattern: str) -> list[Any]:
    """Return all matches; groups where the pattern has them."""
    return re.findall(pattern, str(text))


def sub(text: object, pattern: str, replacement: str = "") -> str:
    """Replace all matches."""
    return re.sub(pattern, replacement, str(text))


def split(text: object, pattern: str) -> list[str]:
    """Cut at the matches; outer blanks and empty parts are dropped."""
    return [part.strip() for part in re.split(pattern, str(text)) if part and part.strip()]


def to_json(value: object) -> str:
    """Write a value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def digest(value: object) -> str:
    """Return a short name for a text, such as for the paragraph that several questions share."""
    return digest_of(str(value))[:12]


def zip_json(names: Sequence[str], values: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return names with their parameters as JSON texts; null parameters are left out.

    Raises:
        ValueError: the lists differ in length.
    """
    return [
        to_json({"id": name, "kwargs": {k: v for k, v in value.items() if v is not None}})
        for name, value in zip(names, values, strict=True)
    ]


def dialogue(
    turns: Sequence[Any],
    user: str = "",
    assistant: str = "",
    *,
    answers: Sequence[str] | None = None,
) -> list[dict[str, str]]:
    """Return turns as messages.

    Args:
        turns: Texts, which alternate from the user's; objects with one exchange each (`user` and
            `assistant` name their fields); or objects with role and content, or from and value.
        user: Field of the user's text in an exchange.
        assistant: Field of the assistant's.
        answers: The texts are all the user's; these are the assistant's, as far as there are any
            (an empty turn stands where there is none).

    Raises:
        ValueError: an unknown speaker.
    """
    messages: list[dict[str, str]] = []
    if answers is not None:
        for i, turn in enumerate(turns):
            answer = answers[i] if i < len(answers) else ""
            messages += [_message("user", turn), _message("assistant", answer)]
        return messages
    for i, turn in enumerate(turns):
        if isinstance(turn, str):
            messages.append(_message(("user", "assistant")[i % 2], turn))
        elif user:
            messages.append(_message("user", turn[user]))
            if turn.get(assistant) is not None:
                messages.append(_message("assistant", turn[assistant]))
        elif "from" in turn:
            messages.append(_message(_role(turn["from"]), turn["value"]))
        else:
            messages.append(_message(_role(turn["role"]), turn["content"]))
    return messages


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _role(name: object) -> str:
    found = ROLES.get(str(name).lower())
    if found is None:
        raise ValueError(f"unknown speaker {name!r}; known: {', '.join(ROLES)}")
    return found


def _expression(text: str) -> str | None:
    """Return what stands in a template that is one `{{ … }}`."""
    text = text.strip()
    if not (text.startswith("{{") and text.endswith("}}")):
        return None
    inner = text[2:-2].strip("-")
    try:
        JINJA.compile_expression(inner)
    except TemplateSyntaxError:  # `{{ a }} {{ b }}`, or not valid at all
        return None
    return inner


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    filters = cast("dict[str, Any]", environment.filters)
    for made in (search, findall, sub, split, digest, to_json, zip_json, dialogue):
        filters[made.__name__] = made
    return environment


JINJA = _environment()
