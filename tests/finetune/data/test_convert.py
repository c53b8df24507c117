"""Conversions keep everything: there and back is where one was."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from finetune.data.convert import convert_row
from finetune.data.examples import meaning
from finetune.data.files import RawRow
from finetune.data.formats import FORMATS
from finetune.data.layouts import read_example
from harness.errors import DataError
from tests.finetune.data.strategies import ROWS

PAIRS = [(a, b) for a, b in permutations(FORMATS, 2) if FORMATS[a].kind == FORMATS[b].kind]


def as_json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def convert(row: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    raw = RawRow(where="rows.jsonl:1", fields=row)
    return convert_row(raw, FORMATS[source], FORMATS[target])


def convert_if_possible(row: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    """Convert; a row that the target refuses is another example's matter, and must be rare."""
    try:
        return convert(row, source, target)
    except DataError as error:
        assert "cannot hold" in str(error)
        assume(False)
        raise


def said(row: dict[str, Any], form: str) -> str:
    return meaning(read_example(RawRow(where="rows.jsonl:1", fields=row), FORMATS[form]))


@pytest.mark.parametrize(("source", "target"), PAIRS)
@given(data=st.data())
def test_there_and_back_is_the_row_as_it_was(source: str, target: str, data: st.DataObject) -> None:
    row = data.draw(ROWS[source])

    there = convert_if_possible(row, source, target)

    assert said(there, target) == said(row, source)
    assert as_json(convert(there, target, source)) == as_json(row)
