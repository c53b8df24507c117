"""`generated_predictions.jsonl` of LLaMA-Factory (`do_predict`): prompt, predict, label."""

from __future__ import annotations

from collections.abc import Sequence

from harness.importers.base import Prediction, Predictions, text_of
from harness.sources.layouts import Row

KEYS = frozenset({"predict", "label"})


def read_llama_factory(rows: Sequence[Row]) -> Predictions:
    """Return the predictions in their order; the file has no ids.

    Some versions leave a line break before label and prediction (hiyouga/LlamaFactory issue
    4385), and an empty label where the data set had no answer: outer blanks are dropped, and an
    empty label is no reference.
    """
    found: list[Prediction] = []
    for number, row in enumerate(rows):
        label = text_of(row.value["label"], row.where, "label").strip()
        prompt = row.value.get("prompt")
        found.append(
            Prediction(
                where=row.where,
                id=str(number),
                text=text_of(row.value["predict"], row.where, "predict").strip(),
                references=(label,) if label else (),
                prompt=None if prompt is None else text_of(prompt, row.where, "prompt"),
            )
        )
    return Predictions(
        format="llama-factory",
        rows=tuple(found),
        has_own_ids=False,
        notes=("LLaMA-Factory writes no ids: rows are numbered from 0",),
    )
