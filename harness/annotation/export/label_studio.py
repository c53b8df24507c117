"""Tasks with their ratings for Label Studio, with the labelling interface that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from harness.annotation.export.rows import ExportedItem, SessionExport
from harness.metrics.ratings import RatedAnswer

SIDES = ("a", "b")


def label_studio(export: SessionExport) -> list[dict[str, Any]]:
    """Return one task for each item that people rate; unrated ones too, so it can go on there."""
    rated: dict[str, dict[str, list[RatedAnswer]]] = {}
    for row in export.rows:
        if row.is_current and row.occurrence == 0 and row.source in {"raters", "import"}:
            rated.setdefault(row.item_key, {}).setdefault(row.rater, []).append(row)
    return [
        {
            "data": {
                "item_key": item.key,
                "prompt": item.prompt,
                **{f"answer_{SIDES[n]}": answer.shown for n, answer in enumerate(item.answers)},
            },
            "annotations": [
                {
                    "completed_by": {"email": f"{rater}@tunemark.invalid"},
                    "result": _results(item, rows),
                }
                for rater, rows in sorted(rated.get(item.key, {}).items())
            ],
        }
        for item in export.items
        if item.source == "raters"
    ]


def interface(export: SessionExport) -> str:
    """Return the labelling configuration (XML) that fits the tasks."""
    is_pair = export.kind != "likert"
    lines = ["<View>", '  <Text name="prompt" value="$prompt"/>']
    for side in SIDES[: 2 if is_pair else 1]:
        lines.append(f'  <Text name="answer_{side}" value="$answer_{side}"/>')
        for name, (_, high) in export.scales.items():
            lines.append(
                f'  <Rating name={quoteattr(f"{name}_{side}")} toName="answer_{side}" '
                f'maxRating="{high}"/>'
            )
    if is_pair:
        lines.append(
            '  <Choices name="preference" toName="prompt" choice="single">'
            '<Choice value="a"/><Choice value="b"/><Choice value="tie"/>'
            '<Choice value="both_bad"/></Choices>'
        )
    return "\n".join([*lines, "</View>"]) + "\n"


def _results(item: ExportedItem, rows: Sequence[RatedAnswer]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    by_answer = {row.answer: row for row in rows}
    for side, answer in zip(SIDES, item.answers, strict=False):
        row = by_answer.get(answer.digest)
        if row is None:
            continue
        results += [
            _result("rating", f"{name}_{side}", f"answer_{side}", {"rating": value})
            for name, value in row.values.items()
        ]
        if row.preference is not None and side == "a":
            told = row.preference.outcome
            chosen = {"win": "a", "loss": "b"}.get(told, told)
            results.append(_result("choices", "preference", "prompt", {"choices": [chosen]}))
    return results


def _result(kind: str, name: str, to: str, value: Mapping[str, object]) -> dict[str, Any]:
    return {"type": kind, "from_name": name, "to_name": to, "value": dict(value)}
