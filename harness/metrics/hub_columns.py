"""What an `evaluate` module wants to be given, and how a gold item and an answer become that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from harness.metrics.base import Item, Setting

Kind = Literal["text", "texts", "label", "number", "squad"]
PROBE = (("the cat sat on a mat", "the cat lay on a mat today"), ("it rains", "it rains here"))
"""Answers and references that tell means from other values: unequal lengths, partly right."""
SQUAD = {"id", "prediction_text", "answers", "no_answer_probability"}


class UnusableError(ValueError):
    """The module wants something that a gold item does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns of a module's table."""

    prediction: Kind
    reference: Kind
    has_sources: bool
    has_no_answer: bool
    labels: tuple[str, ...]

    @classmethod
    def of(cls, features: object, setting: Setting) -> Columns:
        """Read a module's features; of several layouts the first that fits is used.

        Raises:
            UnusableError: none fits.
        """
        layouts = cast(
            "list[Mapping[str, Any]]", features if isinstance(features, list) else [features]
        )
        faults: list[str] = []
        for layout in layouts:
            try:
                return cls._of(layout, setting)
            except UnusableError as fault:
                faults.append(str(fault))
        raise UnusableError(faults[0])

    @classmethod
    def _of(cls, layout: Mapping[str, Any], setting: Setting) -> Columns:
        unknown = set(layout) - {"predictions", "references", "sources"}
        if unknown or not {"predictions", "references"} <= set(layout):
            raise UnusableError(
                f"it wants the columns {', '.join(layout)}; an item has predictions, references "
                "and sources"
            )
        prediction = _kind(layout["predictions"], "predictions")
        if prediction == "texts":
            raise UnusableError("it wants several predictions per item; an item has one")
        return cls(
            prediction=prediction,
            reference=_kind(layout["references"], "references"),
            has_sources="sources" in layout,
            has_no_answer="no_answer_probability" in _names(layout["predictions"]),
            labels=setting.labels,
        )

    def cells(self, item: Item) -> list[dict[str, Any]]:
        """Return the item's row for each reference; one row where it takes all references.

        Empty when the answer or the references have no number where one is wanted.
        """
        gold, text = item.gold, item.completion.text
        references = gold.references
        if gold.choices and gold.answer is not None:
            references = (gold.choices[gold.answer],)
        row = self._row(gold.id, text)
        if row is None:
            return []
        if self.has_sources:
            row["sources"] = _source(item)
        if self.reference in {"texts", "squad"}:
            return [{**row, "references": self._all(gold.id, references)}]
        values = [self._scalar(self.reference, reference) for reference in references]
        return [{**row, "references": value} for value in values if value is not None]

    def finds_label(self, item: Item) -> bool:
        """Tell whether the answer is one of the labels, where labels are wanted."""
        if self.prediction != "label" or not self.labels:
            return True
        return item.completion.text.strip() in self.labels

    def probe(self) -> list[dict[str, Any]]:
        """Return rows that fit the columns."""
        rows: list[dict[str, Any]] = []
        numbers = iter([(0, 0), (1, 0), (1, 1)])
        pairs: Sequence[tuple[Any, Any]] = PROBE
        if self.prediction in {"label", "number"}:
            pairs = list(numbers)
        for i, (answer, reference) in enumerate(pairs):
            row = (
                {"predictions": answer}
                if self.prediction in {"label", "number"}
                else self._row(str(i), answer)
            ) or {}
            if self.has_sources:
                row["sources"] = "?"
            is_many = self.reference in {"texts", "squad"}
            row["references"] = self._all(str(i), (reference,)) if is_many else reference
            rows.append(row)
        return rows

    def _row(self, gold_id: str, text: str) -> dict[str, Any] | None:
        if self.prediction != "squad":
            value = self._scalar(self.prediction, text)
            return None if value is None else {"predictions": value}
        cell: dict[str, Any] = {"id": gold_id, "prediction_text": text}
        if self.has_no_answer:
            cell["no_answer_probability"] = 0.0
        return {"predictions": cell}

    def _all(self, gold_id: str, references: Sequence[str]) -> object:
        if self.reference == "texts":
            return list(references)
        answers = {"text": list(references), "answer_start": [0] * len(references)}
        return {"id": gold_id, "answers": answers}

    def _scalar(self, kind: Kind, text: str) -> object:
        if kind == "text":
            return text
        if kind == "label" and self.labels:
            stripped = text.strip()
            return self.labels.index(stripped) if stripped in self.labels else -1
        try:
            return int(text) if kind == "label" else float(text)
        except ValueError:
            return None


def _kind(feature: Any, name: str) -> Kind:
    """Return what one column wants; the names are those of `datasets`' features."""
    names = _names(feature)
    if names:
        if names <= SQUAD:
            return "squad"
        raise UnusableError(f"its {name} want the fields {', '.join(sorted(names))}")
    inner = getattr(feature, "feature", None)
    if inner is None and isinstance(feature, list | tuple) and len(feature) == 1:
        inner = feature[0]
    if inner is not None:
        if _kind(inner, name) == "text":
            return "texts"
        raise UnusableError(f"its {name} want a list of numbers per item")
    dtype = str(getattr(feature, "dtype", ""))
    if dtype in {"string", "large_string"}:
        return "text"
    if dtype.startswith(("int", "uint", "bool")):
        return "label"
    if dtype.startswith("float"):
        return "number"
    raise UnusableError(f"its {name} want {feature}")


def _names(feature: Any) -> set[str]:
    return {str(key) for key in feature} if isinstance(feature, Mapping) else set()


def _source(item: Item) -> str:
    given = item.gold.input
    if isinstance(given, str):
        return given
    if isinstance(given, tuple):
        return given[-1].content
    return "\n".join(given.values())
