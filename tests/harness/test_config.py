from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from harness.config import load_yaml, read_jsonl
from harness.errors import ConfigError, GoldError
from harness.types import Record


class Inner(Record):
    size: int = Field(default=1, gt=0)


class Outer(Record):
    name: str
    inner: Inner = Inner()
    many: dict[str, Inner] = {}
    some: tuple[Inner, ...] = ()


FAULTS = {
    "unknown key with the nearest one": ("name: a\ninnre: {}\n", ":2: unknown key 'innre' (did you mean 'inner'?)"),
    "unknown nested key": ("name: a\ninner:\n  size: 1\n  sise: 2\n", ":4: unknown key 'inner.sise' (did you mean 'size'?)"),
    "unknown key inside a mapping": ("name: a\nmany:\n  x:\n    sizes: 2\n", ":4: unknown key 'many.x.sizes' (did you mean 'size'?)"),
    "unknown key inside a list": ("name: a\nsome:\n- size: 1\n- siz: 2\n", ":4: unknown key 'some.1.siz' (did you mean 'size'?)"),
    "a key that looks like a type": ("name: a\nstr: 1\n", ":2: unknown key 'str'"),
    "missing key": ("inner: {}\n", ":1: missing key 'name'"),
    "wrong type": ("name: a\ninner:\n  size: big\n", ":3: inner.size: input should be a valid integer"),
    "out of range": ("name: a\ninner:\n  size: 0\n", ":3: inner.size: input should be greater than 0, got 0"),
    "unclosed bracket": ("name: [a\nb: c\n", ":2: this is not valid YAML"),
    "tab indentation": ("name: a\ninner:\n\tsize: 1\n", ":3: this is not valid YAML"),
    "repeated key": ("name: a\nname: b\n", ":2: key 'name' appears twice"),
    "repeated nested key": ("name: a\ninner:\n  size: 1\n  size: 2\n", ":4: key 'size' appears twice"),
    "a list at the top": ("- a\n", "expected `key: value` lines, got a list"),
    "text at the top": ("hello\n", "expected `key: value` lines, got text"),
    "empty": ("", "expected `key: value` lines, got nothing"),
    "comments only": ("# nothing\n", "expected `key: value` lines, got nothing"),
    "two documents": ("name: a\n---\nname: b\n", "not valid YAML"),
    "python object": ("name: !!python/object:os.system x\n", "not valid YAML"),
    "an impossible date": ("name: 2024-13-45\n", "not valid YAML"),
    "an endless alias": ("name: &a [*a]\n", "bad.yaml"),
    "a number as key": ("name: a\n1: b\n", "bad.yaml:"),
    "a list as key": ("name: a\n? [b]\n: c\n", "bad.yaml:"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_a_yaml_fault_names_its_file_line_and_mend(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_yaml(file, Outer)

    assert str(caught.value).startswith(str(file))
    assert message in str(caught.value)


def test_a_deeply_nested_yaml_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text("name: " + "[" * 5000, encoding="utf-8")

    with pytest.raises(ConfigError, match=r"deep\.yaml"):
        load_yaml(file, Outer)


def test_a_missing_file_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").touch()

    with pytest.raises(ConfigError, match=r"studdy\.yaml: no such file \(did you mean 'study"):
        load_yaml(tmp_path / "studdy.yaml", Outer)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this is a folder"):
        load_yaml(tmp_path, Outer)


def test_a_file_that_is_not_utf8_is_refused_with_the_byte(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"name: caf\xe9\n")

    with pytest.raises(ConfigError, match=r"not UTF-8 text \(byte 9\); save it as UTF-8"):
        load_yaml(file, Outer)


def test_a_utf16_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "wide.yaml"
    file.write_text("name: a\n", encoding="utf-16")

    with pytest.raises(ConfigError, match="not UTF-8"):
        load_yaml(file, Outer)


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: a\n")

    assert load_yaml(file, Outer).name == "a"


def test_windows_line_ends_are_read(tmp_path: Path) -> None:
    file = tmp_path / "crlf.yaml"
    file.write_bytes(b"name: a\r\ninner:\r\n  size: 3\r\n")

    assert load_yaml(file, Outer).inner.size == 3


JSONL_FAULTS = {
    "repeated key": ('{"id": 1}\n{"id": 2, "in": {"a": 1, "a": 2}}\n', ":2: key 'a' appears twice"),
    "not JSON": ('{"a": 1}\n{"a": \n', ":2: this line is not valid JSON"),
    "a list": ('{"a": 1}\n\n[1]\n', ":3: expected a JSON object, got a list"),
    "text": ('"a"\n', ":1: expected a JSON object, got text"),
    "null": ("null\n", ":1: expected a JSON object, got nothing"),
    "pretty-printed": ('{\n "a": 1\n}\n', ":1: this line is not valid JSON"),
    "nested too deeply": ("[" * 100_000 + "\n", ":1: this line is not valid JSON"),
    "an endless number": ('{"a": ' + "1" * 5000 + "}\n", ":1: this line is not valid JSON"),
}


@pytest.mark.parametrize(("text", "message"), JSONL_FAULTS.values(), ids=JSONL_FAULTS)
def test_a_json_lines_fault_names_its_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(GoldError) as caught:
        list(read_jsonl(file, GoldError))

    assert str(caught.value).startswith(f"{file}{message}")


def test_blank_lines_are_skipped_and_still_counted(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('\n{"a": 1}\n  \n{"a": 2}', encoding="utf-8")

    assert [(line.number, line.value["a"]) for line in read_jsonl(file, GoldError)] == [
        (2, 1),
        (4, 2),
    ]


def test_a_line_separator_inside_a_json_text_is_not_a_line_end(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"a": "x\u2028y\x85z"}\n', encoding="utf-8")

    assert [line.value["a"] for line in read_jsonl(file, GoldError)] == ["x\u2028y\x85z"]
