"""`predictions/<model>/<dataset>.json` of OpenCompass: {"0": {origin_prompt, prediction, gold}}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.errors import PredictionsError
from harness.importers.base import Prediction, Predictions, chat_text, text_of, texts_of
from harness.sources.layouts import Row

KEYS = frozenset({"prediction"})
MARKS = frozenset({"origin_prompt", "in-context examples", "pred_label"})
"""Any of these beside the prediction tells OpenCompass from plain rows."""


def read_opencompass(rows: Sequence[Row]) -> Predictions:
    """Return the predictions; a data set split over several files must be read file by file.

    Raises:
        PredictionsError: an answer that is neither text nor a list of one.
    """
    return Predictions(
        format="opencompass",
        rows=tuple(_prediction(row, number) for number, row in enumerate(rows)),
        has_own_ids=False,
        notes=("OpenCompass numbers the items of a file from 0",),
    )


def _prediction(row: Row, number: int) -> Prediction:
    value: dict[str, Any] = row.value
    said = value.get("pred_label", value["prediction"])
    if isinstance(said, list):
        if len(said) != 1:
            raise PredictionsError(
                f"{row.where}: {len(said)} answers to one item; several turns or samples cannot "
                "be scored as one"
            )
        said = said[0]
    return Prediction(
        where=row.where,
        id=str(row.extra.get("key", value.get("idx", number))),
        text=text_of(said, row.where, "prediction"),
        references=texts_of(value.get("gold"), row.where, "gold"),
        prompt=chat_text(value.get("origin_prompt")),
    )
