"""Likeness of meaning by an embedding model: whole texts (cosine) or token by token (BERTScore)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np

from harness.embedding import (
    Encoded,
    Pooling,
    Vectors,
    check_layer,
    load_encoder,
    own_pooling,
)
from harness.metrics.base import Array, Item, Scale, Setting
from harness.models import ModelSource, model_config, resolve_model
from harness.types import Measurement

Measure = Literal["f1", "precision", "recall"]

ITEMS_AT_ONCE = 64
"""Items whose token vectors are held in memory together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingMetric:
    """The mean, over items, of an answer's likeness to its most similar reference."""

    name: str
    signature: str
    model: ModelSource
    layer: int | None
    prefix: str
    likeness: Callable[[Encoded, Encoded], float]
    """Of answer and reference."""
    scale: Scale

    def measure(self, items: Sequence[Item]) -> list[Measurement | None]:
        """Return (likeness, 1) of each item; None without references.

        Raises:
            MissingExtraError: torch or transformers is not installed.
        """
        measured: list[Measurement | None] = []
        for start in range(0, len(items), ITEMS_AT_ONCE):
            part = items[start : start + ITEMS_AT_ONCE]
            encoded = self._encoded(part)
            measured.extend(self._measured(item, encoded) for item in part)
        return measured

    def reduce(self, totals: Array) -> Array:
        """Return the sum of likenesses over the number of items."""
        return totals[..., 0] / totals[..., 1]

    def _encoded(self, items: Sequence[Item]) -> dict[str, Encoded]:
        texts = dict.fromkeys(
            text.strip()
            for item in items
            if item.gold.references
            for text in (item.completion.text, *item.gold.references)
        )
        solid = [text for text in texts if text]
        if not solid:
            return {}
        prefixed = [self.prefix + text for text in solid]
        encoder = load_encoder(self.model.path)
        return dict(zip(solid, encoder.encode(prefixed, layer=self.layer), strict=True))

    def _measured(self, item: Item, encoded: dict[str, Encoded]) -> Measurement | None:
        answer = item.completion.text.strip()
        if not item.gold.references:
            return None
        values = [
            self._value(answer, reference.strip(), encoded) for reference in item.gold.references
        ]
        return Measurement(stats=(max(values), 1.0))

    def _value(self, answer: str, reference: str, encoded: dict[str, Encoded]) -> float:
        if answer == reference:
            return 1.0
        if not answer or not reference:
            return 0.0
        return min(1.0, max(-1.0, self.likeness(encoded[answer], encoded[reference])))


def similarity(
    setting: Setting, *, model: str, pooling: Pooling | Literal["auto"] = "auto", prefix: str = ""
) -> EmbeddingMetric:
    """Likeness of meaning to the nearest reference: cosine of sentence embeddings, −1 to 1.

    Args:
        setting: Its folder is where a relative model folder starts.
        model: A sentence-embedding model: folder, Hugging Face id or packaged name.
        pooling: How token vectors become one; "auto": as the model's own files say, else the mean.
        prefix: Put before every text, such as "query: " for E5 models.

    Raises:
        ModelError: no such model, or one with parts that are not supported.
    """
    source = _resolved(model, setting)
    chosen = own_pooling(source.path) if pooling == "auto" else pooling
    shown = f"|prefix:{prefix!r}" if prefix else ""

    def cosine(answer: Encoded, reference: Encoded) -> float:
        return float(_unit(answer.pooled(chosen)) @ _unit(reference.pooled(chosen)))

    return EmbeddingMetric(
        name="similarity",
        signature=f"similarity@1|{_shown(source)}|pool:{chosen}{shown}|refs:max|{_library()}",
        model=source,
        layer=None,
        prefix=prefix,
        likeness=cosine,
        scale=Scale(low=-1.0),
    )


def bertscore(
    setting: Setting, *, model: str, layer: int | None = None, measure: Measure = "f1"
) -> EmbeddingMetric:
    """Likeness of meaning token by token: BERTScore without idf and rescaling, −1 to 1.

    Every token of the answer is matched with the most similar token of the reference (precision)
    and the reverse (recall); Zhang et al. 2020, as the package bert-score 0.3.13 computes it:
    special tokens may be matched but do not count.

    Args:
        setting: Its folder is where a relative model folder starts.
        model: Folder, Hugging Face id or packaged name.
        layer: Which hidden layer's vectors (0: embeddings); by default the last output.
        measure: f1, precision or recall.

    Raises:
        ModelError: no such model or layer.
    """
    source = _resolved(model, setting)
    check_layer(source.path, model_config(source.path), layer)

    def likeness(answer: Encoded, reference: Encoded) -> float:
        return greedy_match(answer, reference)[measure]

    shown = "last" if layer is None else str(layer)
    return EmbeddingMetric(
        name="bertscore",
        signature=f"bertscore@1|{_shown(source)}|layer:{shown}|{measure}|idf:no|rescale:no"
        f"|refs:max|{_library()}",
        model=source,
        layer=layer,
        prefix="",
        likeness=likeness,
        scale=Scale(low=-1.0),
    )


def greedy_match(answer: Encoded, reference: Encoded) -> dict[Measure, float]:
    """Return precision, recall and F1 of greedy token matching (Zhang et al. 2020, eq. 1 to 3)."""
    if answer.is_special.all() or reference.is_special.all():
        return {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    cosines = _unit(answer.vectors) @ _unit(reference.vectors).T
    precision = float(cosines.max(axis=1)[~answer.is_special].mean())
    recall = float(cosines.max(axis=0)[~reference.is_special].mean())
    total = precision + recall
    f1 = 2 * precision * recall / total if total else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}


def _unit(vectors: Vectors) -> Vectors:
    """Scale vectors [..., d] to length 1."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, np.float32(1e-12))


def _resolved(model: str, setting: Setting) -> ModelSource:
    folder = (setting.folder or Path()) / model
    return resolve_model(str(folder) if folder.is_dir() else model)


def _shown(source: ModelSource) -> str:
    return f"model:{Path(source.name).name}#{source.digest[:12]}"


def _library() -> str:
    try:
        return f"transformers:{version('transformers')}"
    except PackageNotFoundError:
        return "transformers:none"
