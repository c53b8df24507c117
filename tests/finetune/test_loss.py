"""The loss without needless logits is the usual loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from finetune.batches import collate
from finetune.encode import IGNORE, encode_rows
from finetune.loss import LossAtLabels, mean_loss
from harness.templates import load_template
from tests.finetune.support import row, rows_of_all_lengths, tiny_model

TOLERANCE = 1e-5
"""Float32 sums of a few hundred terms near 6, taken in another order."""


@pytest.fixture(scope="module")
def batch(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    rows = [*rows_of_all_lengths(6), row("Hello", "One moment", "And?", "Done")]
    template = load_template("chatml", tmp_path_factory.mktemp("none"))
    encoding = encode_rows(rows, template, tokenizer, max_tokens=200, over_length="error")
    return collate(encoding.rows, pad_id=tokenizer.pad_token_id)


def usual_loss(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """The sum over labels of the cross-entropy of all logits, as in every textbook."""
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    logits = model(**inputs).logits[:, :-1]
    labels = batch["labels"][:, 1:]
    return nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE, reduction="sum"
    )


def gradients(model: nn.Module, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(model.parameters())))


def test_the_loss_equals_that_of_all_logits(tokenizer: Any, batch: dict[str, Tensor]) -> None:
    model = tiny_model(tokenizer)
    expected = usual_loss(model, batch)

    loss, n = LossAtLabels(model)(model, batch)

    torch.testing.assert_close(loss, expected, rtol=TOLERANCE, atol=0)
    assert int(n) == int((batch["labels"] != IGNORE).sum())


def test_the_loss_equals_the_models_own(tokenizer: Any, batch: dict[str, Tensor]) -> None:
    model = tiny_model(tokenizer)
    own = model(**batch).loss  # mean over learnt tokens

    loss, n = LossAtLabels(model)(model, batch)

    torch.testing.assert_close(loss / n, own, rtol=TOLERANCE, atol=0)


def test_the_gradients_equal_those_of_all_logits(tokenizer: Any, batch: dict[str, Tensor]) -> None:
    model = tiny_model(tokenizer)
    expected = gradients(model, usual_loss(model, batch))

    found = gradients(model, LossAtLabels(model)(model, batch)[0])

    torch.testing.assert_close(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_the_head_sees_only_positions_whose_next_token_is_learnt(
    tokenizer: Any, batch: dict[str, Tensor]
) -> None:
    model = tiny_model(tokenizer)
    loss_of = LossAtLabels(model)
    shapes: list[torch.Size] = []
    model.lm_head.register_forward_hook(lambda _head, inputs, _out: shapes.append(inputs[0].shape))

    _, n = loss_of(model, batch)

    assert shapes == [torch.Size([int(n), 32])]


def test_the_model_gives_all_logits_again_afterwards(
    tokenizer: Any, batch: dict[str, Tensor]
) -> None:
    model = tiny_model(tokenizer)
    before = model(input_ids=batch["input_ids"]).logits

    LossAtLabels(model)(model, batch)

    assert torch.equal(model(input_ids=batch["input_ids"]).logits, before)


def test_padding_does_not_change_the_loss(tokenizer: Any, batch: dict[str, Tensor]) -> None:
    model = tiny_model(tokenizer)
    fill = {"input_ids": tokenizer.pad_token_id, "attention_mask": 0, "labels": IGNORE}
    wider = {k: nn.functional.pad(v, (0, 9), value=fill[k]) for k, v in batch.items()}
    loss_of = LossAtLabels(model)

    loss, n = loss_of(model, wider)

    expected, expected_n = loss_of(model, batch)
    torch.testing.assert_close(loss, expected, rtol=TOLERANCE, atol=0)
    assert n == expected_n


def test_the_mean_loss_weighs_tokens_not_batches(tokenizer: Any, batch: dict[str, Tensor]) -> None:
    model = tiny_model(tokenizer)
    loss_of = LossAtLabels(model)
    whole, n = loss_of(model, batch)
    parts = [{k: v[:1] for k, v in batch.items()}, {k: v[1:] for k, v in batch.items()}]

    mean = mean_loss(loss_of, model, parts)

    assert mean == pytest.approx(float(whole.detach() / n), rel=TOLERANCE)


def test_the_mean_loss_leaves_the_model_as_it_was(tokenizer: Any, batch: dict[str, Tensor]) -> None:
    model = tiny_model(tokenizer).train()

    mean_loss(LossAtLabels(model), model, [batch])

    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
