"""Keep the books of a training: steps, held-out losses, time and memory, as events on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers.trainer_callback import TrainerCallback

from finetune.encode import MaskLedger
from finetune.loss import LossAtLabels, mean_loss
from harness.errors import RunError
from harness.machine import peak_rss_bytes
from harness.store import RunFolder

Progress = Callable[[int, int, float], None]
"""Called with optimizer steps done, planned, and the current loss."""


class TokenCountingTrainer(Protocol):
    """What the recorder reads of the trainer."""

    real_tokens: int
    """Tokens seen so far, padding excluded."""
    loss_of: LossAtLabels
    model: Any
    args: Any


class Recorder(TrainerCallback):
    """Writes events, watches the loss, and measures the held-out loss after each epoch."""

    def __init__(
        self,
        folder: RunFolder,
        trainer: TokenCountingTrainer,
        heldout: list[dict[str, Tensor]],
        progress: Progress,
        *,
        started: float,
    ) -> None:
        self._folder = folder
        self._trainer = trainer
        self._heldout = heldout
        self._progress = progress
        self._start = self._mark = time.monotonic()
        self._mark_tokens = 0
        self._counted = started
        """Up to when the time is in the events."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Measure the untouched model, or what a crash just after a checkpoint left unmeasured."""
        del args, control
        self._start = self._mark = time.monotonic()
        epoch = float(state.epoch or 0)
        measured = {row["epoch"] for row in self._folder.events("heldout")}
        if epoch.is_integer() and int(epoch) not in measured:
            self._measure_heldout(state, epoch=int(epoch))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Record one optimizer step."""
        del args, control
        if not logs or "loss" not in logs:
            return
        now, tokens = time.monotonic(), self._trainer.real_tokens
        loss = float(logs["loss"])
        self._folder.log(
            "step",
            step=state.global_step,
            epoch=round(state.epoch or 0.0, 4),
            loss=loss if math.isfinite(loss) else None,
            learning_rate=logs.get("learning_rate"),
            tokens_per_second=round((tokens - self._mark_tokens) / max(1e-9, now - self._mark), 1),
            peak_bytes=peak_bytes(),
        )
        self._mark, self._mark_tokens = now, tokens
        self._progress(state.global_step, state.max_steps, loss)
        _check_finite("loss", loss, state)
        _check_finite("gradient norm", float(logs.get("grad_norm") or 0.0), state)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count the time with every checkpoint, so that a crash loses little of it."""
        del args, state, control
        self._log_session()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Measure the held-out rows."""
        del args, control
        self._measure_heldout(state, epoch=round(state.epoch or 0))

    def summary(self, ledger: MaskLedger) -> dict[str, Any]:
        """Return what the tables need."""
        self._log_session()
        epochs = {row["epoch"]: row["loss"] for row in self._folder.events("heldout")}
        steps = self._folder.events("step")
        return {
            "seconds": round(sum(row["seconds"] for row in self._folder.events("session")), 2),
            "peak_bytes": max([peak_bytes(), *(row["peak_bytes"] for row in steps)]),
            "tokens_per_second": round(
                self._trainer.real_tokens / max(1e-9, time.monotonic() - self._start), 1
            ),
            "steps": steps[-1]["step"] if steps else 0,
            "final_loss": steps[-1]["loss"] if steps else None,
            "heldout_loss_by_epoch": {str(epoch): loss for epoch, loss in epochs.items()},
            "rows": ledger.rows_kept,
        }

    def _measure_heldout(self, state: Any, *, epoch: int) -> None:
        if not self._heldout:
            return
        device = self._trainer.args.device
        batches = [{k: v.to(device) for k, v in batch.items()} for batch in self._heldout]
        model: Any = self._trainer.model
        loss = mean_loss(self._trainer.loss_of, model, batches)
        _check_finite("held-out loss", loss, state)
        self._folder.log("heldout", step=state.global_step, epoch=epoch, loss=round(loss, 5))
        self._mark = time.monotonic()

    def _log_session(self) -> None:
        now = time.monotonic()
        self._folder.log("session", seconds=round(now - self._counted, 2))
        self._counted = now


def peak_bytes() -> int:
    """Return the peak of device memory, or of the process on a CPU."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return peak_rss_bytes()


def _check_finite(what: str, value: float, state: Any) -> None:
    if not math.isfinite(value):
        raise RunError(
            f"the {what} is {value} at step {state.global_step}: lower learning_rate "
            "(it is the usual cause) or use dtype: float32"
        )
