"""`tunemark vocab` and `tunemark import-training` from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness import cli
from tests.finetune.importers.test_importers import AXOLOTL, LLAMA_FACTORY
from tests.harness.cli.support import Done

TEXT = "Take Xylophrenol twice. The Xylophrenol helps.\n服用维洛林片。\n" * 4


@pytest.fixture
def tunemark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["tunemark", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.txt"
    file.write_text(TEXT, encoding="utf-8")
    return file


def test_an_audits_candidates_are_what_add_takes(
    tunemark: Callable[..., Done], model_folder: Path, texts: Path, tmp_path: Path
) -> None:
    tokens, grown = tmp_path / "tokens.txt", tmp_path / "grown"

    done = tunemark(
        "vocab", "audit", model_folder, "--texts", texts, "--out", tokens, "--candidates", 3
    )
    assert done.code == 0, done.err
    assert "' Xylophrenol'" in done.out
    assert len(tokens.read_text(encoding="utf-8").splitlines()) == 3

    done = tunemark("vocab", "add", model_folder, "--tokens", tokens, "--out", grown)
    assert done.code == 0, done.err
    assert "3 tokens added" in done.out
    again = json.loads(tunemark("vocab", "audit", grown, "--texts", texts, "--json").out)
    before = json.loads(tunemark("vocab", "audit", model_folder, "--texts", texts, "--json").out)
    assert again["vocabulary"] == before["vocabulary"] + 3
    assert sum(f["tokens"] for f in again["fits"]) < sum(f["tokens"] for f in before["fits"])


def test_several_files_may_follow_one_option(
    tunemark: Callable[..., Done], model_folder: Path, texts: Path
) -> None:
    done = tunemark("vocab", "audit", model_folder, "--texts", texts, texts, "--json")

    latin, _ = json.loads(done.out)["fits"]
    assert latin["words"] == 2 * 4 * 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vocab", "audit", "no-such-model", "--texts", "x.txt"), "x.txt: no such file"),
        (("vocab", "add", "no-such-model", "--tokens", "x.txt", "--out", "o"), "x.txt: no such"),
        (("import-training", "x.yaml", "--from", "axolotl"), "x.yaml: no such file"),
        (("import-training", "x.yaml", "--from", "axolot"), "did you mean 'axolotl'"),
    ],
)
def test_wrong_input_is_told_in_one_message(
    arguments: tuple[str, ...],
    message: str,
    tunemark: Callable[..., Done],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)

    done = tunemark(*arguments)

    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_an_imported_file_is_written_and_told_of(
    tunemark: Callable[..., Done], tmp_path: Path
) -> None:
    theirs, ours = tmp_path / "theirs.yaml", tmp_path / "ours.yaml"
    theirs.write_text(LLAMA_FACTORY + "frobnicate: 3\n", encoding="utf-8")

    done = tunemark("import-training", theirs, "--from", "llama-factory", "--out", ours)

    assert done.code == 0, done.err
    for words in ("differs here: max_samples", "ignored (no effect on what is learnt): do_train",
                  "NOT UNDERSTOOD, look at them: frobnicate", f"Written to {ours}"):  # fmt: skip
        assert words in done.out
    assert yaml.safe_load(ours.read_text(encoding="utf-8"))["train"]["batch"] == 8


def test_imported_settings_are_given_as_json_too(
    tunemark: Callable[..., Done], tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs.yml"
    theirs.write_text(AXOLOTL, encoding="utf-8")

    found = json.loads(tunemark("import-training", theirs, "--from", "axolotl", "--json").out)

    assert found["model"] == "NousResearch/Meta-Llama-3-8B-Instruct"
    assert found["train"]["lora"]["r"] == 32
    assert "load_in_8bit" in found["changed"]
    assert found["unknown"] == []
