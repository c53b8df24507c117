"""Write constraints-<device>.txt from this environment; run by `make lock`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from setup_env import ROOT, STAND_INS, detect_device


def main() -> None:
    """Freeze everything but Tunemark itself and the stand-ins; drop local version labels."""
    command = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    frozen = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    skipped = {*STAND_INS, "pip", "tunemark"}
    lines: list[str] = []
    for line in frozen.splitlines():
        name, _, version = line.partition("==")
        if version and name.lower() not in skipped:
            lines.append(f"{name}=={re.sub(r'[+].*', '', version)}")
    device = detect_device()
    header = f"# What CI installs for {device}, Python {sys.version_info.major}."
    header += f"{sys.version_info.minor}; made by `make lock`.\n"
    target = Path(ROOT) / f"constraints-{device}.txt"
    target.write_text(header + "\n".join(sorted(lines, key=str.lower)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
