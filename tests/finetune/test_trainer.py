"""Whole trainings of a tiny model: what they write, and that they repeat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from finetune import worker
from finetune.adapters import attach_lora
from finetune.batches import collate
from finetune.config import LoraSettings
from finetune.encode import encode_rows
from finetune.job import load_job
from finetune.loss import LossAtLabels
from finetune.trainer import train
from harness.adapters import load_adapter
from harness.children import NOTE
from harness.engines.merge import merge_adapter
from harness.errors import ConfigError, RunError
from harness.models import ModelSource
from harness.parity import check_proof
from harness.store import read_json
from harness.templates import load_template
from harness.training import PlannedTraining
from tests.finetune.support import (
    ROWS,
    WEIGHTS,
    Maker,
    adapter_digest,
    history,
    row,
    tiny_model,
)


@pytest.fixture(scope="module")
def trained(make: Maker) -> PlannedTraining:
    planned = make(learning_rate=2e-2)
    assert worker.main(planned.folder.path) == 0
    return planned


def test_a_training_leaves_adapter_proof_ledger_and_summary(trained: PlannedTraining) -> None:
    files = {str(file.relative_to(trained.folder.path)) for file in trained.folder.path.rglob("*")}

    assert trained.is_complete
    assert files == {
        ".lock", "adapter", "adapter/adapter_config.json", f"adapter/{WEIGHTS}",
        "adapter/parity.json", "events.jsonl", "job.json", "manifest.json", "mask-ledger.json",
        "memory.json",
        "rows.jsonl", "summary.json",
    }  # fmt: skip


def test_the_loss_falls(trained: PlannedTraining) -> None:
    losses = [row["loss"] for row in trained.folder.events("step")]
    heldout = trained.summary()["heldout_loss_by_epoch"]

    assert losses[-1] < losses[0] - 0.5
    assert heldout["0"] > heldout["1"] > heldout["2"]


def test_the_summary_says_what_the_events_say(trained: PlannedTraining) -> None:
    steps = trained.folder.events("step")
    summary = trained.summary()

    assert [row["step"] for row in steps] == list(range(1, 21))
    assert (summary["steps"], summary["rows"]) == (20, 38)
    assert summary["final_loss"] == steps[-1]["loss"]
    assert summary["peak_bytes"] >= max(row["peak_bytes"] for row in steps)
    assert summary["tokens_per_second"] > 0
    assert summary["seconds"] == pytest.approx(
        sum(row["seconds"] for row in trained.folder.events("session")), abs=0.01
    )


def test_the_ledger_is_that_of_the_rows_trained_on(trained: PlannedTraining) -> None:
    ledger = read_json(trained.folder.path / "mask-ledger.json")

    assert (ledger["rows"], ledger["rows_kept"], ledger["end_tokens"]) == (38, 38, 38)


def test_the_proof_holds_for_the_template_it_was_trained_with(
    trained: PlannedTraining, model_folder: Path, tokenizer: Any
) -> None:
    template = load_template("chatml", model_folder)

    checked = check_proof(trained.adapter / "parity.json", template, tokenizer, adapter="tiny")

    assert checked == 16


def test_the_adapter_fits_its_base(trained: PlannedTraining, model_folder: Path) -> None:
    base = ModelSource(name="tiny", path=model_folder, digest="d" * 64)

    adapter = load_adapter("tiny", trained.adapter, base, max_rank=64)

    assert adapter.rank == 4
    assert adapter.digest == adapter_digest(trained)


def test_the_adapter_names_no_folder_of_this_machine(
    trained: PlannedTraining, model_folder: Path
) -> None:
    config = read_json(trained.adapter / "adapter_config.json")

    assert config["base_model_name_or_path"] == model_folder.name
    assert config["target_modules"] == sorted(config["target_modules"])


def test_the_adapter_holds_low_rank_updates_and_nothing_else(trained: PlannedTraining) -> None:
    tensors = load_file(trained.adapter / WEIGHTS)

    assert {name.split(".")[-2] for name in tensors} == {"lora_A", "lora_B"}
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    # 2 layers × (q, k, v, o, gate, up, down) × (A, B)
    assert len(tensors) == 28


def test_merged_weights_are_the_base_plus_the_scaled_product(
    trained: PlannedTraining, model_folder: Path, tmp_path: Path
) -> None:
    base = ModelSource(name="tiny", path=model_folder, digest="d" * 64)
    adapter = load_adapter("tiny", trained.adapter, base, max_rank=64)

    merge_adapter(model_folder, adapter, tmp_path / "merged", dtype="float32")

    before = load_file(model_folder / "model.safetensors")
    after = load_file(tmp_path / "merged" / "model.safetensors")
    expected = before | {
        name: before[name] + 8 / 4 * update for name, update in products(trained.adapter).items()
    }
    # One float32 product of 4 terms and one sum: a few units in the last place of numbers below 1.
    torch.testing.assert_close(after, expected, rtol=0, atol=1e-6)


def test_merging_leaves_the_other_weights_bit_for_bit(
    trained: PlannedTraining, model_folder: Path, tmp_path: Path
) -> None:
    base = ModelSource(name="tiny", path=model_folder, digest="d" * 64)
    adapter = load_adapter("tiny", trained.adapter, base, max_rank=64)

    merge_adapter(model_folder, adapter, tmp_path / "merged", dtype="float32")

    before = load_file(model_folder / "model.safetensors")
    after = load_file(tmp_path / "merged" / "model.safetensors")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(products(trained.adapter))


def products(adapter: Path) -> dict[str, Tensor]:
    """Return B·A of every adapted layer, by the name of its weight in the base."""
    tensors = load_file(adapter / WEIGHTS)
    layers = {name.split(".lora_")[0] for name in tensors}
    return {
        layer.removeprefix("base_model.model.") + ".weight": tensors[f"{layer}.lora_B.weight"]
        @ tensors[f"{layer}.lora_A.weight"]
        for layer in layers
    }


def test_training_steps_leave_the_base_bit_for_bit(tokenizer: Any, model_folder: Path) -> None:
    model = attach_lora(tiny_model(tokenizer), LoraSettings(r=4, alpha=8))
    frozen = {n: p.detach().clone() for n, p in model.named_parameters() if not p.requires_grad}
    trainable = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    template = load_template("chatml", model_folder)
    rows = encode_rows(ROWS, template, tokenizer, max_tokens=200, over_length="error").rows
    batch = collate(rows, pad_id=tokenizer.pad_token_id)
    loss_of = LossAtLabels(model)
    # Weight decay and a high rate would move whatever is not frozen.
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)

    for _ in range(3):
        loss_of(model, batch)[0].backward()
        optimizer.step()
        optimizer.zero_grad()

    after = dict(model.named_parameters())
    assert all(torch.equal(after[name], weight) for name, weight in frozen.items())
    assert not any(torch.equal(after[name], weight) for name, weight in trainable.items())
    assert {name.split(".")[-3] for name in trainable} == {"lora_A", "lora_B"}


def test_an_untrained_adapter_changes_no_logit(tokenizer: Any) -> None:
    ids = torch.tensor([tokenizer("Question 1?")["input_ids"]])
    expected = tiny_model(tokenizer)(input_ids=ids).logits

    adapted = attach_lora(tiny_model(tokenizer), LoraSettings(r=4, alpha=8))

    assert torch.equal(adapted(input_ids=ids).logits, expected)


def test_the_adapter_is_float32_on_a_bfloat16_base(model_folder: Path) -> None:
    base = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.bfloat16)

    model = attach_lora(base, LoraSettings(r=4))

    dtypes = {p.requires_grad: p.dtype for p in model.parameters()}
    assert dtypes == {True: torch.float32, False: torch.bfloat16}


def test_targets_that_name_no_layer_are_refused(tokenizer: Any) -> None:
    with pytest.raises(ConfigError, match=r"lora\.targets: .*nonsense"):
        attach_lora(tiny_model(tokenizer), LoraSettings(targets=("nonsense",)))


def test_the_same_configuration_gives_the_same_adapter(
    make: Maker, trained: PlannedTraining
) -> None:
    again = make(learning_rate=2e-2)

    worker.main(again.folder.path)

    assert adapter_digest(again) == adapter_digest(trained)
    assert history(again) == history(trained)


def test_another_seed_gives_another_adapter(make: Maker, trained: PlannedTraining) -> None:
    other = make(learning_rate=2e-2, seed=1)

    worker.main(other.folder.path)

    assert adapter_digest(other) != adapter_digest(trained)


def test_bfloat16_training_lowers_the_loss_too(make: Maker) -> None:
    planned = make(learning_rate=2e-2, dtype="bfloat16")

    assert worker.main(planned.folder.path) == 0

    losses = [row["loss"] for row in planned.folder.events("step")]
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize("micro_batch", [2, 4])
def test_the_micro_batch_decides_the_memory_not_the_result(make: Maker, micro_batch: int) -> None:
    whole = make(batch=8, micro_batch=8, epochs=2)
    parts = make(batch=8, micro_batch=micro_batch, epochs=2)

    worker.main(whole.folder.path)
    worker.main(parts.folder.path)

    # Adam divides by the gradient's size, so float32 noise in small gradients grows; an update
    # weighted by batches instead of tokens is off by percents.
    expected, found = products(whole.adapter), products(parts.adapter)
    distance = sum(float((found[name] - expected[name]).norm()) for name in expected)
    assert distance < 1e-3 * sum(float(update.norm()) for update in expected.values())
    assert [row["loss"] for row in parts.folder.events("step")] == pytest.approx(
        [row["loss"] for row in whole.folder.events("step")], rel=1e-4
    )


@pytest.mark.parametrize("heldout", [0, 0.05])
def test_a_diverging_training_fails_in_words(make: Maker, heldout: float) -> None:
    planned = make(learning_rate=1e6, heldout=heldout, warmup=0, schedule="constant")

    code = worker.main(planned.folder.path)

    failure = read_json(planned.folder.path / NOTE)
    assert code == 1
    assert "lower learning_rate (it is the usual cause) or use dtype: float32" in failure["message"]
    assert not planned.is_complete
    assert not planned.adapter.exists()


def test_a_loss_that_is_not_a_number_is_kept_as_none(make: Maker) -> None:
    planned = make(learning_rate=1e6, heldout=0, warmup=0, schedule="constant")

    with pytest.raises(RunError, match=r"is (nan|inf) at step \d+"):
        train(load_job(planned.folder.path), progress=lambda *_: None)

    events = (planned.folder.path / "events.jsonl").read_text(encoding="utf-8")
    assert "NaN" not in events
    assert "Infinity" not in events


def test_rows_that_teach_nothing_fail_before_the_model_is_loaded(make: Maker) -> None:
    planned = make(max_tokens=9)

    code = worker.main(planned.folder.path)

    assert code == 2
    assert (
        "are longer than max_tokens: 9"
        in read_json(planned.folder.path / "failure.json")["message"]
    )


def test_a_base_that_is_gone_is_named(make: Maker, model_folder: Path, tmp_path: Path) -> None:
    planned = make()
    job = planned.job.model_copy(update={"model": str(tmp_path / "gone")})
    (planned.folder.path / "job.json").write_text(job.model_dump_json(), encoding="utf-8")

    code = worker.main(planned.folder.path)

    assert code == 2
    assert "the base model is gone" in read_json(planned.folder.path / "failure.json")["message"]


@pytest.mark.parametrize("fault", [MemoryError(), RuntimeError("CUDA out of memory. Tried 2 GiB")])
def test_want_of_memory_is_said_with_its_remedy(
    make: Maker, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    planned = make()

    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("finetune.trainer.train", fail)

    code = worker.main(planned.folder.path)

    assert code == 1
    message = read_json(planned.folder.path / "failure.json")["message"]
    assert message.startswith("out of memory; halve micro_batch (the result stays the same)")


def test_without_held_out_rows_there_are_no_held_out_losses(make: Maker) -> None:
    planned = make(heldout=0, epochs=1)

    worker.main(planned.folder.path)

    assert planned.summary()["heldout_loss_by_epoch"] == {}
    assert planned.summary()["rows"] == 40


def test_long_rows_are_dropped_and_counted(make: Maker) -> None:
    planned = make((*ROWS, row("x" * 500, "y")), heldout=0, epochs=1, max_tokens=128)

    worker.main(planned.folder.path)

    ledger = read_json(planned.folder.path / "mask-ledger.json")
    assert (ledger["rows"], ledger["rows_kept"], ledger["rows_too_long"]) == (41, 40, 1)
