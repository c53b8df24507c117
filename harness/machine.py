"""What this machine offers: cores, memory, accelerator, disk; read without heavy imports."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Resources that decide engine settings."""

    cores: int
    memory_bytes: int
    """Total memory, or the container's limit when that is lower."""
    available_bytes: int
    gpus: tuple[str, ...]
    """Names of NVIDIA devices; empty on a CPU machine."""


@cache
def this_machine() -> Machine:
    """Measure once per process."""
    total, available = _memory()
    return Machine(
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1,
        memory_bytes=total,
        available_bytes=available,
        gpus=_gpus(),
    )


def peak_rss_bytes(*, children: bool = False) -> int:
    """Return the largest resident size of this process (or of its largest finished child)."""
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(who).ru_maxrss * unit


def free_disk_bytes(folder: Path) -> int:
    """Return the free space of the disk that holds `folder` (or its nearest existing parent)."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _memory() -> tuple[int, int]:
    values: dict[str, int] = {}
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, amount = line.split(":")
            values[name] = int(amount.split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return pages, pages
    total, available = values["MemTotal"], values.get("MemAvailable", values["MemFree"])
    limit = _container_limit()
    return (min(total, limit), min(available, limit)) if limit else (total, available)


def _container_limit() -> int | None:
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        return int(text)
    except (OSError, ValueError):
        return None


def _gpus() -> tuple[str, ...]:
    if shutil.which("nvidia-smi") is None:
        return ()
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(done.stdout.split("\n")[:-1]) if done.returncode == 0 else ()
