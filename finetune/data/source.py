"""Find what a training configuration or a command names as data, and read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator

from finetune.data.build import build_rows, example_of
from finetune.data.catalogue import is_catalogue, listed
from finetune.data.examples import KINDS, Example, training_text
from finetune.data.files import RawRow, read_rows
from finetune.data.formats import FORMATS, Format, detect, format_named
from finetune.data.layouts import from_cells, read_example
from harness.config import read_text
from harness.contamination.find import TrainingText
from harness.errors import ConfigError, DataError
from harness.types import Record

RECIPES = (".yaml", ".yml")


class DataSource(Record):
    """Data that a configuration names: a file, a recipe or a data set of a catalogue."""

    path: str
    """A data file, a recipe (build.yaml, mix.yaml), or a dataset_info.json or its folder."""
    format: str | None = None
    """Name of the format, where the fields do not tell; see `tunemark data`."""
    name: str | None = None
    """Of the data set in a dataset_info.json."""


def _named(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


NamedSource = Annotated[
    DataSource, BeforeValidator(_named, json_schema_input_type=str | DataSource)
]
"""A data source in YAML: a path, or {path, format, name}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one file, as they stand there, and what they are written in."""

    file: Path
    format: Format
    raw: tuple[RawRow, ...]
    examples: tuple[Example, ...]


def read_source(path: Path, *, format: str | None = None, name: str | None = None) -> Rows:  # noqa: A002
    """Return the rows of a data file, a recipe or a data set of a catalogue.

    Args:
        path: Which.
        format: Name of the format; by default told from the fields of all rows.
        name: Of the data set in a catalogue.

    Raises:
        DataError, ConfigError: naming file, line and field.
    """
    if path.suffix.lower() in RECIPES:
        return _from_recipe(path)
    if is_catalogue(path):
        return _from_catalogue(path, format, name)
    if path.is_dir():
        raise DataError(f"{path}: a folder without a dataset_info.json; name a file in it")
    if name is not None:
        raise DataError(f"{path}: `name` chooses from a dataset_info.json; this is another file")
    raw = read_rows(path)
    if not raw:
        raise DataError(f"{path}: no training rows")
    found = format_named(format, where=str(path)) if format else detect(raw, path)
    return _rows(path, raw, found)


def training_texts(path: Path) -> Iterator[TrainingText]:
    """Yield what each row of a source asks and answers, to be compared with gold items.

    Raises:
        DataError, ConfigError: naming file, line and field.
    """
    return map(training_text, read_source(path).examples)


def one_kind(sources: Sequence[Rows]) -> str:
    """Return what all sources hold.

    Raises:
        DataError: they hold different things, which cannot be learnt together.
    """
    first = sources[0]
    for other in sources[1:]:
        if other.format.kind != first.format.kind:
            raise DataError(
                f"{other.file}: holds {KINDS[other.format.kind]}, but {first.file} holds "
                f"{KINDS[first.format.kind]}; they cannot be taken together"
            )
    return first.format.kind


def is_mix(path: Path) -> bool:
    """Tell a mix of sources from a recipe that builds rows: only the latter has `recipes:`."""
    text = "\n" + read_text(path, ConfigError)
    return "\nrecipes:" not in text and "\nsources:" in text


def _rows(path: Path, raw: Sequence[RawRow], found: Format) -> Rows:
    rows = tuple(from_cells(row, found) for row in raw)
    examples = tuple(read_example(row, found) for row in rows)
    return Rows(file=path, format=found, raw=rows, examples=examples)


def _from_catalogue(path: Path, given: str | None, name: str | None) -> Rows:
    if given is not None:
        raise DataError(f"{path}: the catalogue says the format; `format` is for single files")
    entry = listed(path, name)
    raw = read_rows(entry.file)[: entry.n_rows]
    if not raw:
        raise DataError(f"{entry.file}: no training rows")
    return _rows(entry.file, raw, entry.format)


def _from_recipe(path: Path) -> Rows:
    if is_mix(path):
        from finetune.data.mix import mix_rows  # which reads its sources through this module

        return mix_rows(path)
    found = build_rows(path)
    form = FORMATS["messages"]
    raw = [
        RawRow(
            where=row.origin,
            fields={"messages": [turn.model_dump() for turn in row.messages]},
        )
        for row in found
    ]
    examples = tuple(example_of(row) for row in found)
    return Rows(file=path, format=form, raw=tuple(raw), examples=examples)


def first_rows(rows: Rows, n: int | None) -> Rows:
    """Return only so many rows from the start; all for None."""
    return rows if n is None else replace(rows, raw=rows.raw[:n], examples=rows.examples[:n])
