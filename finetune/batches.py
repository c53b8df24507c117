"""Order rows into batches of similar length, the same way for a seed and an epoch."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import Sampler

from finetune.encode import IGNORE, EncodedRow

POOL = 32
"""Batches that are sorted by length together: enough to save padding, few enough to stay mixed."""


class LengthGroupedOrder(Sampler[int]):
    """Yields row numbers so that each run of `batch` rows has similar lengths."""

    def __init__(self, lengths: Sequence[int], *, batch: int, seed: int) -> None:
        self._lengths = lengths
        self._batch = batch
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; called by the training loop, also after a resume."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        """Shuffle, sort within pools, cut into batches, shuffle the batches."""
        rng = random.Random(f"{self._seed}-{self._epoch}")
        rows = list(range(len(self._lengths)))
        rng.shuffle(rows)
        pool = self._batch * POOL
        batches: list[list[int]] = []
        for start in range(0, len(rows), pool):
            chunk = sorted(rows[start : start + pool], key=lambda row: self._lengths[row])
            batches += [chunk[i : i + self._batch] for i in range(0, len(chunk), self._batch)]
        # A short batch goes last, so that all others stay whole.
        full = [batch for batch in batches if len(batch) == self._batch]
        rest = [batch for batch in batches if len(batch) < self._batch]
        rng.shuffle(full)
        yield from (row for batch in [*full, *rest] for row in batch)


def collate(rows: Sequence[EncodedRow], *, pad_id: int) -> dict[str, Tensor]:
    """Pad rows on the right; the mask is by length, since pad and EOS may be one token."""
    width = max(len(row.input_ids) for row in rows)
    ids = torch.full((len(rows), width), pad_id)
    labels = torch.full((len(rows), width), IGNORE)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for i, row in enumerate(rows):
        n = len(row.input_ids)
        ids[i, :n] = torch.tensor(row.input_ids)
        labels[i, :n] = torch.tensor(row.labels)
        mask[i, :n] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
