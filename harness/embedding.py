"""Texts as vectors: the hidden states of a transformers model, in batches of similar length."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.errors import MissingExtraError, ModelError
from harness.machine import this_machine
from harness.quiet import quieten

Vectors = NDArray[np.float32]
Pooling = Literal["mean", "cls", "last"]

TOKENS_PER_BATCH = 4096
"""Texts of a batch times the longest of them; some 100 MB of activations in a small model."""
KNOWN_MODULES = {"Transformer", "Pooling", "Normalize"}
"""Parts of a sentence-transformers model that are understood; cosine needs no Normalize."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A text's token vectors."""

    vectors: Vectors
    """[n_tokens, d]; special tokens included."""
    is_special: NDArray[np.bool_]
    """[n_tokens]: begin, end and separator tokens that the tokenizer added."""

    def pooled(self, pooling: Pooling) -> Vectors:
        """Return one vector, [d]."""
        if not len(self.vectors):
            return np.zeros(self.vectors.shape[1], dtype=np.float32)
        if pooling == "mean":
            return self.vectors.mean(axis=0)
        return self.vectors[0 if pooling == "cls" else -1]


class Encoder:
    """A loaded model; its weights stay in memory as long as it is kept."""

    def __init__(self, folder: Path) -> None:
        quieten()
        try:
            import torch
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils.logging import disable_progress_bar
        except ImportError:
            raise MissingExtraError("an embedding model", "hf") from None
        disable_progress_bar()
        self._device = "cuda" if this_machine().gpus else "cpu"
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
        loaded: Any = AutoModel.from_pretrained(str(folder), dtype=torch.float32)
        self._model: Any = loaded.to(self._device).eval()
        limits = [self._tokenizer.model_max_length, _context(loaded.config)]
        self._limit = min(int(limit) for limit in limits if limit)

    def encode(self, texts: Sequence[str], *, layer: int | None = None) -> Iterator[Encoded]:
        """Yield each text's vectors, in order; texts longer than the context are cut at its end.

        Args:
            texts: The texts.
            layer: Which hidden layer (0: embeddings); by default the model's last output.
        """
        ids = [self._ids(text) for text in texts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        found: dict[int, Encoded] = {}
        for batch in _batches(order, ids):
            for i, vectors in zip(
                batch, self._forward([ids[i] for i in batch], layer), strict=True
            ):
                found[i] = Encoded(vectors=vectors, is_special=self._specials(ids[i]))
        yield from (found[i] for i in range(len(texts)))

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer(text, truncation=True, max_length=self._limit)["input_ids"]

    def _specials(self, ids: list[int]) -> NDArray[np.bool_]:
        kinds = {self._tokenizer.cls_token_id, self._tokenizer.sep_token_id}
        kinds |= {self._tokenizer.bos_token_id, self._tokenizer.eos_token_id}
        return np.array([token in kinds for token in ids], dtype=np.bool_)

    def _forward(self, rows: list[list[int]], layer: int | None) -> list[Vectors]:
        import torch

        width = max(1, *(len(row) for row in rows))
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[i, : len(row)] = 1
        with torch.inference_mode():
            output = self._model(
                input_ids=ids.to(self._device),
                attention_mask=mask.to(self._device),
                output_hidden_states=layer is not None,
            )
        states = output.last_hidden_state if layer is None else output.hidden_states[layer]
        values = states.float().cpu().numpy()
        return [values[i, : len(row)] for i, row in enumerate(rows)]


@lru_cache(maxsize=1)
def load_encoder(folder: Path) -> Encoder:
    """Load a model, or return the one that was loaded last.

    Raises:
        MissingExtraError: torch or transformers is not installed.
    """
    return Encoder(folder)


def check_layer(folder: Path, config: dict[str, object], layer: int | None) -> None:
    """Refuse a layer that the model does not have.

    Raises:
        ModelError: naming the layers there are.
    """
    n_layers = config.get("num_hidden_layers")
    if layer is not None and isinstance(n_layers, int) and not 0 <= layer <= n_layers:
        raise ModelError(f"{folder.name} has the layers 0 to {n_layers}, not {layer}")


def own_pooling(folder: Path) -> Pooling:
    """Return how a sentence-transformers model pools; the mean for any other model.

    Raises:
        ModelError: it has a part that is not understood here, such as a dense layer.
    """
    parts = _read(folder / "modules.json", [])
    kinds = {str(part.get("type", "")).rpartition(".")[2] for part in parts}
    if kinds - KNOWN_MODULES:
        raise ModelError(
            f"{folder.name}: this sentence-embedding model has a "
            f"{', '.join(sorted(kinds - KNOWN_MODULES))} part, which is not supported; use one "
            "that only pools"
        )
    config = _read(folder / "1_Pooling" / "config.json", {})
    if config.get("pooling_mode_cls_token"):
        return "cls"
    return "last" if config.get("pooling_mode_lasttoken") else "mean"


def _context(config: Any) -> int | None:
    """Return how many tokens a model takes; RoBERTa's first positions are not for tokens."""
    limit = getattr(config, "max_position_embeddings", None)
    if limit and "roberta" in str(getattr(config, "model_type", "")):
        return int(limit) - 2
    return limit


def _batches(order: Sequence[int], ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    batch: list[int] = []
    for i in order:  # from short to long: the newest is the longest
        if batch and (len(batch) + 1) * len(ids[i]) > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _read(file: Path, absent: Any) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return absent
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read: {error}") from None
