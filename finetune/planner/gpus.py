"""Memory of GPUs by name, and sizes as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.errors import ConfigError, suggestion

GIB = 2**30
GPUS: Mapping[str, float] = {
    "T4": 15.0, "P100": 16.0, "V100-16G": 16.0, "V100-32G": 32.0, "A10": 22.5, "A10G": 22.5,
    "L4": 22.5, "L40": 44.5, "L40S": 44.5, "A30": 24.0, "A40": 44.5, "A100-40G": 39.5,
    "A100-80G": 79.3, "H100": 79.6, "H100-94G": 93.6, "H200": 140.0, "B200": 178.0, "GH200": 94.5,
    "RTX3060": 12.0, "RTX3080": 10.0, "RTX3090": 23.7, "RTX4080": 15.6, "RTX4090": 23.6,
    "RTX5080": 15.6, "RTX5090": 31.4, "A4000": 15.7, "A5000": 23.7, "A6000": 47.5, "RTX6000ADA": 47.5,
}  # fmt: skip
"""GiB that CUDA reports as total, a little below the name's figure."""
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(GiB|GB|G|MiB|MB|M|TiB|TB)?\s*$", re.IGNORECASE)
_UNITS: Mapping[str, float] = {
    "gib": GIB, "gb": 1e9, "g": GIB, "mib": 2**20, "mb": 1e6, "m": 2**20, "tib": 2**40, "tb": 1e12,
}  # fmt: skip


def gpu_bytes(text: str) -> float:
    """Return the memory of a GPU given by name (A100-40G) or size (24GiB; 24 means GiB).

    Raises:
        ConfigError: neither a known name nor a size.
    """
    match = _SIZE.match(text)
    if match:
        size = float(match[1]) * _UNITS[(match[2] or "GiB").lower()]
        if size > 0:
            return size
        raise ConfigError(f"--gpu {text!r}: a GPU has more memory than that")
    plain = {_plain(name): name for name in GPUS}
    name = plain.get(_plain(text))
    if name is None:
        raise ConfigError(
            f"--gpu {text!r}: no such GPU here{suggestion(text, GPUS)}; give its memory (24GiB) or "
            f"one of: {', '.join(GPUS)}"
        )
    return GPUS[name] * GIB


def gpu_named(text: str) -> str | None:
    """Return the table's name for what a driver calls a GPU ("NVIDIA A100-SXM4-40GB")."""
    plain = _plain(text)
    found = [name for name in GPUS if _plain(name.split("-")[0]) in plain]
    sized = [name for name in found if "-" in name and name.split("-")[1].rstrip("G") in plain]
    return max(sized or found, key=len, default=None)


def _plain(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    for noise in ("nvidia", "geforce", "tesla", "gb"):
        plain = plain.replace(noise, "g" if noise == "gb" else "")
    return re.sub(r"(?<=\d)gib$", "g", plain)
