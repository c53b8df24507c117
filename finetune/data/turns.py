"""Turns of a conversation as files write them: read, and written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from finetune.data.examples import Role, Turn, as_value, call_parts
from finetune.data.formats import Tags
from harness.errors import DataError

CALLS = "tool_calls"
ALSO: Mapping[str, Role] = {"developer": "system", "function": "tool", "model": "assistant"}
"""Other words for the roles."""
ALSO_SHAREGPT: Mapping[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "tool": "tool",
    "model": "assistant",
}


def read_turns(value: Any, tags: Tags, *, where: str, name: str) -> tuple[Turn, ...]:
    """Return the turns of a list, or of the JSON text of one in a table's cell.

    Raises:
        DataError: naming file, line, field and number of the turn.
    """
    value = as_value(value)
    if not isinstance(value, list):
        raise DataError(f"{where}: {name}: expected a list of turns, got {short(value)}")
    listed = cast("list[Any]", value)
    return tuple(
        read_turn(turn, tags, where=where, name=f"{name}[{i}]") for i, turn in enumerate(listed)
    )


def read_turn(value: Any, tags: Tags, *, where: str, name: str) -> Turn:
    """Return one turn.

    Raises:
        DataError: a missing key, an unknown role, or content that is not text.
    """
    if not isinstance(value, dict):
        raise DataError(
            f"{where}: {name}: expected {{{tags.role!r}: …, {tags.content!r}: …}}, got "
            f"{short(value)}"
        )
    fields = cast("dict[str, Any]", value)
    if tags.role not in fields:
        raise DataError(f"{where}: {name}: missing key {tags.role!r}; it has {', '.join(fields)}")
    word = fields[tags.role]
    more = {k: v for k, v in fields.items() if k not in {tags.role, tags.content}}
    if tags.call is not None and word == tags.call:
        calls = read_calls(fields.get(tags.content), where=where, name=f"{name}.{tags.content}")
        return Turn(role="assistant", content=None, more={**more, CALLS: calls})
    role = _role(word, tags, where=where, name=f"{name}.{tags.role}")
    has_calls = bool(more.get(CALLS) or more.get("function_call"))
    if tags.content not in fields and not has_calls:
        raise DataError(f"{where}: {name}: missing key {tags.content!r}")
    content = _content(fields.get(tags.content), where=where, name=f"{name}.{tags.content}")
    if content is None and not has_calls:
        raise DataError(f"{where}: {name}.{tags.content}: expected text, got nothing")
    return Turn(role=role, content=content, more=more)


def write_turn(turn: Turn, tags: Tags) -> dict[str, Any]:
    """Return a turn as a file has it.

    Raises:
        ValueError: the format has no word for it.
    """
    words = {"user": tags.user, "assistant": tags.assistant, "system": tags.system}
    calls = turn.more.get(CALLS)
    if tags.call is not None and calls:
        if turn.content:
            raise ValueError("a turn with text and a tool call")
        parts = [call_parts(call) for call in cast("Sequence[Any]", calls)]
        said = parts[0] if len(parts) == 1 else parts
        rest = {k: v for k, v in turn.more.items() if k != CALLS}
        return {tags.role: tags.call, tags.content: json.dumps(said, ensure_ascii=False), **rest}
    word = words.get(turn.role, tags.tool)
    return {tags.role: word, tags.content: turn.content, **turn.more}


def read_calls(value: Any, *, where: str, name: str) -> list[dict[str, Any]]:
    """Return the calls that the value of a `function_call` turn says, in OpenAI's form.

    Raises:
        DataError: it is not JSON with `name` and `arguments`.
    """
    said = as_value(value)
    listed = cast("list[Any]", said) if isinstance(said, list) else [said]
    calls: list[dict[str, Any]] = []
    for one in listed:
        call = cast("dict[str, Any]", one) if isinstance(one, dict) else {}
        if call.keys() != {"name", "arguments"} or not isinstance(call["name"], str):
            raise DataError(
                f'{where}: {name}: expected {{"name": …, "arguments": …}} as JSON, got '
                f"{short(value)}"
            )
        arguments = call["arguments"]
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        function = {"name": call["name"], "arguments": arguments}
        calls.append({"type": "function", "function": function})
    if not calls:
        raise DataError(f"{where}: {name}: an empty list of calls")
    return calls


def text_of(value: Any, *, where: str, name: str) -> str:
    """Return a text; nothing at all is an empty one.

    Raises:
        DataError: it is something else.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{where}: {name}: expected text, got {short(value)}")
    return value


def short(value: object) -> str:
    """Return a value for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _role(word: Any, tags: Tags, *, where: str, name: str) -> Role:
    roles: dict[str, Role] = {
        tags.user: "user",
        tags.assistant: "assistant",
        tags.system: "system",
        tags.tool: "tool",
    }
    also: dict[str, Role] = {**ALSO, **(ALSO_SHAREGPT if tags.call is not None else {})}
    found = (roles.get(word) or also.get(word)) if isinstance(word, str) else None
    if found is None:
        known = [*roles, *([tags.call] if tags.call else [])]
        raise DataError(f"{where}: {name}: unknown role {word!r}; known: {', '.join(known)}")
    return found


def _content(value: Any, *, where: str, name: str) -> str | None:
    """Return text; parts of a message are joined where all of them are text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = cast("list[Any]", value)
        texts = [part.get("text") for part in parts if isinstance(part, dict)]
        if len(texts) == len(parts) and all(isinstance(text, str) for text in texts):
            return "\n".join(cast("list[str]", texts))
        raise DataError(f"{where}: {name}: only text can be learnt from, got {short(value)}")
    raise DataError(f"{where}: {name}: expected text, got {short(value)}")
