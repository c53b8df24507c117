"""What a check of a gold set has to say, and in which lines of the file the items stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.config import read_jsonl
from harness.errors import GoldError
from harness.suite import Suite

Severity = Literal["error", "warning", "note"]
""""error": some number would be wrong; "warning": probably a fault; "note": know this."""
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found."""

    severity: Severity
    kind: str
    """Name of the rule, such as "contradiction"; stable, for scripts."""
    text: str
    mend: str
    """What to do about it."""
    items: tuple[tuple[str, ...], ...] = ()
    """Ids of the gold items; those that belong together (a pair) stand in one group."""


def lines_of(suite: Suite) -> Mapping[str, int]:
    """Return the line of each gold item in its file, by id; nothing when no file holds them."""
    file = suite.file.parent / suite.config.gold
    if not file.is_file():
        return {}
    return {str(line.value.get("id")): line.number for line in read_jsonl(file, GoldError)}


def line_of(gold_id: str, lines: Mapping[str, int]) -> int | None:
    """Return an item's line; an item made of one turn of a dialogue has the dialogue's."""
    return lines.get(gold_id) or lines.get(gold_id.partition("#")[0])


def sorted_findings(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return findings, the gravest first, otherwise in the order they were made."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def spelled(finding: Finding, lines: Mapping[str, int], *, most: int) -> str:
    """Return the items with their lines: `a (line 3) = b (line 9), c (line 12), … 4 more`."""
    groups = [
        " = ".join(
            f"{gold_id} (line {number})" if (number := line_of(gold_id, lines)) else gold_id
            for gold_id in group[:5]
        )
        for group in finding.items[:most]
    ]
    more = len(finding.items) - most
    return ", ".join(groups) + (f", … {more} more" if more > 0 else "")


def as_json(finding: Finding, lines: Mapping[str, int]) -> dict[str, object]:
    """Return a finding for machines."""
    groups = [
        [{"id": gold_id, "line": line_of(gold_id, lines)} for gold_id in group]
        for group in finding.items
    ]
    return {
        "severity": finding.severity,
        "kind": finding.kind,
        "text": finding.text,
        "mend": finding.mend,
        "items": groups,
    }
