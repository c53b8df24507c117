"""Record a finished demo study for the tests: `python scripts/record_demo.py runs`.

Everything but the weights and the training rows goes to tests/data/demo, so that gates, boards and
pages are tested on what a real model said. To be done again when a gold set of the demo changes.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "data" / "demo"
BOOKS = ("manifest.json", "events.jsonl", "mask-ledger.json", "summary.json")


def main(runs: Path) -> None:
    """Copy the runs, gold sets and books that the demo's result names."""
    study = Path("studies", "demo")
    result = json.loads((runs / study / "result.json").read_text(encoding="utf-8"))
    shutil.rmtree(TARGET, ignore_errors=True)
    _copy(runs, study / "result.json")
    for suite in result["suites"]:
        _copy(runs, Path(suite["gold_file"]))
    for variant in result["variants"]:
        for cell in variant["cells"]:
            for name in ("manifest.json", "completions.jsonl", "events.jsonl"):
                _copy(runs, Path(cell["folder"], name))
        if variant["training_folder"]:
            for name in BOOKS:
                _copy(runs, Path(variant["training_folder"], name))
    print(f"{sum(f.stat().st_size for f in TARGET.rglob('*') if f.is_file()) / 1024:.0f} KiB")


def _copy(runs: Path, path: Path) -> None:
    """Copy a text file; where the runs lay is nobody's business."""
    text = (runs / path).read_text(encoding="utf-8").replace(f"{runs.resolve()}/", "")
    (TARGET / path).parent.mkdir(parents=True, exist_ok=True)
    (TARGET / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
