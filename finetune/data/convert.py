"""Convert rows from one format into another, and back without a loss.

Fields that no format knows stay where they are. What the new format cannot write as the old one
did (which key was absent, where a text was cut in two) is kept in the row's field `extra`, and
used on the way back as long as the row still says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from finetune.data.examples import Example, exact, meaning
from finetune.data.files import Fields, RawRow
from finetune.data.formats import FORMATS, Format, format_named
from finetune.data.layouts import KEPT, read_example, same_fields
from finetune.data.writing import CannotSayError, write_example
from harness.errors import DataError

_KEPT_KEYS = {"format", "fields", "absent"}


def convert_rows(rows: Sequence[RawRow], source: Format, target: Format) -> list[dict[str, Any]]:
    """Return rows in another format.

    Raises:
        DataError: a row that the target format has no way to write; nothing is left out silently.
    """
    return [convert_row(row, source, target) for row in rows]


def convert_row(row: RawRow, source: Format, target: Format) -> dict[str, Any]:
    """Return a row in another format.

    Raises:
        DataError: the target format has no way to write it.
    """
    example = read_example(row, source)
    if source == target:
        return dict(row.fields)
    try:
        return _restored(example, target) or _with_kept(row, example, source, target)
    except CannotSayError as error:
        raise DataError(
            f"{row.where}: {target.name} cannot hold {error}; choose another format, or leave the "
            "row out"
        ) from None


def written(example: Example, target: Format) -> dict[str, Any]:
    """Return an example as a row, with its extra fields.

    Raises:
        CannotSayError: the format has no way to write it.
    """
    row = write_example(example, target)
    free = {key: value for key, value in example.extra.items() if key not in target.known}
    return {**row, **free}


def _with_kept(row: RawRow, example: Example, source: Format, target: Format) -> dict[str, Any]:
    fields = dict(example.extra)
    earlier = fields.get(KEPT)
    if not _is_kept(earlier):
        fields.pop(KEPT, None)
    made = written(replace(example, extra=fields), target)
    if source not in FORMATS.values():
        # No command can ask for a catalogue's own layout: only what would be lost is kept.
        lost = {key: value for key, value in row.fields.items() if key in example.extra}
        lost = {key: value for key, value in lost.items() if made.get(key) != value}
        if lost:
            made[KEPT] = {"format": source.name, "fields": lost, "absent": []}
        return made
    there = read_example(RawRow(where=row.where, fields=made), target)
    try:
        back = written(there, source)
    except CannotSayError:  # such as several answers in one completion: read, never written
        back = dict[str, Any]()
    if not same_fields(back, row.fields):
        made[KEPT] = {
            "format": source.name,
            "fields": {
                key: value
                for key, value in row.fields.items()
                if key not in back or exact(back[key]) != exact(value)
            },
            "absent": sorted(back.keys() - row.fields.keys()),
        }
    return made


def _restored(example: Example, target: Format) -> dict[str, Any] | None:
    """Return the row as it was in the target format once; None where that is not known.

    What was kept is used only where it says the same as the row does now: a text that was
    corrected since is not turned back.
    """
    kept = example.extra.get(KEPT)
    extra = {key: value for key, value in example.extra.items() if key != KEPT}
    while _is_kept(kept):
        inner = cast("Mapping[str, Any]", kept)
        if inner["format"] == target.name:
            try:
                base = written(replace(example, extra=extra), target)
            except CannotSayError:  # but perhaps it was written another way
                base = extra
            row = {key: value for key, value in base.items() if key not in inner["absent"]}
            row |= cast("Fields", inner["fields"])
            return row if _says(row, target, example) else None
        kept = cast("Mapping[str, Any]", inner["fields"]).get(KEPT)
    return None


def _says(fields: Fields, target: Format, example: Example) -> bool:
    try:
        back = read_example(RawRow(where=example.where, fields=fields), target)
    except DataError:
        return False
    return meaning(back) == meaning(example)


def _is_kept(value: Any) -> bool:
    """Tell whether a field `extra` is ours."""
    if not isinstance(value, dict):
        return False
    fields = cast("dict[str, Any]", value)
    return (
        fields.keys() == _KEPT_KEYS
        and isinstance(fields["fields"], dict)
        and isinstance(fields["absent"], list)
        and isinstance(fields["format"], str)
    )


def target_format(name: str) -> Format:
    """Return the format to convert into.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return format_named(name, where="--to")
