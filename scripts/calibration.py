"""Measure how well the statistics keep their word; write docs/calibration.json and its tables.

Run: python scripts/calibration.py (some five minutes on two cores). `--tables` only writes the
tables of docs/statistics.md again, from the numbers that are there.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from harness.stats.tests import wilson
from scripts.simulated import scenarios
from scripts.simulated.families import Alarms, Found, false_alarms, gain_found

DOCS = Path(__file__).resolve().parent.parent / "docs"
NUMBERS = DOCS / "calibration.json"
PAGE = DOCS / "statistics.md"
BEGIN = "<!-- calibration: written by scripts/calibration.py -->\n"
END = "<!-- end of calibration -->"

SEED = 20_261_124
LOW, HIGH = 0.93, 0.97
N_PROCESSES = 2
FAMILIES: Mapping[int, int] = {40: 400, 200: 200}
"""Families by number of items."""
POWER_SIZES = (50, 100, 200, 500)
N_POWER = 1000
WILSON_RANGES: Mapping[str, tuple[float, float]] = {
    "0 to .1 (or .9 to 1)": (0.0, 0.1),
    ".1 to .5 (or .5 to .9)": (0.1, 0.5),
}
WILSON_SIZES = (10, 20, 50, 200)
UNITS = {"Clusters": "clusters", "Raters, paired": "raters", "Raters, one value": "raters"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often an interval held the truth."""

    table: str
    data: str
    n: int
    n_simulations: int
    covered: float
    too_high: float
    """Share of the intervals that lie above the truth."""
    too_low: float
    """Share of those that lie below it."""
    width: float
    """Mean width, in the metric's unit."""

    @property
    def error(self) -> float:
        """Return the Monte-Carlo standard error of `covered`, as if it were .95 at best."""
        share = min(self.covered, 0.95)
        return math.sqrt(share * (1 - share) / self.n_simulations)


def measured(key: str) -> Coverage:
    """Simulate one scenario; equal keys give equal numbers."""
    scenario = scenarios()[key]
    rng = np.random.default_rng([SEED, zlib.crc32(key.encode())])
    found = [scenario.draw(rng) for _ in range(scenario.n_simulations)]
    truth, n = scenario.truth(), scenario.n_simulations
    too_high = sum(one.low > truth for one in found)
    too_low = sum(one.high < truth for one in found)
    return Coverage(
        table=scenario.table,
        data=scenario.data,
        n=scenario.n,
        n_simulations=n,
        covered=(n - too_high - too_low) / n,
        too_high=too_high / n,
        too_low=too_low / n,
        width=round(float(np.mean([one.high - one.low for one in found])), 6),
    )


def wilson_coverage(n: int, low: float, high: float) -> dict[str, Any]:
    """Return the exact coverage of Wilson's interval over a range of proportions."""
    shares = np.linspace(low, high, 2001)[1:]
    intervals = [wilson(successes, n) for successes in range(n + 1)]
    holds = np.asarray([(one.low <= shares) & (shares <= one.high) for one in intervals])
    chances = stats.binom.pmf(np.arange(n + 1)[:, None], n, shares)
    covered = (chances * holds).sum(axis=0)
    return {
        "n": n,
        "mean": round(float(covered.mean()), 6),
        "least": round(float(covered.min()), 6),
    }


def alarm_rates(n: int) -> dict[str, Any]:
    """Return how many of the families without a difference have an alarm."""
    found = [false_alarms(np.random.default_rng([SEED, n, i]), n) for i in range(FAMILIES[n])]
    return {"n": n, "n_families": len(found), **_shares(found, Alarms)}


def power(n: int, is_binary: bool) -> dict[str, Any]:
    """Return how often a true gain is found on n items."""
    rng = np.random.default_rng([SEED, n, int(is_binary)])
    found = [gain_found(rng, n, is_binary=is_binary) for _ in range(N_POWER)]
    return {"n": n, "is_binary": is_binary, "n_simulations": N_POWER, **_shares(found, Found)}


def main() -> None:
    """Simulate everything, and write numbers and tables."""
    if "--tables" not in sys.argv:
        NUMBERS.write_text(
            json.dumps(simulate(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    numbers = json.loads(NUMBERS.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_tables(page, numbers), encoding="utf-8")


def simulate() -> dict[str, Any]:
    """Return all numbers of the page."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of the children: each has one core
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(N_PROCESSES, mp_context=context) as pool:
        alarms = [pool.submit(alarm_rates, n) for n in sorted(FAMILIES, reverse=True)]
        covered = [pool.submit(measured, key) for key in scenarios()]
        found = [pool.submit(power, n, b) for b in (True, False) for n in POWER_SIZES]
        return {
            "seed": SEED,
            "wilson": [
                {"shares": name, **wilson_coverage(n, *ends)}
                for name, ends in WILSON_RANGES.items()
                for n in WILSON_SIZES
            ],
            "coverage": [asdict(one.result()) for one in covered],
            "false_alarms": sorted((one.result() for one in alarms), key=lambda row: row["n"]),
            "power": [one.result() for one in found],
        }


def with_tables(page: str, numbers: Mapping[str, Any]) -> str:
    """Return the page's text with the tables of these numbers."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables(numbers)}\n{END}{after}"


def tables(numbers: Mapping[str, Any]) -> str:
    """Return all tables in Markdown."""
    rows = [Coverage(**row) for row in numbers["coverage"]]
    names = list(dict.fromkeys(row.table for row in rows))
    return "\n".join(
        [
            _wilson_table(numbers["wilson"]),
            *(_coverage_table(name, [r for r in rows if r.table == name]) for name in names),
            _alarm_table(numbers["false_alarms"]),
            _power_table(numbers["power"]),
        ]
    )


def mark(share: float, error: float) -> str:
    """Return a coverage in per cent, ▲ where it is surely above .97, ▼ where below .93."""
    sign = "▲" if share - 2 * error > HIGH else "▼" if share + 2 * error < LOW else ""
    return f"{100 * share:.1f}{sign}"


def _wilson_table(rows: Sequence[Mapping[str, Any]]) -> str:
    cells = {
        (row["shares"], row["n"]): f"{100 * row['mean']:.1f} ({100 * row['least']:.1f})"
        for row in rows
    }
    return _grid("Wilson: true share, mean (least)", "n", WILSON_RANGES, WILSON_SIZES, cells)


def _coverage_table(name: str, rows: Sequence[Coverage]) -> str:
    cells = {(row.data, row.n): mark(row.covered, row.error) for row in rows}
    names = list(dict.fromkeys(row.data for row in rows))
    sizes = list(dict.fromkeys(row.n for row in rows))
    return _grid(name, UNITS.get(name, "n"), names, sizes, cells)


def _grid(
    title: str,
    unit: str,
    names: Sequence[str] | Mapping[str, object],
    sizes: Sequence[int],
    cells: Mapping[tuple[str, int], str],
) -> str:
    head = " | ".join(f"{unit} = {n}" for n in sizes)
    lines = [f"| {name} | " + " | ".join(cells[name, n] for n in sizes) + " |" for name in names]
    return "\n".join([f"| {title} | {head} |", "|---|" + "---|" * len(sizes), *lines, ""])


def _alarm_table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = "| families with a false alarm, % | not corrected | Holm | max-T |\n|---|---|---|---|"
    lines = [
        f"| {row['n']} items, {row['n_families']} families | "
        + " | ".join(_percent(row[key]) for key in ("uncorrected", "holm", "max_t"))
        + " |"
        for row in rows
    ]
    return "\n".join([head, *lines, ""])


def _power_table(rows: Sequence[Mapping[str, Any]]) -> str:
    ways = {"paired": "paired", "unpaired": "unpaired (Welch)", "apart": "intervals apart"}
    lines = [
        f"| {'right or wrong' if is_binary else 'scores'}, {name} | "
        + " | ".join(_percent(row[key]) for row in rows if row["is_binary"] == is_binary)
        + " |"
        for is_binary in (True, False)
        for key, name in ways.items()
    ]
    head = " | ".join(f"n = {n}" for n in POWER_SIZES)
    return "\n".join(
        [
            f"| a true gain of .08 found, % | {head} |",
            "|---|" + "---|" * len(POWER_SIZES),
            *lines,
            "",
        ]
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _shares(found: Sequence[Any], kind: Callable[..., Any]) -> dict[str, float]:
    return {
        name: sum(getattr(one, name) for one in found) / len(found)
        for name in kind.__dataclass_fields__  # pyright: ignore[reportFunctionMemberAccess]
    }


if __name__ == "__main__":
    main()
