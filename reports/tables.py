"""Arrange a study's numbers in rows for the tables of the report and the viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.advice import Confirmation
from harness.compare import Comparison
from harness.errors import StoreError
from harness.result import StudyResult, VariantResult
from harness.seeds import NoiseFloor
from harness.store import read_json
from reports import numbers
from reports.samples import Answer, Sample
from reports.words import Lang, word

FEW_REFERENCES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """One setting or cost, by configuration."""

    name: str
    cells: tuple[str, ...]
    is_different: bool
    """Whether it is a setting in which the configurations differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTable:
    """What the configurations were trained with and what it cost."""

    names: tuple[str, ...]
    rows: tuple[TrainingRow, ...]
    shared: tuple[tuple[str, str], ...]
    """Settings that all have, with their value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceCell:
    """What one configuration thought of one choice."""

    text: str
    per_byte: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRow:
    """One choice of a multiple choice item."""

    text: str
    is_right: bool
    before: ChoiceCell
    after: ChoiceCell


def by_metric(result: StudyResult, suite: str) -> list[list[Comparison]]:
    """Return a suite's comparisons grouped by metric, primary metrics first."""
    groups: dict[str, list[Comparison]] = {}
    for comparison in result.comparisons:
        if comparison.suite == suite:
            groups.setdefault(comparison.metric, []).append(comparison)
    return sorted(groups.values(), key=lambda group: not group[0].is_primary)


def training_table(result: StudyResult, lang: Lang) -> TrainingTable:
    """Return differing settings and costs as rows, and the settings that all share."""
    variants = [variant for variant in result.variants if variant.status == "complete"]
    trained = [variant for variant in variants if variant.settings]
    keys = dict.fromkeys(key for variant in trained for key in variant.settings)
    rows: list[TrainingRow] = []
    shared: list[tuple[str, str]] = []
    for key in keys:
        values = {numbers.setting(variant.settings.get(key)) for variant in trained}
        if len(values) == 1:
            shared.append((key, values.pop()))
        else:
            cells = tuple(_setting(variant, key) for variant in variants)
            rows.append(TrainingRow(name=key, cells=cells, is_different=True))
    costs = (
        ("train_seconds", [numbers.duration(v.train_seconds) for v in variants]),
        ("tokens_per_second", [_rate(v) for v in variants]),
        ("run_seconds", [numbers.duration(v.run_seconds) for v in variants]),
        ("peak_memory", [numbers.gibibytes(v.peak_bytes) for v in variants]),
        ("heldout_loss", [_loss(v) for v in variants]),
    )
    rows += [
        TrainingRow(name=word(lang, key), cells=tuple(cells), is_different=False)
        for key, cells in costs
    ]
    names = tuple(variant.name for variant in variants)
    return TrainingTable(names=names, rows=tuple(rows), shared=tuple(shared))


def primary_noise(result: StudyResult) -> list[NoiseFloor]:
    """Return what training seeds change on the primaries."""
    primaries = {(c.suite, c.metric) for c in result.comparisons if c.is_primary}
    return [floor for floor in result.noise if (floor.suite, floor.metric) in primaries]


def chosen_comparison(found: Confirmation, confirmed: Comparison) -> Comparison:
    """Return what the items that chose the configuration said of the same primary."""
    key = (confirmed.configuration, confirmed.suite, confirmed.metric)
    return next(c for c in found.choice if (c.configuration, c.suite, c.metric) == key)


def choice_rows(sample: Sample) -> tuple[ChoiceRow, ...]:
    """Return the choices of a sample with what both configurations thought of them."""
    return tuple(
        ChoiceRow(
            text=text,
            is_right=i == sample.right,
            before=_choice_cell(sample.before, i, text),
            after=_choice_cell(sample.after, i, text),
        )
        for i, text in enumerate(sample.choices)
    )


def signatures(result: StudyResult) -> list[Comparison]:
    """Return one comparison for each metric of each suite, for its signature."""
    return list({(c.suite, c.metric): c for c in result.comparisons}.values())


def shortened(references: Sequence[str]) -> str:
    """Join references, counting those that are too many to show."""
    shown = " / ".join(references[:FEW_REFERENCES])
    left = len(references) - FEW_REFERENCES
    return f"{shown} / … +{left}" if left > 0 else shown


def provenance_rows(result: StudyResult, root: Path) -> tuple[tuple[str, str], ...]:
    """Return what the baseline's run recorded of its surroundings; empty when it is gone."""
    cells = [cell for variant in result.variants for cell in variant.cells]
    for cell in cells:
        try:
            found = read_json(root / cell.folder / "manifest.json").get("provenance", {})
        except StoreError:
            continue
        return tuple(_flat(found))
    return ()


def _flat(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in found.items():
        if isinstance(value, dict):
            text = ", ".join(f"{name} {numbers.setting(item)}" for name, item in value.items())
        elif key.endswith("_bytes") and isinstance(value, int):
            key, text = key.removesuffix("_bytes"), numbers.gibibytes(value)
        else:
            text = numbers.setting(value)
        rows.append((key, text or "–"))
    return rows


def _setting(variant: VariantResult, key: str) -> str:
    return numbers.setting(variant.settings.get(key)) if variant.settings else ""


def _rate(variant: VariantResult) -> str:
    return f"{variant.tokens_per_second:,.0f}" if variant.tokens_per_second else "–"


def _loss(variant: VariantResult) -> str:
    if not variant.heldout_loss:
        return "–"
    curve = [variant.heldout_loss[key] for key in sorted(variant.heldout_loss, key=float)]
    return f"{curve[0]:.2f} → {curve[-1]:.2f}"


def _choice_cell(answer: Answer | None, i: int, text: str) -> ChoiceCell:
    logprobs = answer.choice_logprobs if answer else None
    if not logprobs or i >= len(logprobs):
        return ChoiceCell(text="–", per_byte="", is_chosen=False)
    return ChoiceCell(
        text=f"{logprobs[i]:.2f}".replace("-", "−"),
        per_byte=f"{logprobs[i] / len(text.encode()):.2f}".replace("-", "−"),
        is_chosen=logprobs.index(max(logprobs)) == i,
    )
