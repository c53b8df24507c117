"""`tunemark agreement` on any table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.cli.support import Done

Tunemark = Callable[..., Done]
COLUMNS = ("--unit", "unit", "--rater", "rater", "--value", "value")


@pytest.fixture
def krippendorff(SHARED: Path, tmp_path: Path) -> Path:
    """Return Krippendorff's four raters with one rating a line."""
    lines = (SHARED / "data/agreement-cases/krippendorff_4raters.csv").read_text().splitlines()
    raters = lines[0].split(",")[1:]
    out = ["unit,rater,value"]
    for line in lines[1:]:
        unit, *values = line.split(",")
        out += [f"{unit},{rater},{value}" for rater, value in zip(raters, values, strict=True)]
    file = tmp_path / "long.csv"
    file.write_text("\n".join(out) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_it_prints_krippendorffs_published_alphas(
    tunemark: Tunemark, krippendorff: Path, level: str, alpha: float
) -> None:
    done = tunemark("agreement", krippendorff, *COLUMNS, "--level", level, "--json")

    found = json.loads(done.out)["coefficients"][0]
    assert found["value"] == pytest.approx(alpha, abs=5e-4)
    assert found["low"] < found["value"] <= found["high"]
    assert found["n_units"] == 11


def test_what_is_undefined_is_said_in_words(tunemark: Tunemark, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("unit,rater,value\n1,a,好\n1,b,好\n2,a,好\n2,b,好\n", encoding="utf-8")

    done = tunemark("agreement", file, *COLUMNS, "--level", "nominal")

    assert done.code == 0
    assert "alpha (nominal): undefined: every rating is the same" in done.out
    assert "raw agreement: 1.000" in done.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unit,rater,values\n1,a,2\n", r"a\.csv:1: no column 'value' \(did you mean 'values'\?\)"),
        ("unit,rater,value\n1,a,good\n", r"a\.csv:2: 'good' is no number; use --level nominal"),
        ("unit,rater,value\n1,a,nan\n", r"a\.csv:2: 'nan' is no number"),
        ("unit,rater,value\n1,a,1\n1,a,2\n", "rater 'a' rated unit '1' twice"),
        ("unit,rater,value\n1,a,\n", "no rating in column"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_message(
    tunemark: Tunemark, tmp_path: Path, text: str, message: str
) -> None:
    import re

    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")

    done = tunemark("agreement", file, *COLUMNS)

    assert done.code == 2
    assert re.search(message, done.err)
    assert "Traceback" not in done.err
