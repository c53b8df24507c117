"""Clean training data by rules that can each be switched, and account for every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import ftfy

from finetune.data.examples import Example
from finetune.data.files import RawRow
from finetune.data.formats import Format
from finetune.data.layouts import read_example, same_fields
from finetune.data.leaking import leaking_rows
from finetune.data.repeats import equal_rows, near_rows
from finetune.data.rules import CleanConfig, row_rules
from finetune.data.source import Rows
from harness.suite import Suite

FTFY = ftfy.TextFixerConfig(
    unescape_html=False,
    uncurl_quotes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,  # ，and ： are how Chinese is written
    normalization=None,
    explain=False,
)
MOST_PASSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A row that was left out."""

    row: RawRow
    """As it was in the file."""
    rule: str
    why: str

    def as_json(self) -> dict[str, Any]:
        """Return it for the file of dropped rows."""
        return {
            "rule": self.rule,
            "why": self.why,
            "where": self.row.where,
            "row": dict(self.row.fields),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A row whose text was mended."""

    before: RawRow
    after: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return it for the file of changed rows."""
        return {
            "where": self.before.where,
            "before": dict(self.before.fields),
            "after": dict(self.after),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What is left, what was dropped, and what was changed among what is left."""

    kept: tuple[Mapping[str, Any], ...]
    dropped: tuple[Dropped, ...]
    changed: tuple[Changed, ...]


def clean_rows(rows: Rows, config: CleanConfig, *, suites: Sequence[Suite] = ()) -> Cleaned:
    """Return the rows that pass every rule, in their order.

    Cleaning what has been cleaned changes nothing.

    Args:
        rows: Of one file.
        config: The rules.
        suites: Drop rows that their gold items stand in.
    """
    raw = list(rows.raw)
    mended = [_mended(row, rows.format) if config.fix_text else row for row in raw]
    examples = [
        example if new is old else read_example(new, rows.format)
        for old, new, example in zip(raw, mended, rows.examples, strict=True)
    ]
    faults = _row_faults(examples, config)
    # Rows are named by their number, since a recipe's rows may share a place.
    numbered = [replace(example, where=str(i)) for i, example in enumerate(examples)]
    left = [i for i in range(len(raw)) if i not in faults]
    if suites:
        leaks = leaking_rows([numbered[i] for i in left], suites)
        faults |= {int(number): ("leaked", why) for number, why in leaks.items()}
        left = [i for i in left if i not in faults]
    if config.duplicates:
        places = [examples[i].where for i in left]
        for index, earlier in equal_rows([examples[i] for i in left]):
            faults[left[index]] = ("duplicate", f"says the same as {places[earlier]}")
        left = [i for i in left if i not in faults]
    if config.near is not None:
        left = _without_near(examples, left, config.near, faults)
    return Cleaned(
        kept=tuple(mended[i].fields for i in left),
        dropped=tuple(
            Dropped(row=raw[i], rule=faults[i][0], why=faults[i][1]) for i in sorted(faults)
        ),
        changed=tuple(
            Changed(before=raw[i], after=mended[i].fields) for i in left if mended[i] is not raw[i]
        ),
    )


def _row_faults(examples: Sequence[Example], config: CleanConfig) -> dict[int, tuple[str, str]]:
    """Return the first rule that each row breaks, and how."""
    rules = row_rules(config)
    faults: dict[int, tuple[str, str]] = {}
    for i, example in enumerate(examples):
        for name, rule in rules.items():
            why = rule(example)
            if why:
                faults[i] = (name, why)
                break
    return faults


def _without_near(
    examples: Sequence[Example],
    left: Sequence[int],
    threshold: float,
    faults: dict[int, tuple[str, str]],
) -> list[int]:
    """Drop near-duplicates until there are none.

    What all rows begin with is not compared; without some rows that may be more, and others may
    turn out alike.
    """
    rest = list(left)
    while near := near_rows([examples[i] for i in rest], threshold):
        for one in near:
            earlier = examples[rest[one.earlier]].where
            faults[rest[one.index]] = (
                "near_duplicate",
                f"{one.similarity:.0%} the same as {earlier}",
            )
        rest = [i for i in rest if i not in faults]
    return rest


def _mended(row: RawRow, form: Format) -> RawRow:
    """Return the row with mended texts; the row itself where there was nothing to mend."""
    fields = {
        key: _fixed(value) if key in form.known else value for key, value in row.fields.items()
    }
    return row if same_fields(fields, row.fields) else replace(row, fields=fields)


def _fixed(value: Any) -> Any:
    if isinstance(value, str):
        return fixed_text(value)
    if isinstance(value, list):
        return [_fixed(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _fixed(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def fixed_text(text: str) -> str:
    """Return a text as ftfy mends it, mended until nothing changes any more."""
    for _ in range(MOST_PASSES):
        fixed = ftfy.fix_text(text, FTFY)
        if fixed == text:
            break
        text = fixed
    return text
