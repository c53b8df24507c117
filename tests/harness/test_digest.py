from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.digest import canonical_json, digest_of, file_digest, files_digest


def test_the_order_of_keys_does_not_change_a_digest() -> None:
    assert digest_of({"a": 1, "b": [2, "中"]}) == digest_of({"b": [2, "中"], "a": 1})


def test_canonical_json_is_compact_sorted_and_readable() -> None:
    assert canonical_json({"b": 1.5, "a": "中 é"}) == '{"a":"中 é","b":1.5}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        digest_of({"a": value})


def test_a_file_digest_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")

    assert file_digest(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()


def test_a_digest_of_files_depends_on_names_and_bytes_but_not_on_order(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (tmp_path / name).write_bytes(content)

    assert files_digest(tmp_path, ["a", "b"]) == files_digest(tmp_path, ["b", "a"])
    assert files_digest(tmp_path, ["a", "b"]) != files_digest(tmp_path, ["c", "b"])
