"""`tunemark data`, as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.cli.data import DATA_VERBS
from tests.harness.cli.support import Done

Tunemark = Callable[..., Done]


def alpaca(instruction: str, output: str, **more: Any) -> dict[str, Any]:
    return {"instruction": instruction, "input": "", "output": output, **more}


def write(file: Path, rows: Sequence[dict[str, Any]]) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    file.write_text("".join(lines), encoding="utf-8")
    return file


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_help_lists_every_verb(tunemark: Tunemark) -> None:
    done = tunemark("data", "--help")

    assert [verb for verb in DATA_VERBS if f"  {verb} " not in done.out] == []


def test_converting_there_and_back_gives_the_same_rows(tunemark: Tunemark, tmp_path: Path) -> None:
    rows = [alpaca("概括。", "好。", id=1), {"instruction": "a\n\nb", "input": "c", "output": "d"}]
    start = write(tmp_path / "a.jsonl", rows)

    there = tunemark("data", "convert", start, tmp_path / "b.json.gz", "--to", "sharegpt")
    back = tunemark(
        "data", "convert", tmp_path / "b.json.gz", tmp_path / "c.jsonl", "--to", "alpaca"
    )

    assert (there.code, back.code) == (0, 0)
    assert "2 rows" in there.out
    assert read(tmp_path / "c.jsonl") == rows


def test_a_table_that_loses_types_says_so(tunemark: Tunemark, tmp_path: Path) -> None:
    start = write(tmp_path / "a.jsonl", [alpaca("a", "b", id=1)])

    done = tunemark("data", "convert", start, tmp_path / "a.csv", "--to", "messages")

    assert done.code == 0
    assert "1 row read back differently" in done.err


def test_an_ambiguous_file_is_refused_until_its_format_is_named(
    tunemark: Tunemark, tmp_path: Path
) -> None:
    start = write(tmp_path / "a.jsonl", [alpaca("a", "b", text="c")])
    command = ("data", "convert", start, tmp_path / "b.jsonl", "--to", "messages")

    refused = tunemark(*command)
    done = tunemark(*command, "--format", "alpaca")

    assert refused.code == 2
    assert "fit several formats: alpaca, text; say which with --format alpaca" in refused.err
    assert done.code == 0
    assert read(tmp_path / "b.jsonl")[0]["text"] == "c"


def test_the_input_is_never_written_over(tunemark: Tunemark, tmp_path: Path) -> None:
    start = write(tmp_path / "a.jsonl", [alpaca("a", "b")])

    assert tunemark("data", "convert", start, start, "--to", "messages").code == 2
    assert tunemark("data", "clean", start, start).code == 2


@pytest.mark.parametrize(
    ("rows", "code", "strict"),
    [
        ([alpaca("a?", "b")], 0, 0),
        ([alpaca("a?", "b"), alpaca("a?", "b")], 0, 2),
        ([alpaca("a?", "")], 2, 2),
    ],
)
def test_check_fails_on_errors_and_strictly_on_warnings(
    tunemark: Tunemark, tmp_path: Path, rows: list[dict[str, Any]], code: int, strict: int
) -> None:
    file = write(tmp_path / "a.jsonl", rows)

    assert tunemark("data", "check", file).code == code
    assert tunemark("data", "check", file, "--strict").code == strict


def test_check_tells_machines_all_it_found(tunemark: Tunemark, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [alpaca("a?", "b" * 400), alpaca("好吗？", "")])

    done = tunemark("data", "check", file, "--max-tokens", 50, "--json")

    found = json.loads(done.out)
    assert done.code == 2
    assert found["formats"] == {str(file): "alpaca"}
    assert found["languages"] == {"en": 1, "zh": 1}
    assert found["truncation"]["answers_torn"] == 1
    assert found["counts"] == {"error": 1, "warning": 2, "note": 0}
    assert found["findings"][0]["rows"] == [[f"{file}:2"]]


def test_check_prints_findings_with_what_to_do(tunemark: Tunemark, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [alpaca("a?", "b"), alpaca("c?", "d<br>")])

    out = tunemark("data", "check", file).out

    assert "! warning  markup: 1 row has marks of a chat template or HTML" in out
    assert f"{file}:2" in out
    assert "0 errors, 1 warnings, 0 notes." in out


def test_a_template_needs_a_tokenizer(tunemark: Tunemark, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [alpaca("a?", "b")])

    done = tunemark("data", "check", file, "--template", "chatml")

    assert done.code == 2
    assert "give --tokenizer MODEL too" in done.err


def test_clean_accounts_for_every_row(tunemark: Tunemark, tmp_path: Path) -> None:
    rows = [alpaca("a?", "b"), alpaca("A?", "b."), alpaca("c?", ""), alpaca("d?", "itâ€™s")]
    start, out = write(tmp_path / "a.jsonl", rows), tmp_path / "out.jsonl"

    done = tunemark("data", "clean", start, out)

    assert "4 rows, 2 kept" in done.out
    assert read(out) == [rows[0], alpaca("d?", "it’s")]
    assert [(row["rule"], row["row"]) for row in read(tmp_path / "out.jsonl.dropped.jsonl")] == [
        ("duplicate", rows[1]),
        ("empty", rows[2]),
    ]
    assert [row["before"] for row in read(tmp_path / "out.jsonl.changed.jsonl")] == [rows[3]]


def test_rules_are_switched_by_flags_and_files(tunemark: Tunemark, tmp_path: Path) -> None:
    refusal = alpaca("a?", "Sorry, I can't help with that.")
    start = write(tmp_path / "a.jsonl", [refusal, alpaca("c?", "d<br>"), alpaca("e?", "好的")])
    (tmp_path / "rules.yaml").write_text("markup: false\nlanguages: [en]\n", encoding="utf-8")
    command = ("data", "clean", start, tmp_path / "out.jsonl", "--json")

    plain = json.loads(tunemark(*command).out)["dropped"]
    flags = json.loads(tunemark(*command, "--with", "refusals", "--without", "markup").out)[
        "dropped"
    ]
    file = json.loads(tunemark(*command, "--rules", tmp_path / "rules.yaml").out)["dropped"]

    assert (plain, flags, file) == ({"markup": 1}, {"refusals": 1}, {"language": 1})


def test_a_misspelt_rule_is_told_with_the_nearest(tunemark: Tunemark, tmp_path: Path) -> None:
    start = write(tmp_path / "a.jsonl", [alpaca("a?", "b")])

    done = tunemark("data", "clean", start, tmp_path / "o.jsonl", "--without", "markupp")

    assert done.code == 2
    assert "unknown rule 'markupp' (did you mean 'markup'?)" in done.err


def test_a_planted_gold_item_is_found_and_dropped(
    tunemark: Tunemark, tmp_path: Path, ROOT: Path
) -> None:
    suite = ROOT / "suites" / "clinic-en"
    gold = read(suite / "gold.jsonl")
    note = next(row["input"]["note"] for row in gold if isinstance(row["input"], dict))
    start = write(tmp_path / "a.jsonl", [alpaca("Sum?", "Two."), alpaca(f"Read: {note}", "Fine.")])

    check = tunemark("data", "check", start, "--gold", suite)
    clean = tunemark("data", "clean", start, tmp_path / "out.jsonl", "--gold", suite)

    assert check.code == 2
    assert "✗ error  leaked" in check.out
    assert clean.code == 0
    assert [row["instruction"] for row in read(tmp_path / "out.jsonl")] == ["Sum?"]


def test_built_rows_are_written_with_their_origin(
    tunemark: Tunemark, tmp_path: Path, ROOT: Path
) -> None:
    recipe = ROOT / "suites" / "clinic-zh" / "train" / "build.yaml"

    done = tunemark("data", "build", recipe, tmp_path / "out.jsonl")

    rows = read(tmp_path / "out.jsonl")
    assert f"{len(rows)} rows" in done.out
    assert rows[0]["recipe"] == "formulary-use"


def test_a_mix_is_written_with_its_books(tunemark: Tunemark, tmp_path: Path, ROOT: Path) -> None:
    (tmp_path / "mix.yaml").write_text(
        "name: m\ntotal: 100\nsources:\n"
        f"  domain: {{path: {ROOT}/suites/clinic-en/train/build.yaml, share: 0.8}}\n"
        f"  general: {{path: {ROOT}/suites/general/train.jsonl, share: 0.2}}\n",
        encoding="utf-8",
    )

    done = tunemark("data", "mix", tmp_path / "mix.yaml", tmp_path / "out.jsonl")

    books = json.loads((tmp_path / "out.jsonl.mix.json").read_text(encoding="utf-8"))
    assert done.code == 0
    assert len(read(tmp_path / "out.jsonl")) == 100
    assert books["sources"]["general"]["rows"] == 20
    assert tunemark("data", "check", tmp_path / "out.jsonl").code == 0


def test_other_verbs_read_every_format_and_mixes(
    tunemark: Tunemark, tmp_path: Path, ROOT: Path
) -> None:
    suite = ROOT / "suites" / "clinic-en"
    gold = read(suite / "gold.jsonl")
    note = next(row["input"]["note"] for row in gold if isinstance(row["input"], dict))
    write(tmp_path / "a.jsonl", [alpaca(f"Read: {note}", "Fine.")])
    tunemark("data", "convert", tmp_path / "a.jsonl", tmp_path / "a.csv", "--to", "sharegpt")
    (tmp_path / "mix.yaml").write_text(
        "name: m\nsources: {a: {path: a.csv, share: 1}}\n", encoding="utf-8"
    )

    table = tunemark("contamination", suite, tmp_path / "a.csv", "--strict")
    mix = tunemark("contamination", suite, tmp_path / "mix.yaml", "--strict")
    check = tunemark("check", tmp_path / "mix.yaml")

    assert (table.code, mix.code) == (1, 1)
    assert "a.csv:2" in mix.out
    assert "1 training rows" in check.out
