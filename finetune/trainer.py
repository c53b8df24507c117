"""Train one LoRA configuration with the transformers Trainer: resumable, seeded, accounted for."""

from __future__ import annotations

import json
import math
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.utils.logging import disable_progress_bar

from finetune.adapters import attach_lora, save_adapter
from finetune.batches import LengthGroupedOrder, collate
from finetune.config import TrainConfig
from finetune.data.rows import split_rows
from finetune.encode import Encoding, encode_rows, parity_probes
from finetune.job import Job
from finetune.loss import LossAtLabels
from finetune.planner.runs import record_prediction
from finetune.recorder import Progress, Recorder
from harness.adapters import PARITY
from harness.digest import canonical_json
from harness.parity import write_proof
from harness.store import EVENTS, RunFolder, read_lines, write_json, write_text
from harness.training import ADAPTER, SUMMARY, TrainingRow

CHECKPOINTS_PER_RUN = 8
HELDOUT_BATCH = 16


def train(job: Job, *, progress: Progress) -> None:
    """Train, or go on from the last whole checkpoint, and write adapter, ledger and summary.

    Raises:
        DataError: a row cannot be encoded or teaches nothing.
        RunError: the loss is not a number.
    """
    started = time.monotonic()
    disable_progress_bar()
    config, folder = job.config, job.folder.path
    tokenizer: Any = AutoTokenizer.from_pretrained(job.model)
    train_rows, heldout_rows = split_rows(job.rows, heldout=config.heldout, seed=config.seed)
    encoding = _encode(train_rows, job, tokenizer)
    heldout = _encode(heldout_rows, job, tokenizer).rows if heldout_rows else ()
    write_json(folder / "mask-ledger.json", encoding.ledger.model_dump())
    record_prediction(
        folder,
        job.model,
        config.model_dump(mode="json"),
        on_cpu=not torch.cuda.is_available(),
        longest=encoding.ledger.longest,
        loss_share=encoding.ledger.loss_tokens / encoding.ledger.tokens,
    )

    torch.manual_seed(config.seed)
    dtype = torch.float32 if config.dtype == "float32" else torch.bfloat16
    base = AutoModelForCausalLM.from_pretrained(job.model, dtype=dtype)
    model = attach_lora(base, config.lora)
    pad_id = (
        tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    )
    loss_of = LossAtLabels(model)
    checkpoint = _last_checkpoint(folder / "checkpoints")
    _forget_events_after(job.folder, checkpoint)
    trainer = _LabelTrainer(
        model=model,
        args=_arguments(config, folder, n_rows=len(encoding.rows)),
        train_dataset=list(encoding.rows),  # pyright: ignore[reportArgumentType] - any sequence
        data_collator=partial(collate, pad_id=pad_id),
        loss_of=loss_of,
        order=LengthGroupedOrder(
            [len(row.input_ids) for row in encoding.rows],
            batch=config.batch,
            seed=config.seed,
        ),
    )
    batches = [
        collate(heldout[i : i + HELDOUT_BATCH], pad_id=pad_id)
        for i in range(0, len(heldout), HELDOUT_BATCH)
    ]
    recorder = Recorder(job.folder, trainer, batches, progress, started=started)
    trainer.add_callback(recorder)
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)

    _write_adapter(job, model, tokenizer, train_rows)
    write_json(folder / SUMMARY, recorder.summary(encoding.ledger))
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


class _LabelTrainer(Trainer):
    """The transformers Trainer with our row order and our loss."""

    def __init__(self, *, loss_of: LossAtLabels, order: LengthGroupedOrder, **options: Any) -> None:
        self._order = order
        self.loss_of = loss_of
        self.real_tokens = 0
        super().__init__(**options)
        # The loss below is already divided by the learnt tokens of the whole optimizer step, so
        # accumulation gives the gradient of the undivided batch.
        self.model_accepts_loss_kwargs = True

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedOrder:
        del train_dataset
        return self._order

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the batch's share of the step's mean loss per learnt token."""
        assert not return_outputs, "outputs are not kept"
        loss, n = self.loss_of(model, inputs)
        self.real_tokens += int(inputs["attention_mask"].sum())
        return loss / (num_items_in_batch if num_items_in_batch is not None else n)


def _encode(rows: list[TrainingRow], job: Job, tokenizer: Any) -> Encoding:
    return encode_rows(
        rows,
        job.template,
        tokenizer,
        max_tokens=job.config.max_tokens,
        over_length=job.config.over_length,
    )


def _arguments(config: TrainConfig, folder: Path, *, n_rows: int) -> TrainingArguments:
    micro = min(config.micro_batch, config.batch)
    per_epoch = math.ceil(math.ceil(n_rows / micro) / config.accumulation)
    steps = per_epoch * config.epochs
    schedule = "constant_with_warmup" if config.schedule == "constant" else config.schedule
    arguments = TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=config.accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=schedule,
        warmup_steps=round(config.warmup * steps),
        weight_decay=config.weight_decay,
        max_grad_norm=config.clip,
        bf16=config.dtype != "float32",
        use_cpu=not torch.cuda.is_available(),
        optim="adamw_torch",
        seed=config.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=max(1, steps // CHECKPOINTS_PER_RUN),
        save_total_limit=2,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        log_level="error",
    )
    # One device: several in one process mean nn.DataParallel, whose copies lack the loss's hook.
    arguments._n_gpu = min(1, arguments.n_gpu)  # noqa: SLF001 - as Trainer itself does
    return arguments


def _last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint; drop those that a crash left half-written.

    The Trainer writes trainer_state.json last.
    """
    found: list[tuple[int, Path]] = []
    for path in folder.glob("checkpoint-*"):
        try:
            state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            found.append((int(state["global_step"]), path))
        except (OSError, ValueError, KeyError):
            shutil.rmtree(path, ignore_errors=True)
    return max(found)[1] if found else None


def _forget_events_after(folder: RunFolder, checkpoint: Path | None) -> None:
    """Drop the steps that will be done again."""
    step = int(checkpoint.name.split("-")[1]) if checkpoint else -1
    rows = list(read_lines(folder.path / EVENTS))
    kept = [row for row in rows if row.get("step", 0) <= step or row["event"] == "session"]
    if checkpoint is None:
        kept = [row for row in kept if row["event"] == "session"]
    if rows:
        text = "".join(canonical_json(row) + "\n" for row in kept)
        write_text(folder.path / EVENTS, text)


def _write_adapter(job: Job, model: Any, tokenizer: Any, rows: list[TrainingRow]) -> None:
    """Save adapter and parity proof beside it, then put the whole folder in place at once."""
    out = job.folder.path / ADAPTER
    temporary = out.with_name(ADAPTER + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    save_adapter(model, temporary)
    write_proof(temporary / PARITY, job.template, parity_probes(rows, job.template, tokenizer))
    shutil.rmtree(out, ignore_errors=True)
    temporary.replace(out)
