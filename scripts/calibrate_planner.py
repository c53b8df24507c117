"""Fit the planner's constants to published measurements, or judge it on a table of them.

    python scripts/calibrate_planner.py ROWS.csv            print errors, each group left out in turn
    python scripts/calibrate_planner.py ROWS.csv --write    fit, and write constants and docs table
    python scripts/calibrate_planner.py ROWS.csv --check    only judge: nothing is fitted
    python scripts/calibrate_planner.py --cpu RUNS          fit the CPU's to trainings of one's own

Columns: source, model, method, gpu, micro_batch, seq, grad_ckpt, attn, precision, optimizer,
lora_r, targets, metric, value, unit.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from finetune.planner.architecture import Architecture
from finetune.planner.constants import FILE, Constants, fitted
from finetune.planner.memory import memory_of
from finetune.planner.reading import architecture_of
from finetune.planner.runs import PREDICTION
from finetune.planner.shape import TrainingShape
from finetune.planner.sharding import Devices
from finetune.planner.stacks import STACKS
from harness.training import SUMMARY

CONFIGS = Path(__file__).resolve().parent / "published_models.json"
DOCS = Path(__file__).resolve().parent.parent / "docs" / "planner.md"
BEGIN, END = "<!-- calibration: written by scripts/calibrate_planner.py -->", "<!-- end -->"
SEQUENCES = {"alpaca": 512}
"""Datasets named in place of a length: Alpaca's rows were cut at 512 tokens."""
FITTED = ("context_bytes", "workspace_bytes", "fragmentation")
UNDER = 1.5
"""How much more an under-prediction weighs than an over-prediction: it ends a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published measurement, and what the planner is asked for it."""

    source: str
    model: str
    method: str
    label: str
    architecture: Architecture
    shape: TrainingShape
    devices: Devices
    has_context: bool
    """Whether the figure includes the CUDA context (nvidia-smi), or is the allocator's."""
    measured: float
    """Bytes on one device."""

    def predicted(self, constants: Constants) -> float:
        """Return the planner's bytes for the same figure."""
        memory = memory_of(self.architecture, self.shape, self.devices, constants=constants)
        return memory.expected if self.has_context else memory.allocated

    def error(self, constants: Constants) -> float:
        """Return (predicted − measured) / measured."""
        return self.predicted(constants) / self.measured - 1


def read_rows(file: Path) -> list[Published]:
    """Return the measurements of a table."""
    configs = json.loads(CONFIGS.read_text(encoding="utf-8"))
    with file.open(encoding="utf-8", newline="") as stream:
        return [_published(row, configs) for row in csv.DictReader(stream)]


def _published(row: dict[str, str], configs: dict[str, dict[str, object]]) -> Published:
    if row["model"] not in configs:
        raise SystemExit(f"{row['model']!r} is not in {CONFIGS.name}: add its config.json there")
    architecture = architecture_of(configs[row["model"]], where=row["model"])
    n_devices = int(re.match(r"\d+", row["gpu"]).group() if row["gpu"][:1].isdigit() else 1)  # pyright: ignore[reportOptionalMemberAccess]
    is_total = "total" in row["metric"]
    stack, stage = _stack(row, n_devices)
    unit = {"GB": 1e9, "GiB": 2**30}[row["unit"]]
    return Published(
        source=row["source"],
        model=row["model"],
        method=row["method"],
        label=f"{row['model']} {row['method']} {row['micro_batch']}x{row['seq']}",
        architecture=architecture,
        shape=_shape(row, stack),
        devices=Devices(n=n_devices, stage=stage),  # pyright: ignore[reportArgumentType]
        has_context="reserved" not in row["metric"] and "alloc" not in row["metric"],
        measured=float(row["value"]) * unit / (n_devices if is_total else 1),
    )


def _stack(row: dict[str, str], n_devices: int) -> tuple[str, int]:
    """Return what software made a row, by what its source says, and its ZeRO stage."""
    source, method = row["source"].lower(), row["method"].lower()
    if "torchtune" in source:
        return "torchtune", 0
    if "qwen v1" in source:
        if "full" in method:
            return "deepspeed", 3
        if "q-lora" in method or "qlora" in method:
            return "deepspeed-fp16", 0
        return "transformers-2023", 2 if n_devices > 1 else 0
    return "transformers", 0


def _shape(row: dict[str, str], stack: str) -> TrainingShape:
    method = row["method"].lower()
    is_full = "full" in method
    weights = "bfloat16"
    if "qlora" in method or "q-lora" in method:
        weights = "gptq-4bit" if "qwen v1" in row["source"].lower() else "nf4"
    length = re.sub(r"[^\d]", "", row["seq"])
    targets = row["targets"].strip()
    short = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "o_proj"}
    names = tuple(short.get(t.strip(), t.strip()) for t in targets.split(","))
    return TrainingShape(
        method="full" if is_full else "lora",
        micro_batch=int(row["micro_batch"]),
        sequence=int(length) if length else SEQUENCES[row["seq"]],
        weights=weights,  # pyright: ignore[reportArgumentType]
        optimizer="adamw",
        checkpointing=row["grad_ckpt"] == "on",
        attention="flash" if row["attn"].startswith("fa") else "sdpa",
        rank=int(row["lora_r"]) if row["lora_r"].isdigit() else 16,
        targets="all-linear" if targets in {"all", "-", ""} else names,
        dora="dora" in method,
        modules_to_save=("wte", "lm_head") if "(emb)" in method else (),
        stack=STACKS[stack],
    )


Group = Callable[[Published], str]
GROUPS: dict[str, Group] = {
    "model": lambda row: row.model,
    "method": lambda row: row.method,
    "source": lambda row: row.source,
}


def fit(rows: Sequence[Published], start: Constants) -> Constants:
    """Return the constants that fit best: least absolute relative error, under-prediction dearer."""

    def of(values: np.ndarray) -> Constants:
        scaled = np.abs(values) * np.array([1e9, 1e9, 0.1])
        return replace(start, **dict(zip(FITTED, map(float, scaled), strict=True)))

    def loss(values: np.ndarray) -> float:
        constants = of(values)
        errors = np.array([row.error(constants) for row in rows])
        cost = np.where(errors < 0, -UNDER * errors, errors)
        prior = np.array([0.8, 0.3, 0.5])
        return float(cost.mean() + 0.002 * np.sum((np.abs(values) - prior) ** 2))

    best = minimize(loss, [0.8, 0.3, 0.5], method="Nelder-Mead", options={"maxiter": 200})
    return of(best.x)


def left_out(rows: Sequence[Published], group: Group) -> list[float]:
    """Return each row's error under constants fitted without its group."""
    names = sorted({group(row) for row in rows})
    without = {n: fit([row for row in rows if group(row) != n], fitted()) for n in names}
    return [row.error(without[group(row)]) for row in rows]


def ranged(rows: Sequence[Published], constants: Constants) -> Constants:
    """Return the constants with a range that held for 90 % of rows whose model was left out."""
    errors = np.array(left_out(rows, GROUPS["model"]))
    ratios = 1 / (1 + errors)
    low, high = np.quantile(ratios, [0.05, 0.95])
    return replace(constants, low=round(float(low), 3), high=round(float(high), 3))


def summary(errors: Sequence[float]) -> str:
    """Say how good errors are, in the terms of the bound."""
    sizes = sorted(abs(error) for error in errors)
    p90 = sizes[min(len(sizes) - 1, round(0.9 * len(sizes)))]
    return (
        f"median {statistics.median(sizes):.1%}, 90 % below {p90:.1%}, "
        f"under by more than 10 %: {share_under(errors):.1%} of {len(errors)}"
    )


def share_under(errors: Sequence[float]) -> float:
    """Return the share of rows that were predicted more than 10 % too low."""
    return sum(error < -0.1 for error in errors) / len(errors)


def tables(rows: Sequence[Published], constants: Constants) -> str:
    """Return the documentation's tables: errors with each group left out, and all rows."""
    lines = [
        "| left out in turn | median error | 90 % below | under by > 10 % |",
        "|---|---|---|---|",
    ]
    for name, group in GROUPS.items():
        errors = left_out(rows, group)
        sizes = sorted(map(abs, errors))
        lines.append(
            f"| each {name} | {statistics.median(sizes):.1%} | "
            f"{sizes[round(0.9 * (len(sizes) - 1))]:.1%} | {share_under(errors):.1%} |"
        )
    lines += ["", "| measured | where | GB | predicted | error |", "|---|---|---|---|---|"]
    for row in rows:
        error = f"{row.error(constants):+.0%}".replace("-", "−")
        lines.append(
            f"| {row.label} | {row.source}, {row.shape.stack.name} | {row.measured / 1e9:.1f} | "
            f"{row.predicted(constants) / 1e9:.1f} | {error} |"
        )
    return "\n".join(lines)


def fit_cpu(root: Path, constants: Constants) -> Constants:
    """Return the constants with the CPU's own two, fitted to the trainings under `root`.

    Resident memory = process + what stands still + (1 + fragmentation) × what comes and goes.
    """
    still, moving, measured, names = [], [], [], []
    for file in sorted((root / "train").glob(f"*/{PREDICTION}")):
        plan = json.loads(file.read_text(encoding="utf-8"))
        summary = file.parent / SUMMARY
        if not plan["on_cpu"] or not summary.exists():
            continue
        parts = plan["components"]
        still.append(sum(parts.get(n, 0) for n in ("weights", "adapter", "gradients", "optimizer")))
        parts_of_pass = ("activations", "logits", "weight copies")
        moving.append(sum(parts.get(name, 0) for name in parts_of_pass))
        measured.append(json.loads(summary.read_text(encoding="utf-8"))["peak_bytes"])
        names.append(file.parent.name)
    s, m, y = (np.array(values, dtype=float) for values in (still, moving, measured))

    def errors(values: np.ndarray) -> np.ndarray:
        process, slack = np.abs(values)
        return (process * 1e9 + s + (1 + slack) * m) / y - 1

    def loss(values: np.ndarray) -> float:
        found = errors(values)
        return float(np.where(found < 0, -UNDER * found, found).mean())

    best = minimize(loss, [0.75, 0.5], method="Nelder-Mead", options={"maxiter": 500})
    for name, size, error in zip(names, y, errors(best.x), strict=True):
        print(f"{name:40} {size / 1e9:6.2f} GB {error:+7.1%}")
    process, slack = map(float, np.abs(best.x))
    print({"cpu_process_bytes": process * 1e9, "cpu_fragmentation": slack})
    return replace(constants, cpu_process_bytes=process * 1e9, cpu_fragmentation=slack)


def write(rows: Sequence[Published], constants: Constants) -> None:
    """Store the constants, and the tables in the documentation."""
    write_constants(constants)
    text = DOCS.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    DOCS.write_text(f"{head}{BEGIN}\n{tables(rows, fitted())}\n{END}{tail}", encoding="utf-8")


def write_constants(constants: Constants) -> None:
    """Store the constants, rounded."""
    values = {
        name: round(value) if name.endswith("bytes") else round(value, 4)
        for name, value in asdict(constants).items()
    }
    FILE.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fitted.cache_clear()


def main() -> None:
    """Judge, fit or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("table", type=Path, nargs="?")
    parser.add_argument("--cpu", type=Path, metavar="RUNS")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rows", action="store_true", help="print every row")
    options = parser.parse_args()
    constants = fitted()
    if options.cpu is not None:
        constants = fit_cpu(options.cpu, constants)
        if options.write:
            write_constants(constants)
        return
    if options.table is None:
        parser.error("give a table, or --cpu RUNS")
    rows = read_rows(options.table)
    if not options.check:
        for name, group in GROUPS.items():
            print(f"each {name} left out in turn: {summary(left_out(rows, group))}")
        constants = ranged(rows, fit(rows, constants))
        print({name: getattr(constants, name) for name in (*FITTED, "low", "high")})
    errors = [row.error(constants) for row in rows]
    print(f"{'as shipped' if options.check else 'fitted'}: {summary(errors)}")
    inside = sum(constants.low <= 1 / (1 + error) <= constants.high for error in errors)
    print(f"within the range that is printed: {inside} of {len(rows)}")
    if options.rows:
        for row, error in zip(rows, errors, strict=True):
            predicted = row.predicted(constants) / 1e9
            print(f"{row.label:48} {row.measured / 1e9:7.2f} {predicted:7.2f} {error:+7.1%}")
    if options.write:
        write(rows, constants)


if __name__ == "__main__":
    main()
