"""EvalScope's `predictions/` and `reviews/` (JSON Lines), of its 1.x and 0.x layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import PredictionsError
from harness.importers.base import (
    Prediction,
    Predictions,
    chat_text,
    content_of,
    numbers_of,
    texts_of,
)
from harness.sources.layouts import Row

REVIEW = frozenset({"index", "sample_score"})
PREDICTION = frozenset({"index", "model_output"})
OLD = frozenset({"choices", "answer_id"})


def read_evalscope(rows: Sequence[Row]) -> Predictions:
    """Return the predictions of a predictions or a reviews file.

    Raises:
        PredictionsError: a row without an answer's text.
    """
    found: list[Prediction] = []
    for number, row in enumerate(rows):
        value: Mapping[str, Any] = row.value
        if value.keys() >= REVIEW:
            found.append(_review(value, row))
        elif value.keys() >= PREDICTION:
            found.append(_prediction(value, row))
        else:
            found.append(_old(value, row, number))
    notes: tuple[str, ...] = ()
    if not any(one.references for one in found):
        notes = (
            "no references here: EvalScope's reviews/ have them, or a suite (tunemark import)",
        )
    return Predictions(format="evalscope", rows=tuple(found), has_own_ids=True, notes=notes)


def _review(value: Mapping[str, Any], row: Row) -> Prediction:
    score = value["sample_score"].get("score") or {}
    said = score.get("prediction")
    measured = score.get("value")
    return Prediction(
        where=row.where,
        id=str(value["index"]),
        text=None if said is None else str(said),
        references=texts_of(value.get("target"), row.where, "target"),
        prompt=chat_text(value.get("input")),
        scores=numbers_of(measured) if isinstance(measured, dict) else {},
    )


def _prediction(value: Mapping[str, Any], row: Row) -> Prediction:
    output = value["model_output"] or {}
    choices = output.get("choices") or []
    asked = [m for m in value.get("messages") or [] if m.get("role") != "assistant"]
    return Prediction(
        where=row.where,
        id=str(value["index"]),
        text=_said(choices, row) if choices else None,
        prompt=chat_text(asked) if asked else None,
        is_cut=bool(choices) and choices[0].get("stop_reason") in {"max_tokens", "length"},
    )


def _old(value: Mapping[str, Any], row: Row, number: int) -> Prediction:
    review = value["choices"][0].get("review") or {} if value["choices"] else {}
    return Prediction(
        where=row.where,
        id=str(value.get("index", number)),
        text=_said(value["choices"], row) if value["choices"] else None,
        references=texts_of(review.get("gold"), row.where, "gold"),
        prompt=chat_text(value.get("origin_prompt")),
        scores=numbers_of({"result": review["result"]}) if "result" in review else {},
    )


def _said(choices: Sequence[Mapping[str, Any]], row: Row) -> str:
    message = choices[0].get("message")
    if not isinstance(message, dict) or "content" not in message:
        raise PredictionsError(f"{row.where}: choices[0] has no message with content")
    return content_of(message["content"])
