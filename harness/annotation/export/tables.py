"""Ratings as JSON Lines, as a wide CSV and as Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from harness.annotation.export.rows import SessionExport
from harness.digest import canonical_json
from harness.errors import MissingExtraError
from harness.metrics.ratings import FOLDER, RatedAnswer
from harness.store import write_text

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a cell for a formula, and runs it (OWASP, "CSV Injection")."""
PLAIN = (
    "session", "rating", "item_key", "item", "run", "answer", "rater", "kind", "source", "severity",
    "comment", "confidence", "occurrence", "revision", "is_current", "is_surplus", "is_excluded",
    "position", "active_ms", "elapsed_ms", "locale", "origin", "rated_at", "gold_digest",
    "guideline_digest",
)  # fmt: skip
PREFERENCE = ("outcome", "strength", "against", "against_answer", "side")


def jsonl(export: SessionExport) -> str:
    """Return one line for each rating, answer and run: what the gate and the metric read."""
    return "".join(canonical_json(row.model_dump(mode="json")) + "\n" for row in export.rows)


def wide(export: SessionExport) -> list[dict[str, object]]:
    """Return flat rows: a column for each scale and tag."""
    scales = list(export.scales)
    tags = sorted({tag for row in export.rows for tag in row.tags})
    rows: list[dict[str, object]] = []
    for one in export.rows:
        fields = one.model_dump(mode="json")
        row: dict[str, object] = {name: fields[name] for name in PLAIN}
        told = fields["preference"] or {}
        row |= {f"preference.{name}": told.get(name) for name in PREFERENCE}
        for name in scales:
            row[f"value.{name}"] = "cannot judge" if name in one.cannot_judge else None
            row[f"value.{name}"] = one.values.get(name, row[f"value.{name}"])
        row |= {f"tag.{tag}": one.tags.get(tag) for tag in tags}
        rows.append(row)
    return rows


def csv_text(export: SessionExport) -> str:
    """Return a table for spreadsheets; no cell can act as a formula."""
    rows = wide(export)
    names = list(rows[0]) if rows else list(PLAIN)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[neutral(row[name]) for name in names] for row in rows])
    return "\ufeff" + out.getvalue()  # by this mark Excel knows UTF-8


def neutral(value: object) -> object:
    """Return a cell that a spreadsheet shows and never computes."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return "" if value is None else value


def parquet(export: SessionExport, file: Path) -> None:
    """Write the same columns as Parquet.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("Parquet", "reports") from None
    rows = [
        {
            name: str(v) if name.startswith("value.") and v is not None else v
            for name, v in r.items()
        }
        for r in wide(export)
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), file)


def write_beside_runs(export: SessionExport, runs: Path) -> list[Path]:
    """Write each run's ratings into its folder, where metrics look for them; return the files.

    Args:
        export: Of an unblinded session.
        runs: Folder of all runs.
    """
    by_run: dict[str, list[RatedAnswer]] = {}
    for row in export.rows:
        if row.kind == "plain" and row.run:
            by_run.setdefault(row.run, []).append(row)
    return [_write(rows, runs / export.suite / run, export.name) for run, rows in by_run.items()]


def _write(rows: Sequence[RatedAnswer], folder: Path, name: str) -> Path:
    file = folder / FOLDER / f"{name}.jsonl"
    write_text(file, "".join(canonical_json(row.model_dump(mode="json")) + "\n" for row in rows))
    return file
