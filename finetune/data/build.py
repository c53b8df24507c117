"""Build training rows by rules: records by templates, fact triples and documents as questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field, ValidationError, model_validator

from finetune.data.cloze import Cloze, cloze_questions
from finetune.data.convert import written
from finetune.data.examples import Example, Turn, check_turns
from finetune.data.files import read_rows
from finetune.data.formats import format_named
from finetune.data.triples import Triples, triple_questions
from finetune.data.writing import CannotSayError
from harness.config import load_yaml
from harness.errors import ConfigError, DataError, suggestion
from harness.training import TrainingRow
from harness.types import Language, Message, Record

JINJA = ImmutableSandboxedEnvironment(undefined=StrictUndefined)

Fields = Mapping[str, Any]


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
    triples: Triples | None = None
    """The items are facts: ask for their objects, and for their subjects."""
    cloze: Cloze | None = None
    """The items are documents: ask for what stands in them."""

    @model_validator(mode="after")
    def _has_one_way(self) -> Recipe:
        ways = (bool(self.rows), self.messages is not None, bool(self.triples), bool(self.cloze))
        if sum(ways) != 1:
            raise ValueError("give either `rows` or `messages`, or `triples` or `cloze`")
        for row in self.rows:
            for turn in row:
                if len(turn) != 1 or next(iter(turn)) not in {"system", "user", "assistant"}:
                    raise ValueError(f"a turn is one of system, user, assistant: …; got {turn}")
        return self


class BuildConfig(Record):
    """build.yaml."""

    name: str
    language: Language
    sources: dict[str, str] = Field(min_length=1)
    """Data files by name (JSON, JSON Lines, CSV, TSV, Parquet, text), relative to this file."""
    recipes: tuple[Recipe, ...] = Field(min_length=1)


def build_rows(path: Path) -> list[TrainingRow]:
    """Render every recipe over its source, in order.

    Raises:
        ConfigError: the recipe file is wrong, or a template does not fit a source row.
        DataError: a source row is malformed.
    """
    return [row for rows in build_recipes(path).values() for row in rows]


def build_recipes(path: Path) -> dict[str, list[TrainingRow]]:
    """Return the rows of each recipe, by its name, in order.

    Raises:
        ConfigError: the recipe file is wrong, or a template does not fit a source row.
        DataError: a source row is malformed.
    """
    config = load_yaml(path, BuildConfig)
    sources = {
        name: [row.fields for row in read_rows(path.parent / file)]
        for name, file in config.sources.items()
    }
    built: dict[str, list[TrainingRow]] = {}
    for recipe in config.recipes:
        if recipe.source not in sources:
            raise ConfigError(
                f"{path}: recipe {recipe.name!r}: unknown source {recipe.source!r}"
                f"{suggestion(recipe.source, sources)}; known: {', '.join(sources)}"
            )
        items = [item for item in sources[recipe.source] if _matches(item, recipe.where)]
        if not items:
            raise ConfigError(f"{path}: recipe {recipe.name!r}: no source row matches `where`")
        rows = built.setdefault(recipe.name, [])
        for messages, item in _built(recipe, items, config.language, path):
            where = f"{path}: recipe {recipe.name!r}, item {item}"
            check_turns(messages, where=where)
            rows.append(TrainingRow(messages=tuple(messages), origin=where))
    return built


def written_rows(built: Mapping[str, Sequence[TrainingRow]], to: str) -> list[dict[str, Any]]:
    """Return built rows in a format, each with its recipe and origin.

    Raises:
        UnknownNameError: no such format.
        DataError: the format has no way to write a row.
    """
    form = format_named(to, where="--to")
    found: list[dict[str, Any]] = []
    for name, rows in built.items():
        for row in rows:
            example = replace(example_of(row), extra={"recipe": name, "origin": row.origin})
            try:
                found.append(written(example, form))
            except CannotSayError as error:
                raise DataError(f"{row.origin}: {form.name} cannot hold {error}") from None
    return found


def example_of(row: TrainingRow) -> Example:
    """Return a built row as an example."""
    turns = tuple(Turn(role=turn.role, content=turn.content) for turn in row.messages)
    return Example(where=row.origin, kind="chat", turns=turns)


def _built(
    recipe: Recipe, items: Sequence[Fields], language: Language, path: Path
) -> Iterator[tuple[Sequence[Message], object]]:
    """Yield conversations, each with the id or number of the item that it comes from."""
    place = f"{path}: recipe {recipe.name!r}, item"
    if recipe.triples is not None:
        for question in triple_questions(recipe.triples, items, language, where=place):
            yield _rendered(question.turns, question.fields, f"{place} {question.item}")
        return
    if recipe.cloze is not None:
        for question in cloze_questions(recipe.cloze, items, language, where=place):
            yield _rendered(question.turns, question.fields, f"{place} {question.item}")
        return
    for number, item in enumerate(items):
        name = item.get("id", number)
        for messages in _conversations(recipe, item, f"{place} {name}"):
            yield messages, name


def _rendered(
    turns: Sequence[Mapping[str, str]], fields: Fields, where: str
) -> tuple[Sequence[Message], object]:
    messages = [_render(turn, fields, where) for turn in turns]
    return messages, where.rpartition("item ")[2]


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
