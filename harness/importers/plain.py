"""Plain rows, one prediction each: JSON Lines, a JSON list, CSV or TSV."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from harness.errors import PredictionsError, suggestion
from harness.importers.base import Prediction, Predictions, chat_text, text_of, texts_of
from harness.sources.layouts import Row

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "prediction": (
        "prediction", "predict", "pred", "response", "output", "completion", "generated_text",
        "generation", "model_output", "model_answer", "hypothesis", "text",
    ),
    "references": (
        "references", "reference", "target", "targets", "label", "gold", "golds", "ground_truth",
        "expected", "answers", "answer", "refs", "ref",
    ),
    "id": ("id", "item_id", "question_id", "qid", "idx", "index", "key", "doc_id"),
    "prompt": ("prompt", "input", "question", "query", "source"),
    "cluster": ("cluster", "group", "document", "doc"),
    "slices": ("slices",),
}  # fmt: skip
"""What a column may be called; the first name is ours, and any other that is used is said."""


def read_plain(rows: Sequence[Row]) -> Predictions:
    """Return the predictions of plain rows.

    Raises:
        PredictionsError: no column of predictions; a wrong value; an id that stands there twice.
    """
    names = _columns(rows)
    if "prediction" not in names:
        known = COLUMNS["prediction"]
        has = list(rows[0].value)
        near = next((s for s in (suggestion(name, known) for name in has) if s), "")
        raise PredictionsError(
            f"{rows[0].where}: no column of predictions{near}; call it one of "
            f"{', '.join(known)}; the row has: {', '.join(map(str, has))}"
        )
    found = tuple(_prediction(row, names, number) for number, row in enumerate(rows))
    notes = [f"column {name!r} is read as {ours}" for ours, name in names.items() if name != ours]
    if "id" not in names:
        notes.append("the rows have no id: they are numbered from 0")
    return Predictions(format="plain", rows=found, has_own_ids="id" in names, notes=tuple(notes))


def _columns(rows: Sequence[Row]) -> dict[str, str]:
    """Return which column stands for what; a name that only some rows use counts as well."""
    present = {name for row in rows for name in row.value}
    found: dict[str, str] = {}
    for ours, names in COLUMNS.items():
        name = next((name for name in names if name in present), None)
        if name is not None:
            found[ours] = name
    return found


def _prediction(row: Row, names: Mapping[str, str], number: int) -> Prediction:
    def value(ours: str) -> Any:
        return row.value.get(names[ours]) if ours in names else None

    said = value("prediction")
    given = value("id")
    cluster = value("cluster")
    return Prediction(
        where=row.where,
        id=str(number) if given is None else text_of(given, row.where, "id"),
        text=None if said is None else text_of(said, row.where, "prediction"),
        references=_references(value("references"), row.where),
        prompt=chat_text(value("prompt")),
        cluster=None if cluster in (None, "") else text_of(cluster, row.where, "cluster"),
        slices=slices_of(value("slices"), row.where),
    )


def _references(value: Any, where: str) -> tuple[str, ...]:
    """A cell of a table may hold several references as a JSON list."""
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        try:
            listed = json.loads(value)
        except ValueError:
            listed = None
        if isinstance(listed, list):
            return texts_of(cast("list[Any]", listed), where, "references")
    return texts_of(value, where, "references")


def slices_of(value: Any, where: str) -> dict[str, str]:
    """Return a row's slices, an object or (in a table) its JSON; none for nothing.

    Raises:
        PredictionsError: it is something else.
    """
    if value in (None, ""):
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, dict):
        raise PredictionsError(f'{where}: slices: expected an object such as {{"topic": "dose"}}')
    return {str(k): text_of(v, where, "slices") for k, v in cast("dict[Any, Any]", value).items()}
