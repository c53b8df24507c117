"""Data sets by name, as LLaMA-Factory's `dataset_info.json` lists them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import Field, ValidationError

from finetune.data.examples import Kind
from finetune.data.formats import COLUMNS, FORMATS, OPENAI, SHAREGPT, Format, Style, Tags
from harness.config import explain, read_text, telling_fault
from harness.errors import DataError, UnknownNameError
from harness.types import Record

CATALOGUE = "dataset_info.json"
ELSEWHERE = ("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name")
"""Places on the network; the file must be fetched by hand."""


class ColumnNames(Record):
    """What columns are called (LLaMA-Factory's names)."""

    prompt: str | None = None
    query: str | None = None
    response: str | None = None
    history: str | None = None
    messages: str | None = None
    system: str | None = None
    tools: str | None = None
    images: str | None = None
    videos: str | None = None
    audios: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    kto_tag: str | None = None


class TagNames(Record):
    """How turns are written (LLaMA-Factory's names)."""

    role_tag: str = SHAREGPT.role
    content_tag: str = SHAREGPT.content
    user_tag: str = SHAREGPT.user
    assistant_tag: str = SHAREGPT.assistant
    observation_tag: str = SHAREGPT.tool
    function_tag: str = "function_call"
    system_tag: str = SHAREGPT.system


class Entry(Record):
    """One data set of a catalogue."""

    file_name: str | None = None
    formatting: Literal["alpaca", "sharegpt", "openai"] = "alpaca"
    ranking: bool = False
    subset: str | None = None
    split: str = "train"
    folder: str | None = None
    num_samples: int | None = Field(default=None, gt=0)
    hf_hub_url: str | None = None
    ms_hub_url: str | None = None
    om_hub_url: str | None = None
    script_url: str | None = None
    cloud_file_name: str | None = None
    columns: ColumnNames = ColumnNames()
    tags: TagNames = TagNames()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A data set that a catalogue names."""

    file: Path
    format: Format
    n_rows: int | None
    """Only so many rows from the start; None: all."""


def listed(path: Path, name: str | None) -> Listed:
    """Return a data set of a catalogue.

    Args:
        path: A `dataset_info.json`, or the folder that has one.
        name: Of the data set; not needed where there is only one.

    Raises:
        DataError: the catalogue is malformed, or the data set lies elsewhere.
        UnknownNameError: no such data set.
    """
    file = path / CATALOGUE if path.is_dir() else path
    entries = read_catalogue(file)
    if name is None and len(entries) == 1:
        name = next(iter(entries))
    if name is None:
        raise DataError(f"{file}: say which data set: --name {' | '.join(sorted(entries))}")
    if name not in entries:
        raise UnknownNameError("data set", name, entries, where=str(file))
    entry = entries[name]
    if entry.file_name is None:
        place = next((key for key in ELSEWHERE if getattr(entry, key)), None)
        why = f"lies elsewhere ({place}): fetch it and name it" if place else "has no file: name it"
        raise DataError(f"{file}: {name}: this data set {why} under `file_name`")
    return Listed(
        file=file.parent / entry.file_name,
        format=entry_format(entry, where=f"{file}: {name}"),
        n_rows=entry.num_samples,
    )


def read_catalogue(file: Path) -> dict[str, Entry]:
    """Return the data sets of a catalogue by name.

    Raises:
        DataError: it is missing or malformed; names the data set and the key.
    """
    try:
        value = json.loads(read_text(file, DataError))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: this is not valid JSON: {error}") from None
    if not isinstance(value, dict) or not value:
        raise DataError(
            f"{file}: expected {{name: {{file_name: …}}, …}} as LLaMA-Factory has it"
            + ("; a list is ms-swift's file of the same name" if isinstance(value, list) else "")
        )
    found: dict[str, Entry] = {}
    for name, fields in cast("dict[str, Any]", value).items():
        try:
            found[name] = Entry.model_validate(fields)
        except ValidationError as error:
            told = explain(telling_fault(error), Entry)
            raise DataError(f"{file}: {name}: {told}") from None
    return found


def is_catalogue(path: Path) -> bool:
    """Tell whether a path names a catalogue, or a folder with one."""
    return path.name == CATALOGUE or (path / CATALOGUE).is_file()


def entry_format(entry: Entry, *, where: str) -> Format:
    """Return how the rows of an entry are written.

    Raises:
        DataError: columns that this formatting does not have, or pictures and sound.
    """
    named = {key: value for key, value in entry.columns.model_dump().items() if value is not None}
    seen = named.keys() & {"images", "videos", "audios"}
    if seen:
        raise DataError(f"{where}: columns.{min(seen)}: only text can be learnt from")
    styles: Mapping[str, Style] = {"alpaca": "alpaca", "sharegpt": "sharegpt", "openai": "messages"}
    style = styles[entry.formatting]
    kind: Kind = "preference" if entry.ranking else "label" if "kto_tag" in named else "chat"
    # As LLaMA-Factory has it: where columns are listed, the others are not there.
    columns = dict(COLUMNS[style]) if not named else {}
    asking = "prompt" if style == "alpaca" else "messages"
    columns.setdefault(asking, COLUMNS[style][asking])
    if kind == "preference":
        columns |= {"chosen": "chosen", "rejected": "rejected"}
        columns.pop("response", None)
        named.pop("response", None)
    unknown = named.keys() - {*COLUMNS[style], "chosen", "rejected", "system", "tools", "kto_tag"}
    if unknown:
        raise DataError(
            f"{where}: columns.{min(unknown)}: {entry.formatting} data has no such column"
        )
    columns |= named
    if style == "alpaca" and named.keys() == {"prompt"}:  # pre-training data
        return replace(FORMATS["text"], columns={"text": named["prompt"]})
    tags = _tags(entry) if style != "alpaca" else OPENAI
    stem = {"alpaca": "alpaca", "sharegpt": "sharegpt", "messages": "messages"}[style]
    name = stem + {"chat": "", "preference": "_preference", "label": "_kto", "text": ""}[kind]
    return Format(name=name, style=style, kind=kind, columns=columns, tags=tags)


def _tags(entry: Entry) -> Tags:
    tags = entry.tags
    is_openai = entry.formatting == "openai" and "tags" not in entry.model_fields_set
    if is_openai:
        return OPENAI
    return Tags(
        role=tags.role_tag,
        content=tags.content_tag,
        user=tags.user_tag,
        assistant=tags.assistant_tag,
        system=tags.system_tag,
        tool=tags.observation_tag,
        call=tags.function_tag,
    )
