"""The order of rows, and padding."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from hypothesis import given
from hypothesis import strategies as st

from finetune.batches import LengthGroupedOrder, collate
from finetune.encode import IGNORE, EncodedRow

LENGTHS = tuple(random.Random(0).choices(range(10, 300), k=403))


def order(*, seed: int = 0, epoch: int = 0, batch: int = 8) -> list[int]:
    sampler = LengthGroupedOrder(LENGTHS, batch=batch, seed=seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def padding_share(rows: Sequence[int], *, batch: int) -> float:
    batches = [[LENGTHS[i] for i in rows[j : j + batch]] for j in range(0, len(rows), batch)]
    padded = sum(max(lengths) * len(lengths) for lengths in batches)
    return 1 - sum(LENGTHS) / padded


def test_an_epoch_is_the_same_for_a_seed() -> None:
    assert order(seed=3, epoch=2) == order(seed=3, epoch=2)


def test_epochs_and_seeds_differ() -> None:
    assert order(epoch=0) != order(epoch=1)
    assert order(seed=0) != order(seed=1)


@given(
    lengths=st.lists(st.integers(1, 500), max_size=200),
    batch=st.integers(1, 16),
    seed=st.integers(0, 5),
)
def test_every_row_comes_once(lengths: list[int], batch: int, seed: int) -> None:
    sampler = LengthGroupedOrder(lengths, batch=batch, seed=seed)

    assert sorted(sampler) == list(range(len(lengths)))
    assert len(sampler) == len(lengths)


def test_grouping_saves_most_of_the_padding() -> None:
    shuffled = random.Random(0).sample(range(len(LENGTHS)), len(LENGTHS))

    # 36 % against 4 %: half of it is a bound with room.
    assert padding_share(order(), batch=8) < 0.5 * padding_share(shuffled, batch=8)


def test_micro_batches_of_a_batch_are_grouped_too() -> None:
    shuffled = random.Random(0).sample(range(len(LENGTHS)), len(LENGTHS))

    assert padding_share(order(batch=16), batch=4) < 0.5 * padding_share(shuffled, batch=4)


def test_batches_do_not_come_by_length() -> None:
    means = [sum(LENGTHS[i] for i in order()[j : j + 8]) / 8 for j in range(0, 400, 8)]

    assert means != sorted(means)
    assert means != sorted(means, reverse=True)


def test_the_short_batch_comes_last() -> None:
    # 403 rows in batches of 8: the pool of 256 gives 32, the rest of 147 gives 18 and one of 3.
    last = order()[-3:]

    assert [LENGTHS[i] for i in last] == sorted(LENGTHS[i] for i in last)
    assert padding_share(order()[:400], batch=8) < 0.1


def test_padding_is_masked_by_length_though_pad_and_eos_are_one_token() -> None:
    rows = [
        EncodedRow(input_ids=(5, 6, 2), labels=(IGNORE, 6, 2)),
        EncodedRow(input_ids=(7, 2, 8, 9, 2), labels=(IGNORE, IGNORE, 8, 9, 2)),
    ]

    batch = collate(rows, pad_id=2)

    assert batch["input_ids"].tolist() == [[5, 6, 2, 2, 2], [7, 2, 8, 9, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch["labels"].tolist() == [[-100, 6, 2, -100, -100], [-100, -100, 8, 9, 2]]
    assert {tensor.dtype for tensor in batch.values()} == {torch.int64}
