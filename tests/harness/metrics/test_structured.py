"""JSON answers: valid, by schema, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.metrics.base import Setting
from harness.metrics.build import build_metric
from harness.metrics.json_fields import Matching, count_fields, count_matches
from harness.spec import Spec
from tests.harness.metrics.support import items, matrix, value

EN = Setting(language="en")

# The first nine are cases of the JSON Parsing Test Suite (Seriot 2016, "y_" must pass, "n_" must
# not), by the rules of RFC 8259.
VALID = [
    ('{"a":"b","a":"c"}', 1),
    ("[1e5, -0, 1.5E+2]", 1),
    ('"\\u0060\\u012a"', 1),
    (" 4 ", 1),
    ("[1,]", 0),
    ("{'a':0}", 0),
    ("[NaN]", 0),
    ("[-Infinity]", 0),
    ("[01]", 0),
    ("", 0),
    ("null", 1),
    ('{"药": "片"}', 1),
    ('{"a": 1} and more', 0),
    ("```json\n{}\n```", 0),
    ("[" * 100_000, 0),
    ("[" * 300 + "]" * 300, 0),
    ('{"a": "\n"}', 0),
]


@pytest.mark.parametrize(("text", "expected"), VALID)
def test_json_is_told_from_what_is_none(text: str, expected: int) -> None:
    assert value(build_metric("json_valid", EN), [(text, ("x",))]) == expected


def test_a_repeated_key_may_be_refused_at_any_depth() -> None:
    pairs = [('[{"a": {"b": 1, "b": 2}}]', ("x",)), ('{"a": {"b": 1}, "c": {"b": 1}}', ("x",))]

    assert value(build_metric("json_valid", EN), pairs) == 1.0
    assert value(build_metric("json_valid(unique_keys=true)", EN), pairs) == 0.5


def test_json_in_a_fence_is_found_by_its_step() -> None:
    metric = build_metric("json_valid(extract=json_block)", EN)

    assert value(metric, [('Sure:\n```json\n{"a": 1}\n```\nDone.', ("x",))]) == 1.0


SCHEMA = {
    "type": "object",
    "required": ["drug", "dose"],
    "properties": {"drug": {"type": "string"}, "dose": {"$ref": "#/$defs/dose"}},
    "additionalProperties": False,
    "$defs": {"dose": {"type": "number", "minimum": 0}},
}
FITTING = [
    ('{"drug": "A", "dose": 5}', 1),
    ('{"drug": "A", "dose": 5.0}', 1),
    ('{"drug": "A"}', 0),
    ('{"drug": "A", "dose": -1}', 0),
    ('{"drug": "A", "dose": "5"}', 0),
    ('{"drug": "A", "dose": 5, "unit": "mg"}', 0),
    ("[]", 0),
]


@pytest.mark.parametrize(("text", "expected"), FITTING)
def test_an_answer_fits_its_schema(text: str, expected: int) -> None:
    metric = build_metric(Spec(name="json_schema", params={"schema": SCHEMA}), EN)

    assert value(metric, [(text, ("x",))]) == expected


def test_what_is_no_json_is_told_apart_from_what_does_not_fit() -> None:
    metric = build_metric(Spec(name="json_schema", params={"schema": SCHEMA}), EN)

    none, unfit = metric.measure(items([("A, 5 mg", ("x",)), ("[]", ("x",))]))

    assert none is not None
    assert unfit is not None
    assert (none.is_extracted, unfit.is_extracted) == (False, True)


def test_a_schemas_file_lies_in_the_suites_folder(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    inline = build_metric(Spec(name="json_schema", params={"schema": SCHEMA}), EN)

    metric = build_metric("json_schema(s.json)", Setting(language="en", folder=tmp_path))

    assert value(metric, [('{"drug": "A", "dose": 5}', ("x",))]) == 1.0
    assert metric.signature == inline.signature


def test_another_schema_is_another_signature() -> None:
    one = build_metric(Spec(name="json_schema", params={"schema": SCHEMA}), EN)
    two = build_metric(Spec(name="json_schema", params={"schema": {**SCHEMA, "required": []}}), EN)

    assert one.signature != two.signature


def test_formats_are_checked_on_demand() -> None:
    schema = {"type": "string", "format": "date"}
    loose = build_metric(Spec(name="json_schema", params={"schema": schema}), EN)
    strict = build_metric(Spec(name="json_schema", params={"schema": schema, "formats": True}), EN)

    assert value(loose, [('"tomorrow"', ("x",))]) == 1.0
    assert value(strict, [('"tomorrow"', ("x",)), ('"2024-02-29"', ("x",))]) == 0.5


BAD_SCHEMAS: list[tuple[dict[str, Any], str]] = [
    ({}, "give either a file or `schema: {…}`"),
    ({"value": "a.json", "schema": {}}, "give either a file or `schema: {…}`"),
    ({"value": "nowhere.json"}, "nowhere.json: no such file"),
    ({"schema": {"type": "objct"}}, "not a valid JSON Schema: type: 'objct' is not valid"),
    ({"schema": {"pattern": "("}}, "not a valid JSON Schema: pattern"),
    ({"schema": {"$ref": "#/$defs/x"}}, "$ref '#/$defs/x' leads nowhere"),
    ({"schema": {"items": {"$ref": "https://example.org/s.json"}}}, "leads nowhere"),
    ({"schema": 3}, "parameter 'schema'"),
]


@pytest.mark.parametrize(("params", "message"), BAD_SCHEMAS)
def test_a_faulty_schema_is_told_before_anything_is_asked(
    tmp_path: Path, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build_metric(
            Spec(name="json_schema", params=params), Setting(language="en", folder=tmp_path)
        )

    assert message in str(caught.value)


def test_a_file_that_is_no_schema_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]", encoding="utf-8")
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    setting = Setting(language="en", folder=tmp_path)

    with pytest.raises(ConfigError, match=r"a\.json: a JSON Schema is an object"):
        build_metric("json_schema(a.json)", setting)
    with pytest.raises(ConfigError, match=r"b\.json: not valid JSON"):
        build_metric("json_schema(b.json)", setting)


# (answer, reference, matched fields, fields of the answer, fields of the reference)
FIELDS = [
    ('{"a": 1, "b": 2}', '{"a": 1, "b": 3}', 1, 2, 2),
    ('{"a": {"b": "X."}}', '{"a": {"b": "x"}}', 1, 1, 1),
    ('{"a": "the  cat"}', '{"a": "The Cat"}', 1, 1, 1),
    ('{"a": "the cat"}', '{"a": "cat"}', 0, 1, 1),
    ('{"a": "1.5 mg"}', '{"a": "15 mg"}', 0, 1, 1),
    ('{"a": "1,234"}', '{"a": 1234}', 0, 1, 1),
    ('{"a": "5.0"}', '{"a": 5}', 1, 1, 1),
    ('{"a": "true"}', '{"a": true}', 1, 1, 1),
    ('{"a": 1}', '{"a": true}', 0, 1, 1),
    ('{"a": null}', '{"b": null}', 0, 1, 1),
    ('{"a": []}', '{"a": []}', 1, 1, 1),
    ('{"a": {}}', '{"a": []}', 0, 1, 1),
    ('{"a": [2, 1, 1]}', '{"a": [1, 2, 3]}', 2, 3, 3),
    ('{"a": 1}', '{"a": {"b": 1}}', 0, 1, 1),
    ('{"a": 1, "a": 1}', '{"a": 1}', 1, 2, 1),
    ('{"a": 2, "a": 1}', '{"a": 1}', 1, 2, 1),
    ('[{"d": "A", "n": 1}, {"d": "B", "n": 2}]', '[{"d": "B", "n": 2}, {"d": "A", "n": 1}]', 4, 4, 4),
    ('[{"d": "A", "n": 2}, {"d": "B", "n": 1}]', '[{"d": "B", "n": 2}, {"d": "A", "n": 1}]', 2, 4, 4),
    ("3", "3", 1, 1, 1),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "reference", "matched", "n_answer", "n_reference"), FIELDS)
def test_fields_are_counted(
    answer: str, reference: str, matched: int, n_answer: int, n_reference: int
) -> None:
    found = matrix(build_metric("json_f1", EN), [(answer, (reference,))])

    assert found.tolist() == [[matched, n_answer, n_reference]]


def test_the_corpus_value_is_micro_averaged() -> None:
    pairs = [
        ('{"a": 1}', ('{"a": 1}',)),
        ('{"a": 1, "b": 2, "c": 3}', ('{"a": 0, "b": 0, "c": 0, "d": 0}',)),
    ]

    # 1 of 4 answered and 1 of 5 wanted fields.
    assert value(build_metric("json_f1", EN), pairs) == pytest.approx(2 / 9)
    assert value(build_metric("json_f1(part=precision)", EN), pairs) == 1 / 4
    assert value(build_metric("json_f1(part=recall)", EN), pairs) == 1 / 5


def test_an_answer_that_is_no_json_misses_all_fields() -> None:
    metric = build_metric("json_f1", EN)

    (found,) = metric.measure(items([("A, 5 mg", ('{"drug": "A", "dose": 5}',))]))

    assert found is not None
    assert (found.stats, found.is_extracted) == ((0.0, 0.0, 2.0), False)
    assert metric.measure(items([("{}", ("no JSON",))])) == [None]
    assert metric.reduce(matrix(metric, [("x", ("{}",))])[0]) == 0.0


def test_the_best_reference_counts() -> None:
    metric = build_metric("json_f1", EN)

    assert value(metric, [('{"a": 1}', ('{"a": 2, "b": 1}', '{"a": 1}'))]) == 1.0


def test_types_and_order_count_on_demand() -> None:
    pairs = [('{"a": "5", "b": [1, 2]}', ('{"a": 5, "b": [2, 1]}',))]

    assert value(build_metric("json_f1", EN), pairs) == 1.0
    assert value(build_metric("json_f1(types=strict)", EN), pairs) == pytest.approx(2 / 3)
    assert value(build_metric("json_f1(arrays=ordered)", EN), pairs) == pytest.approx(1 / 3)


def test_chinese_texts_are_compared_as_chinese() -> None:
    metric = build_metric("json_f1", Setting(language="zh"))
    pairs = [
        ('{"药": "阿莫西林。", "剂量": "５００ ｍｇ"}', ('{"药": "阿莫西林", "剂量": "500mg"}',))
    ]

    assert value(metric, pairs) == 1.0


values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab药1 .", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
matchings = st.builds(
    Matching,
    language=st.sampled_from(["en", "zh"]),
    arrays=st.sampled_from(["multiset", "ordered"]),
    types=st.sampled_from(["loose", "strict"]),
)


@given(one=values, matching=matchings)
def test_a_value_matches_itself_in_all_its_fields(one: Any, matching: Matching) -> None:
    assert count_matches(one, one, matching) == count_fields(one)


@given(one=values, two=values, matching=matchings)
def test_matches_are_the_same_from_both_sides_and_never_more_than_fields(
    one: Any, two: Any, matching: Matching
) -> None:
    found = count_matches(one, two, matching)

    assert found == count_matches(two, one, matching)
    assert 0 <= found <= min(count_fields(one), count_fields(two))


@given(listed=st.lists(values, max_size=4), rng=st.randoms(use_true_random=False))
def test_the_order_of_an_array_does_not_matter(listed: list[Any], rng: Any) -> None:
    mixed = list(listed)
    rng.shuffle(mixed)

    matching = Matching(language="en")
    assert count_matches(mixed, listed, matching) == count_fields(listed)


@given(answer=st.text(max_size=30))
def test_no_answer_breaks_the_json_metrics(answer: str) -> None:
    for spec in ("json_valid", "json_f1", Spec(name="json_schema", params={"schema": SCHEMA})):
        assert 0.0 <= value(build_metric(spec, EN), [(answer, ('{"a": 1}',))]) <= 1.0
