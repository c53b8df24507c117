"""Causal language-model loss that computes logits only where they count.

The output head is the largest matrix of a small model (262,144 × 640 in Gemma 3 270M), and with
assistant-only loss most positions need no logits. A hook on the head passes on just the hidden
states whose next token is learnt; whatever the model does to logits afterwards still happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from finetune.encode import IGNORE


class LossAtLabels:
    """Computes the summed cross-entropy of a batch for one model."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._positions: Tensor | None = None
        head: Any = model.get_output_embeddings()  # pyright: ignore[reportCallIssue]
        head.register_forward_pre_hook(self._select)

    def __call__(self, model: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return (sum of −log p over learnt tokens, their number).

        Args:
            model: The model, possibly wrapped (DDP).
            batch: input_ids, attention_mask and labels, each [batch, seq].
        """
        labels = batch["labels"]
        learnt = labels[:, 1:] != IGNORE
        self._positions = nn.functional.pad(learnt, (0, 1))
        try:
            logits = model(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                use_cache=False,
            ).logits
        finally:
            self._positions = None
        targets = labels[:, 1:][learnt]
        loss = nn.functional.cross_entropy(logits.float(), targets, reduction="sum")
        return loss, learnt.sum()

    def _select(self, head: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Turn hidden states [batch, seq, width] into those that matter, [n, width]."""
        del head
        return inputs if self._positions is None else (inputs[0][self._positions],)


def mean_loss(loss_of: LossAtLabels, model: nn.Module, batches: list[dict[str, Tensor]]) -> float:
    """Return the mean loss per learnt token over batches (nats), without gradients."""
    total, count = 0.0, 0
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for batch in batches:
            loss, n = loss_of(model, batch)
            total += float(loss)
            count += int(n)
    model.train(was_training)
    return total / max(1, count)
