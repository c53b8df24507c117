from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError, InputError
from harness.spec import Spec, call_with, parse_specs

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_./-]{0,8}", fullmatch=True)
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
texts = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "13a",
        "1e5",
        "no",
        "null",
        "2020-01-01",
        "a=b",
        "a,b",
        "(",
        '"',
        "\\",
        "\x85",
        "NaN",
        "{x",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
specs = st.builds(Spec, name=names, params=st.dictionaries(keys, values, max_size=3))


@given(spec=specs)
def test_the_label_gives_the_spec_back(spec: Spec) -> None:
    assert Spec.model_validate(spec.label) == spec


@given(spec=specs)
def test_what_is_stored_gives_the_spec_back(spec: Spec) -> None:
    assert Spec.model_validate(spec.model_dump(mode="json")) == spec


@given(listed=st.lists(specs, max_size=4))
def test_a_list_on_one_line_gives_the_specs_back(listed: list[Spec]) -> None:
    assert parse_specs(",".join(spec.label for spec in listed)) == tuple(listed)


FORMS = [
    ("bleu", "bleu", {}),
    ("bleu()", "bleu", {}),
    (" bleu ( tokenize = intl , lowercase = true ) ", "bleu", {"tokenize": "intl", "lowercase": True}),
    ('regex("#### (.*)")', "regex", {"value": "#### (.*)"}),
    ('regex("a,b)",group=1)', "regex", {"value": "a,b)", "group": 1}),
    ('after(["答案：", "####"])', "after", {"value": ["答案：", "####"]}),
    ("numeric_match(relative=1e-05)", "numeric_match", {"relative": 1e-05}),
    ({"bleu": {"tokenize": "intl"}}, "bleu", {"tokenize": "intl"}),
    ({"regex": "#### (.*)"}, "regex", {"value": "#### (.*)"}),
    ({"bleu": None}, "bleu", {}),
    ({"after": ["a", "b"]}, "after", {"value": ["a", "b"]}),
]  # fmt: skip


@pytest.mark.parametrize(("form", "name", "params"), FORMS, ids=[str(form[0]) for form in FORMS])
def test_every_way_of_writing_is_read(form: object, name: str, params: dict[str, Any]) -> None:
    spec = Spec.model_validate(form)

    assert (spec.name, spec.params) == (name, params)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bleu(", "is not a name or name(key=value"),
        ("13a", "is not a name"),
        ("bleu(tokenize=[a)", "cannot be read; quote it"),
        ("bleu(a: b: c)", "cannot be read; quote it"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, message: str) -> None:
    with pytest.raises(InputError, match=r"^'") as caught:
        parse_specs(text)

    assert message in str(caught.value)


def made(
    first: object, *, kind: Literal["a", "b"] = "a", size: int = 1, marks: tuple[str, ...] = ()
) -> tuple[object, ...]:
    return first, kind, size, marks


def test_parameters_arrive_in_their_own_types() -> None:
    spec = Spec.model_validate("made(kind=b,size=3,marks=[x])")

    assert call_with(made, "first", spec, kind="metric") == ("first", "b", 3, ("x",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("made(sise=3)", "metric 'made' has no parameter 'sise' (did you mean 'size'?); it has: kind, size, marks"),
        ("made(3)", "metric 'made' has no parameter a value; it has"),
        ("made(kind=c)", "metric 'made': parameter 'kind': Input should be 'a' or 'b'"),
        ("made(size=big)", "metric 'made': parameter 'size': Input should be a valid integer"),
        ("made(marks=[1])", "metric 'made': parameter 'marks.0': Input should be a valid string"),
        ("made(first=1)", "metric 'made' has no parameter 'first'"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_told_with_what_fits(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        call_with(made, "first", Spec.model_validate(text), kind="metric")

    assert str(caught.value).startswith(message)


def test_a_missing_parameter_is_told() -> None:
    def needs(first: object, *, value: str) -> object:
        return first, value

    with pytest.raises(ConfigError, match="parameter 'value'"):
        call_with(needs, "first", Spec(name="needs"), kind="step")
