"""Build training rows by templates: structured records → instructions, fact triples → questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field, ValidationError, model_validator

from finetune.data.rows import check_turns
from harness.config import load_yaml, read_jsonl
from harness.errors import ConfigError, DataError, suggestion
from harness.training import TrainingRow
from harness.types import Message, Record

JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined)


class Recipe(Record):
    """How the items of one source become rows."""

    name: str
    source: str = Field(alias="from")
    where: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Use only the items whose fields equal these."""
    rows: tuple[tuple[dict[str, str], ...], ...] = ()
    """Each row is a list of one-key turns; every item gives every row once."""
    messages: str | None = None
    """Take the turns from this field instead of rendering them."""

    @model_validator(mode="after")
    def _has_one_way(self) -> Recipe:
        if bool(self.rows) == (self.messages is not None):
            raise ValueError("give either `rows` or `messages`")
        for row in self.rows:
            for turn in row:
                if len(turn) != 1 or next(iter(turn)) not in {"system", "user", "assistant"}:
                    raise ValueError(f"a turn is one of system, user, assistant: …; got {turn}")
        return self


class BuildConfig(Record):
    """build.yaml."""

    name: str
    language: str
    sources: dict[str, str] = Field(min_length=1)
    """JSON Lines files by name, relative to this file."""
    recipes: tuple[Recipe, ...] = Field(min_length=1)


def build_rows(path: Path) -> list[TrainingRow]:
    """Render every recipe over its source, in order.

    Raises:
        ConfigError: the recipe file is wrong, or a template does not fit a source row.
        DataError: a source row is malformed.
    """
    config = load_yaml(path, BuildConfig)
    sources = {
        name: [line.value for line in read_jsonl(path.parent / file, DataError)]
        for name, file in config.sources.items()
    }
    rows: list[TrainingRow] = []
    for recipe in config.recipes:
        if recipe.source not in sources:
            raise ConfigError(
                f"{path}: recipe {recipe.name!r}: unknown source {recipe.source!r}"
                f"{suggestion(recipe.source, sources)}; known: {', '.join(sources)}"
            )
        items = [item for item in sources[recipe.source] if _matches(item, recipe.where)]
        if not items:
            raise ConfigError(f"{path}: recipe {recipe.name!r}: no source row matches `where`")
        for number, item in enumerate(items):
            where = f"{path}: recipe {recipe.name!r}, item {item.get('id', number)}"
            for messages in _conversations(recipe, item, where):
                check_turns(messages, where=where)
                rows.append(TrainingRow(messages=tuple(messages), origin=where))
    return rows


def _matches(item: Mapping[str, Any], where: Mapping[str, object]) -> bool:
    return all(key in item and item[key] == value for key, value in where.items())


def _conversations(
    recipe: Recipe, item: Mapping[str, Any], where: str
) -> Sequence[Sequence[Message]]:
    if recipe.messages is not None:
        try:
            return [[Message.model_validate(turn) for turn in item[recipe.messages]]]
        except (KeyError, TypeError, ValidationError):
            raise DataError(
                f"{where}: field {recipe.messages!r} must be a list of role/content turns"
            ) from None
    return [[_render(turn, item, where) for turn in row] for row in recipe.rows]


def _render(turn: Mapping[str, str], item: Mapping[str, Any], where: str) -> Message:
    ((role, template),) = turn.items()
    try:
        text = JINJA.from_string(template).render(item).strip()
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"{where}: the {role} template does not fit: {error}") from None
    return Message.model_validate({"role": role, "content": text})
