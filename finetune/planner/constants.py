"""The numbers that no formula gives: fitted to published measurements, and to runs on a CPU."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "constants.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """Fitted by scripts/calibrate_planner.py."""

    context_bytes: float
    """CUDA context and libraries: outside the allocator, inside what nvidia-smi shows."""
    workspace_bytes: float
    """cuBLAS workspaces, dequantised matrices and such: inside the allocator."""
    fragmentation: float
    """Share by which the allocator holds more than the moving parts need at once."""
    cpu_process_bytes: float
    """Python with torch and transformers, before any weight."""
    cpu_fragmentation: float
    """Share by which a process on a CPU keeps more than the moving parts need at once."""
    low: float
    """Measured over predicted, at the lower end of the range that is printed."""
    high: float
    """… at the upper end."""


@cache
def fitted() -> Constants:
    """Return the constants that are shipped."""
    values = json.loads(FILE.read_text(encoding="utf-8"))
    return Constants(**{field.name: float(values[field.name]) for field in fields(Constants)})
