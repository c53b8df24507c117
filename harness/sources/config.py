"""What `source:` in suite.yaml may say: where rows come from and how one becomes a gold item."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from harness.sources.expressions import check_condition, check_template
from harness.types import Record

PATH = re.compile(
    r"([^.\[\]{}]+(\.[^.\[\]{}]+)*)?(\[\]|\{\})(\.?([^.\[\]{}]+(\.[^.\[\]{}]+)*)(\[\]|\{\}))*"
)
"""Steps down to the rows: names, each ending in [] (a list) or {} (an object by key)."""

Format = Literal["auto", "json", "jsonl", "csv", "tsv"]


class HubData(Record):
    """A data set that `datasets.load_dataset` finds."""

    path: str
    """Id on the hub, or a folder."""
    config: str | None = None
    split: str
    revision: str | None = None
    """Commit, tag or branch; without it the newest, whose digest then decides comparability."""


class Files(Record):
    """Which files of the data folder hold the rows, and how they lie there."""

    files: tuple[str, ...] = ()
    """Names or patterns (`*_test.csv`, `**/dev.json`) in the data folder; the first that fits
    anything counts, with all that it fits."""
    format: Format = "auto"
    """By the file's name where "auto"."""
    columns: tuple[str, ...] = ()
    """Names of the columns of a CSV or TSV file that has no header line."""
    each: str = ""
    """Path to the rows of a nested JSON file: `data[].paragraphs[].qas[]` (lists) or `items{}`
    (an object whose values are rows; the name is then `key`). Empty: the file itself is a list,
    or an object of objects."""

    @field_validator("each")
    @classmethod
    def _is_path(cls, each: str) -> str:
        if each and not PATH.fullmatch(each):
            raise ValueError("write it like data[].paragraphs[].qas[] or items{}")
        return each


class Table(Files):
    """A second file to look things up in: an object by key, under the table's name."""

    files: tuple[str, ...] = Field(min_length=1)
    key: str | None = None
    """Template of the key of a row; absent for a JSON object, whose keys they are."""

    @field_validator("key")
    @classmethod
    def _is_template(cls, key: str | None) -> str | None:
        return key if key is None else check_template(key)


class Part(Files):
    """Rows of one kind, and the gold items that they become.

    Every value is a Jinja template. One that is a single `{{ … }}` gives its value as it is (a
    list, a number); any other gives text. A row's fields are variables, and so are those of the
    objects around it; besides them `row`, `parents` (outermost first), `key`, `number` (from 0)
    and `file` (the file's name without its ending) where the row has no field of that name.
    """

    task: str | None = None
    """The suite's task; may be left out when it has only one."""
    hub: HubData | None = None
    """Where the rows come from when no `--data` is given."""
    tables: dict[str, Table] = Field(default_factory=dict)
    """Other files to look things up in."""
    where: str | None = None
    """Only rows for which this `{{ … }}` is true."""
    id: str
    input: str | dict[str, str] = Field(union_mode="left_to_right")
    references: str | tuple[str, ...] = ()
    """A template that gives a list, or several; empty texts are faults, not dropped."""
    choices: str | tuple[str, ...] = ()
    answer: str | None = None
    """Index of the right choice from 0, its letter, or the choice itself."""
    slices: dict[str, str] = Field(default_factory=dict)
    cluster: str | None = None
    source: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_text(cls, value: object) -> object:
        """YAML reads `answer: 0` as a number; a template is text."""
        if isinstance(value, dict) and isinstance(value.get("answer"), int):
            return {**value, "answer": str(value["answer"])}
        return value

    @field_validator(
        "id", "answer", "cluster", "source", "input", "references", "choices", "slices"
    )
    @classmethod
    def _are_templates(cls, value: Any) -> Any:
        texts = value.values() if isinstance(value, dict) else value
        for text in [texts] if isinstance(texts, str) else (texts or ()):
            check_template(text)
        return value

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Part:
        if not self.files and self.hub is None:
            raise ValueError("say where the rows come from: `files`, `hub` or both")
        return self

    @field_validator("where")
    @classmethod
    def _is_condition(cls, where: str | None) -> str | None:
        return where if where is None else check_condition(where)


class SourceConfig(Record):
    """`source:` of suite.yaml: a gold set that is made from public data when it is needed."""

    obtain: str = ""
    """Where a person gets the data, for messages and lists."""
    parts: tuple[Part, ...] = Field(min_length=1)
