"""Agreement of several raters: published tables, what is undefined, and the intervals' coverage."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.reliability import (
    Level,
    Table,
    gwet_ac,
    intraclass,
    krippendorff_alpha,
    pairwise_kappas,
    table_of,
    within,
)


@pytest.fixture
def expected(SHARED: Path) -> dict[str, Any]:
    return json.loads((SHARED / "data/agreement-cases/expected.json").read_text())


def four_raters(folder: Path, level: Level) -> Table:
    with (folder / "data/agreement-cases/krippendorff_4raters.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return table_of(
        [
            (row["unit"], rater, float(value))
            for row in rows
            for rater, value in row.items()
            if rater != "unit" and value
        ],
        level,
    )


def abstractors(folder: Path, level: Level) -> Table:
    """Reviewer 1 × reviewer 2 as single ratings; categories as 1, 2, 3."""
    lines = (folder / "data/agreement-cases/cont3x3abstractors.csv").read_text().splitlines()[1:]
    ratings: list[tuple[str, str, float | str]] = []
    for i, line in enumerate(lines, start=1):
        for j, count in enumerate(line.split(",")[1:], start=1):
            for n in range(int(count)):
                unit = f"{i}-{j}-{n}"
                ratings += [(unit, "one", float(i)), (unit, "two", float(j))]
    return table_of(ratings, level)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_krippendorffs_own(SHARED: Path, expected: dict[str, Any], level: Level) -> None:
    # Krippendorff 2011 prints .743, .815, .849; full digits in SOURCE.md's expected.json.
    published = expected["krippendorff_4raters"]["krippendorff_alpha"][level]

    found = krippendorff_alpha(four_raters(SHARED, level))

    assert found.value == pytest.approx(published, abs=1e-12)
    assert (found.n_units, found.n_raters) == (11, 4)


def test_gwets_ac1_with_missing_ratings_is_published(
    SHARED: Path, expected: dict[str, Any]
) -> None:
    table = four_raters(SHARED, "nominal")

    assert gwet_ac(table).value == pytest.approx(
        expected["krippendorff_4raters"]["gwet_ac1"], abs=5e-4
    )
    assert within(table).value == pytest.approx(
        expected["krippendorff_4raters"]["percent_agreement"], abs=5e-4
    )


def test_the_two_abstractors_of_gwet_agree_as_published(
    SHARED: Path, expected: dict[str, Any]
) -> None:
    published = expected["cont3x3abstractors"]
    nominal, ordinal = abstractors(SHARED, "nominal"), abstractors(SHARED, "ordinal")

    assert gwet_ac(nominal).value == pytest.approx(published["gwet_ac1"], abs=5e-4)
    assert krippendorff_alpha(nominal).value == pytest.approx(
        published["krippendorff_alpha"], abs=5e-4
    )
    assert pairwise_kappas(nominal)[0].kappa == pytest.approx(published["cohen_kappa"], abs=5e-4)
    assert pairwise_kappas(ordinal)[0].kappa == pytest.approx(
        published["cohen_quadratic"], abs=5e-4
    )


@pytest.mark.parametrize(
    ("dimension", "published"),
    [
        ("Informativeness", 0.2848732349364207),
        ("Relevance", 0.11512128779864284),
        ("Fluency", -0.015808123685552733),
        ("Coherence", 0.06497202567878013),
    ],
)
def test_newsrooms_ordinal_alphas_are_those_of_judge_bench(
    SHARED: Path, dimension: str, published: float
) -> None:
    # JUDGE-BENCH, results/CoT/newsroom.json, field krippendorff_alpha (see SOURCE.md).
    whole = json.loads((SHARED / "data/newsroom-human/newsroom.json").read_text(encoding="utf-8"))
    ratings = [
        (str(number), f"slot {slot}", float(score))
        for number, one in enumerate(whole["instances"])
        for slot, score in enumerate(one["annotations"][dimension]["individual_human_scores"])
    ]

    found = krippendorff_alpha(table_of(ratings, "ordinal"))

    assert found.value == pytest.approx(published, abs=1e-12)
    assert found.low is not None
    assert found.high is not None
    assert found.low < published < found.high


def test_pandalms_kappas_are_published(SHARED: Path) -> None:
    # PandaLM's README prints 0.85, 0.88, 0.86.
    rows = json.loads((SHARED / "data/pandalm-human/testset-v1.json").read_text(encoding="utf-8"))
    ratings = [
        (str(n), f"{k}", str(row[f"annotator{k}"])) for n, row in enumerate(rows) for k in (1, 2, 3)
    ]

    found = pairwise_kappas(table_of(ratings, "nominal"))

    assert [round(one.kappa or 0, 2) for one in found] == [0.85, 0.88, 0.86]


def test_icc_is_shrout_and_fleiss_example() -> None:
    # Shrout and Fleiss 1979, table 2 and 4: six targets, four judges; ICC(2,1) .29, ICC(2,4) .62.
    scores = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    table = table_of(
        [(f"t{i}", f"j{j}", float(v)) for i, row in enumerate(scores) for j, v in enumerate(row)],
        "interval",
    )

    single, mean = intraclass(table, of_mean=False), intraclass(table, of_mean=True)

    assert round(single.value or 0, 2) == 0.29
    assert round(mean.value or 0, 2) == 0.62


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_where_everyone_says_the_same_alpha_is_undefined_in_words(level: Level) -> None:
    table = table_of([(u, r, 3.0) for u in "abc" for r in "xyz"], level)

    found = krippendorff_alpha(table)

    assert (found.value, found.low, found.high) == (None, None, None)
    assert "every rating is the same" in found.undefined


def test_without_overlap_nothing_is_defined() -> None:
    table = table_of([("a", "x", 1.0), ("b", "y", 2.0)], "ordinal")

    told = [krippendorff_alpha(table), gwet_ac(table), within(table)]

    assert {one.undefined for one in told} == {"no unit has two ratings"}
    assert intraclass(table, of_mean=False).value is None
    assert krippendorff_alpha(table_of([("a", "x", 1.0)], "ordinal")).undefined == (
        "there is one rater"
    )


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_of_no_rating_nothing_is_defined(level: Level) -> None:
    table = table_of([], level)

    told = [krippendorff_alpha(table), gwet_ac(table), within(table)]
    told += [intraclass(table, of_mean=of_mean) for of_mean in (True, False)]

    assert {(one.value, one.undefined) for one in told} == {(None, "there is no rating")}
    assert pairwise_kappas(table) == []


def test_ac2_stays_high_where_nearly_all_agree_and_alpha_falls() -> None:
    ratings: list[tuple[str, str, float | str]] = [
        (f"u{i}", r, 5.0) for i in range(48) for r in "xy"
    ]
    ratings += [("v", "x", 5.0), ("v", "y", 4.0), ("w", "x", 4.0), ("w", "y", 5.0)]
    table = table_of(ratings, "ordinal", categories=(1.0, 2.0, 3.0, 4.0, 5.0))

    alpha, ac2 = krippendorff_alpha(table).value, gwet_ac(table).value

    assert alpha is not None
    assert ac2 is not None
    assert alpha < 0.1
    assert ac2 > 0.95


def test_a_rater_who_rated_a_unit_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="rater 'x' rated unit 'a' twice"):
        table_of([("a", "x", 1.0), ("a", "x", 2.0)], "nominal")


matrices = st.lists(
    st.lists(st.integers(1, 5) | st.none(), min_size=3, max_size=3), min_size=2, max_size=12
)


@given(matrix=matrices, level=st.sampled_from(["nominal", "ordinal", "interval"]))
def test_agreement_depends_on_no_order_and_is_at_most_one(
    matrix: list[list[int | None]], level: Level
) -> None:
    def of(rows: list[list[int | None]]) -> Table | None:
        ratings = [
            (f"{i}", f"{j}", float(v))
            for i, row in enumerate(rows)
            for j, v in enumerate(row)
            if v is not None
        ]
        return table_of(ratings, level) if ratings else None

    table = of(matrix)
    turned = of([row[::-1] for row in matrix[::-1]])
    if table is None or turned is None:
        return

    for coefficient in (krippendorff_alpha, gwet_ac, within):
        one, two = coefficient(table, n_draws=20), coefficient(turned, n_draws=20)
        assert one.undefined == two.undefined
        assert one.value == pytest.approx(two.value)
        assert one.value is None or one.value <= 1 + 1e-12


@given(values=st.lists(st.sampled_from(["是", "否", "不知道"]), min_size=2, max_size=20))
def test_raters_who_say_the_same_agree_fully(values: list[str]) -> None:
    table = table_of([(f"{i}", r, v) for i, v in enumerate(values) for r in "xyz"], "nominal")

    assert within(table, n_draws=20).value == 1
    assert krippendorff_alpha(table, n_draws=20).value in {None, 1.0}


@pytest.mark.slow
@pytest.mark.parametrize(("n_units", "least"), [(30, 0.90), (100, 0.91)])
def test_the_interval_of_alpha_covers(n_units: int, least: float) -> None:
    # Three raters who see a unit's quality with their own noise; truth from 40,000 units.
    def draw(rng: np.random.Generator, n: int) -> Table:
        seen = rng.normal(size=(n, 1)) + rng.normal(scale=0.9, size=(n, 3))
        codes = np.digitize(seen, [-1.5, -0.5, 0.5, 1.5]).astype(np.int64)
        return Table(
            codes=codes,
            values=np.asarray([1.0, 2.0, 3.0, 4.0, 5.0]),
            raters=("a", "b", "c"),
            level="ordinal",
        )

    rng = np.random.default_rng(7)
    truth = krippendorff_alpha(draw(rng, 40_000), n_draws=1).value
    assert truth is not None

    hits = 0
    for _ in range(300):
        found = krippendorff_alpha(draw(rng, n_units), n_draws=500)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high

    assert hits / 300 >= least
