"""Records with their responses for Argilla's feedback data sets."""

from __future__ import annotations

from typing import Any

from harness.annotation.export.rows import SessionExport
from harness.metrics.ratings import RatedAnswer

SIDES = ("a", "b")


def argilla(export: SessionExport) -> list[dict[str, Any]]:
    """Return one record for each item that people rate; unrated ones have no responses."""
    rated: dict[str, dict[str, dict[str, RatedAnswer]]] = {}
    for row in export.rows:
        if row.is_current and row.occurrence == 0 and row.source in {"raters", "import"}:
            rated.setdefault(row.item_key, {}).setdefault(row.rater, {})[row.answer] = row
    records: list[dict[str, Any]] = []
    for item in export.items:
        if item.source != "raters":
            continue
        digests = [answer.digest for answer in item.answers]
        records.append(
            {
                "external_id": item.key,
                "fields": {
                    "prompt": item.prompt,
                    **{f"answer_{SIDES[n]}": answer.shown for n, answer in enumerate(item.answers)},
                },
                "metadata": {"session": export.name},
                "responses": [
                    {"user_id": rater, "status": "submitted", "values": _values(digests, rows)}
                    for rater, rows in sorted(rated.get(item.key, {}).items())
                ],
            }
        )
    return records


def _values(digests: list[str], rows: dict[str, RatedAnswer]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for side, digest in zip(SIDES, digests, strict=False):
        row = rows.get(digest)
        if row is None:
            continue
        values |= {f"{name}_{side}": {"value": value} for name, value in row.values.items()}
        if row.preference is not None and side == "a":
            told = row.preference.outcome
            values["preference"] = {"value": {"win": "a", "loss": "b"}.get(told, told)}
        if row.comment:
            values["comment"] = {"value": row.comment}
    return values
