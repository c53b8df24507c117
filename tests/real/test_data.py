"""Training data with the real SmolLM2: its tokenizer, and questions that it rewords."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.real.support import tunemark

pytestmark = pytest.mark.model


def write(file: Path, n: int) -> Path:
    rows = [
        {"prompt": f"Which bus goes to stop number {i} of the line?", "completion": "The blue one."}
        for i in range(n)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_lengths_are_those_of_its_tokenizer_and_template(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", 3)

    done = tunemark("data", "check", str(file), "--tokenizer", "smollm2-135m-instruct", "--json")

    lengths = json.loads(done)["lengths"]
    assert lengths["unit"] == "tokens of smollm2-135m-instruct with template tokenizer"
    # <|im_start|> system, user and assistant turns with its default system prompt: 22 + the text
    assert 40 < lengths["min"] < 70


def test_reworded_rows_are_the_same_when_asked_again(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", 4)
    command = (
        "data", "augment", str(file), str(tmp_path / "out.jsonl"), "--how", "paraphrase",
        "--model", "smollm2-135m-instruct", "--engine", "transformers", "--dtype", "float32",
        "--max-tokens", "32", "--root", str(tmp_path / "runs"), "--json",
    )  # fmt: skip

    first = json.loads(tunemark(*command))
    rows = (tmp_path / "out.jsonl").read_text(encoding="utf-8")
    again = json.loads(tunemark(*command))

    assert first == again
    assert first["n_made"] + sum(first["dropped"].values()) == 4
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == rows
